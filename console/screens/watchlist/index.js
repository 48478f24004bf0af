// One list of plates: who is looked for, why and until when; added one by one or pasted, changed, removed.

import { go, setQuery, withQuery } from "../../shell/router.js";
import { may, session } from "../../shell/state.js";
import { toast } from "../../shell/toasts.js";
import { COMMON } from "../../texts/pt-BR/common.js";
import { inWords } from "../../texts/pt-BR/errors.js";
import { ENTRIES } from "../../texts/pt-BR/watchlist.js";
import { WATCHLISTS } from "../../texts/pt-BR/watchlists.js";
import { confirm } from "../../ui/dialog.js";
import { html, useState } from "../../ui/html.js";
import { More, useLoaded, usePages } from "../../ui/loading.js";
import { bare } from "../../ui/plates.js";
import { asFileName, save } from "../../ui/saving.js";
import { SearchField } from "../../ui/search.js";
import { Plate, Severity, written } from "../../ui/signs.js";
import { Empty, Failed, Skeleton } from "../../ui/states.js";
import { Table } from "../../ui/table.js";
import { askRemoval, ListDialog } from "../../ui/watchlist-form.js";
import { AddDialog, ChangeDialog } from "./forms.js";
import { ImportDialog } from "./import.js";
import { PasteDialog } from "./paste.js";
import { Limits, Validity } from "./validity.js";

export const styles = ["style.css"];

export default function Screen({ params: { id }, query }) {
  const list = useLoaded(() => session.get(`/watchlists/${id}`), [id]);
  const back = html`<a class="button" href="/listas">← ${ENTRIES.back}</a>`;
  if (!list.value) {
    return html`<section class="screen"><header><h1>${WATCHLISTS.title}</h1>${back}</header>
      ${list.problem ? html`<${Failed} problem=${list.problem} retry=${list.reload} />` : html`<${Skeleton} />`}</section>`;
  }
  return html`<${List} key=${id} list=${list.value} reload=${list.reload} setList=${list.set} words=${query.q ?? ""} back=${back} />`;
}

function List({ list, reload, setList, words, back }) {
  const [open, setOpen] = useState(null); // "add", "paste", "import", "list", or the entry that is changed
  const path = `/watchlists/${list.watchlist_id}/entries`;
  const pages = usePages(path, { q: bare(words) });
  const canWrite = may("watchlists:write");
  const close = () => setOpen(null);
  const changed = (text) => {
    if (text) toast(text);
    close();
    pages.reload();
    reload();
  };
  const remove = async (entry) => {
    const plate = written(entry.plate);
    if (!(await confirm({ title: ENTRIES.removeThis(plate), text: ENTRIES.removeText(plate, list.name), action: ENTRIES.stopWatching }))) return;
    try {
      await session.delete(`${path}/${entry.entry_id}`);
      document.getElementById("content").focus(); // the button has gone with its row
      changed(ENTRIES.removed(plate));
    } catch (problem) {
      toast(inWords(problem), "failed");
    }
  };
  const removeList = async () => {
    if (!(await askRemoval(list))) return;
    try {
      await session.delete(`/watchlists/${list.watchlist_id}`);
      toast(WATCHLISTS.removed(list.name));
      go("/listas");
    } catch (problem) {
      toast(inWords(problem), "failed");
    }
  };
  return html`<section class="screen watchlist">
    <header>
      ${back}<h1>${list.name}</h1>
      ${canWrite && html`<div class="actions">
        <button type="button" onClick=${() => setOpen("list")} aria-label=${WATCHLISTS.changeThis(list.name)}>${WATCHLISTS.change}</button>
        <button type="button" onClick=${removeList} aria-label=${WATCHLISTS.removeThis(list.name)}>${WATCHLISTS.remove}</button>
      </div>`}
    </header>
    <p class="watchlist-about"><${Severity} level=${list.severity} /><span role="status">${WATCHLISTS.count(list.entries)}</span>${list.enabled === false && html`<span class="badge" data-state="off">${WATCHLISTS.off}</span>`}</p>
    ${[list.description, list.legal_basis].filter(Boolean).map((text) => html`<p key=${text} class="muted">${text}</p>`)}
    <div class="watchlist-tools">
      <div class="filters"><${SearchField} label=${ENTRIES.search} value=${words} onSearch=${(q) => setQuery({ q })} maxlength="8" autocapitalize="characters" placeholder=${ENTRIES.plateExample} /></div>
      ${canWrite && html`<div class="actions">
        <button type="button" class="primary" onClick=${() => setOpen("add")}>${ENTRIES.add}</button>
        <button type="button" onClick=${() => setOpen("paste")}>${ENTRIES.paste}</button>
        <button type="button" onClick=${() => setOpen("import")}>${ENTRIES.importFile}</button>
        <${Export} list=${list} />
      </div>`}
    </div>
    ${!pages.items && (pages.problem ? html`<${Failed} problem=${pages.problem} retry=${pages.reload} words=${{ invalid_plate: ENTRIES.notBeginning }} />` : html`<${Skeleton} />`)}
    ${pages.items?.length === 0 && (words
      ? html`<${Empty} text=${ENTRIES.noneFound(bare(words))}><a class="button" href=${`/listas/${list.watchlist_id}`}>${ENTRIES.showAll}</a><//>`
      : html`<${Empty} text=${ENTRIES.none} />`)}
    ${pages.items?.length > 0 && html`
      <${Table} caption=${ENTRIES.caption(list.name)} rows=${pages.items} keyOf=${(entry) => entry.entry_id} columns=${columns(canWrite && { change: setOpen, remove })} />
      ${pages.problem && html`<${Failed} problem=${pages.problem} retry=${pages.reload} />`}
      <${More} pages=${pages} />`}
    ${open === "list" && html`<${ListDialog} list=${list} onClose=${close} onSaved=${(saved) => (setList(saved), toast(WATCHLISTS.changed), close())} />`}
    ${open === "add" && html`<${AddDialog} path=${path} onSaved=${(entry) => changed(ENTRIES.added(written(entry.plate)))} onClose=${close} />`}
    ${open === "paste" && html`<${PasteDialog} path=${path} onClose=${() => changed()} />`}
    ${open === "import" && html`<${ImportDialog} list=${list} onClose=${() => changed()} />`}
    ${open?.entry_id && html`<${ChangeDialog} path=${path} entry=${open} onSaved=${(entry) => changed(ENTRIES.changed(written(entry.plate)))} onClose=${close} />`}
  </section>`;
}

/** Gives the list as the file that an import takes. */
function Export({ list }) {
  const [isBusy, setBusy] = useState(false);
  const give = async () => {
    if (isBusy) return;
    setBusy(true);
    try {
      save(await session.file(`/watchlists/${list.watchlist_id}/export.csv`, () => {}), `${asFileName(ENTRIES.fileName(list.name))}.csv`);
    } catch (problem) {
      toast(inWords(problem), "failed");
    } finally {
      setBusy(false);
    }
  };
  return html`<button type="button" aria-disabled=${isBusy} onClick=${give}>${isBusy ? ENTRIES.exporting : ENTRIES.exportFile}</button>`;
}

/** `allowed`: {change, remove} where the user may do so, else false. */
function columns(allowed) {
  const shown = [
    { title: ENTRIES.plate, name: true, cell: ({ plate }) => html`<${LinkedPlate} plate=${plate} />` },
    { title: ENTRIES.match, cell: ({ match, priority }) => html`${ENTRIES.matches[match] ?? match} ${priority && html`<${Severity} level=${priority} />`}` },
    { title: ENTRIES.reason, cell: ({ reason, legal_basis: basis }) => html`${reason || html`<span class="muted">${ENTRIES.noReason}</span>`}${basis && html`<div class="muted">${basis}</div>`}` },
    { title: ENTRIES.validity, cell: (entry) => html`<${Validity} entry=${entry} /><${Limits} entry=${entry} />` },
  ];
  if (!allowed) return shown;
  return [...shown, {
    title: ENTRIES.actions,
    cell: (entry) => html`<span class="actions">
      <button type="button" onClick=${() => allowed.change(entry)} aria-label=${ENTRIES.editThis(written(entry.plate))}>${COMMON.edit}</button>
      <button type="button" onClick=${() => allowed.remove(entry)} aria-label=${ENTRIES.removeThis(written(entry.plate))}>${COMMON.remove}</button>
    </span>`,
  }];
}

/** Leads to the plate's reads, for those who may search. */
function LinkedPlate({ plate }) {
  if (!may("plates:search")) return html`<${Plate} plate=${plate} />`;
  return html`<${Plate} plate=${plate} href=${withQuery("/placas", { plate })} label=${ENTRIES.seeReads(written(plate))} />`;
}
