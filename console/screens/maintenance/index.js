// Planned work, during which nobody is told, and the days on which the city rests.

import { may, session } from "../../shell/state.js";
import { toast } from "../../shell/toasts.js";
import { inWords } from "../../texts/pt-BR/errors.js";
import { MAINTENANCE } from "../../texts/pt-BR/maintenance.js";
import { SHELL } from "../../texts/pt-BR/shell.js";
import { moment } from "../../ui/dates.js";
import { confirm } from "../../ui/dialog.js";
import { html, useState } from "../../ui/html.js";
import { More, usePages } from "../../ui/loading.js";
import { Empty, Failed, Skeleton } from "../../ui/states.js";
import { Table } from "../../ui/table.js";
import { Holidays } from "./holidays.js";
import { WindowDialog } from "./window.js";

const isOver = (window) => Date.parse(window.ends_at) <= Date.now();
const isRunning = (window) => !isOver(window) && Date.parse(window.starts_at) <= Date.now();

const COLUMNS = [
  { title: MAINTENANCE.name, name: true, cell: (window) => window.name },
  { title: MAINTENANCE.from, cell: (window) => moment(window.starts_at) },
  { title: MAINTENANCE.to, cell: (window) => moment(window.ends_at) },
  { title: MAINTENANCE.about, cell: aboutInWords },
  { title: MAINTENANCE.state, cell: (window) => html`<span class="badge" data-state=${isRunning(window) ? "on" : undefined}>${isRunning(window) ? MAINTENANCE.running : isOver(window) ? MAINTENANCE.over : MAINTENANCE.planned}</span>` },
];

function aboutInWords({ camera_ids: cameras, group_ids: groups }) {
  return [cameras.length && MAINTENANCE.cameras(cameras.length), groups.length && MAINTENANCE.groups(groups.length)].filter(Boolean).join(", ") || MAINTENANCE.wholeCity;
}

export default function Maintenance() {
  const [edited, setEdited] = useState(null); // {} for a new one
  const pages = usePages("/maintenance");
  const canWrite = may("rules:write");
  const saved = () => {
    toast(edited.window_id ? MAINTENANCE.changed : MAINTENANCE.made);
    setEdited(null);
    pages.reload();
  };
  const end = async (window) => {
    if (!(await confirm({ title: MAINTENANCE.endThis(window.name), text: MAINTENANCE.endText, action: MAINTENANCE.endThis(window.name) }))) return;
    await session.delete(`/maintenance/${window.window_id}`).then(() => toast(MAINTENANCE.ended(window.name)), (problem) => toast(inWords(problem), "failed"));
    document.getElementById("content").focus(); // the button goes with its row
    pages.reload();
  };
  const actions = {
    title: MAINTENANCE.actions,
    cell: (window) => !isOver(window) && html`<span class="actions">
      <button type="button" onClick=${() => setEdited(window)} aria-label=${MAINTENANCE.changeThis(window.name)}>${MAINTENANCE.change}</button>
      <button type="button" onClick=${() => end(window)} aria-label=${MAINTENANCE.endThis(window.name)}>${MAINTENANCE.end}</button>
    </span>`,
  };
  return html`<section class="screen maintenance">
    <header><h1>${SHELL.screens.maintenance}</h1>${canWrite && html`<button type="button" class="primary" onClick=${() => setEdited({})}>${MAINTENANCE.make}</button>`}</header>
    <p class="muted">${MAINTENANCE.why}</p>
    ${!pages.items && (pages.problem ? html`<${Failed} problem=${pages.problem} retry=${pages.reload} />` : html`<${Skeleton} lines=${3} />`)}
    ${pages.items?.length === 0 && html`<${Empty} text=${MAINTENANCE.none} />`}
    ${pages.items?.length > 0 && html`<${Table} caption=${MAINTENANCE.caption} columns=${canWrite ? [...COLUMNS, actions] : COLUMNS} rows=${pages.items} keyOf=${(window) => window.window_id} /><${More} pages=${pages} />`}
    <${Holidays} />
    ${edited && html`<${WindowDialog} window=${edited} onSaved=${saved} onClose=${() => setEdited(null)} />`}
  </section>`;
}
