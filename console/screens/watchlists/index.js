// The city's lists of plates: made, renamed, made louder or quieter, removed.

import { may, session } from "../../shell/state.js";
import { toast } from "../../shell/toasts.js";
import { inWords } from "../../texts/pt-BR/errors.js";
import { WATCHLISTS } from "../../texts/pt-BR/watchlists.js";
import { day } from "../../ui/dates.js";
import { html, useState } from "../../ui/html.js";
import { More, usePages } from "../../ui/loading.js";
import { Severity } from "../../ui/signs.js";
import { Empty, Failed, Skeleton } from "../../ui/states.js";
import { Table } from "../../ui/table.js";
import { askRemoval, ListDialog } from "../../ui/watchlist-form.js";

const COLUMNS = [
  { title: WATCHLISTS.name, name: true, cell: (list) => html`<a href=${`/listas/${list.watchlist_id}`}>${list.name}</a>${list.enabled === false && html` <span class="badge" data-state="off">${WATCHLISTS.off}</span>`}` },
  { title: WATCHLISTS.level, cell: (list) => html`<${Severity} level=${list.severity} />` },
  { title: WATCHLISTS.plates, cell: (list) => WATCHLISTS.count(list.entries) },
  { title: WATCHLISTS.created, cell: (list) => day(list.created_at) },
];

export default function Screen() {
  const [edited, setEdited] = useState(null); // {} for a new list, or the list that is changed
  const pages = usePages("/watchlists");
  const canWrite = may("watchlists:write");
  const saved = (list) => {
    toast(edited.watchlist_id ? WATCHLISTS.changed : WATCHLISTS.made(list.name));
    setEdited(null);
    pages.reload();
  };
  const remove = async (list) => {
    if (!(await askRemoval(list))) return;
    try {
      await session.delete(`/watchlists/${list.watchlist_id}`);
      toast(WATCHLISTS.removed(list.name));
      document.getElementById("content").focus(); // the button has gone with its row
    } catch (problem) {
      toast(inWords(problem), "failed");
    }
    pages.reload();
  };
  const actions = {
    title: WATCHLISTS.actions,
    cell: (list) => html`<span class="actions">
      <button type="button" onClick=${() => setEdited(list)} aria-label=${WATCHLISTS.changeThis(list.name)}>${WATCHLISTS.change}</button>
      <button type="button" onClick=${() => remove(list)} aria-label=${WATCHLISTS.removeThis(list.name)}>${WATCHLISTS.remove}</button>
    </span>`,
  };
  return html`<section class="screen watchlists">
    <header><h1>${WATCHLISTS.title}</h1>${canWrite && html`<button type="button" class="primary" onClick=${() => setEdited({})}>${WATCHLISTS.make}</button>`}</header>
    <p class="muted">${WATCHLISTS.why}</p>
    ${!pages.items && (pages.problem ? html`<${Failed} problem=${pages.problem} retry=${pages.reload} />` : html`<${Skeleton} />`)}
    ${pages.items?.length === 0 && html`<${Empty} text=${canWrite ? WATCHLISTS.none : WATCHLISTS.noneToRead} />`}
    ${pages.items?.length > 0 && html`
      <${Table} caption=${WATCHLISTS.caption} columns=${canWrite ? [...COLUMNS, actions] : COLUMNS} rows=${pages.items} keyOf=${(list) => list.watchlist_id} />
      ${pages.problem && html`<${Failed} problem=${pages.problem} retry=${pages.reload} />`}
      <${More} pages=${pages} />`}
    ${edited && html`<${ListDialog} list=${edited} onSaved=${saved} onClose=${() => setEdited(null)} />`}
  </section>`;
}
