// Groups on call: who is on call now, and whose turn it is in the next weeks.

import { ESCALATION } from "../../texts/pt-BR/escalation.js";
import { moment } from "../../ui/dates.js";
import { html } from "../../ui/html.js";
import { Table } from "../../ui/table.js";

const isNow = (shift) => Date.parse(shift.from) <= Date.now() && Date.parse(shift.to) > Date.now();

const COLUMNS = [
  { title: ESCALATION.group, name: true, cell: (shift) => shift.group_name },
  { title: ESCALATION.who, cell: (shift) => html`${shift.member}${isNow(shift) && html` <span class="badge" data-state="on">${ESCALATION.now}</span>`}` },
  { title: ESCALATION.from, cell: (shift) => moment(shift.from) },
  { title: ESCALATION.until, cell: (shift) => moment(shift.to) },
];

/** `onChange(group)` where the user may change one, else false. */
export function OnCall({ groups, shifts, onChange, onRemove }) {
  return html`<section class="panel" aria-label=${ESCALATION.onCall}><h2>${ESCALATION.onCall}</h2>
    ${groups.length === 0 && html`<p class="muted">${ESCALATION.groupNone}</p>`}
    <ul class="escalation-groups">${groups.map((group) => html`<li key=${group.group_id}>
      <strong>${group.name}</strong>
      <span>${ESCALATION.now}: ${shifts.find((shift) => shift.group_id === group.group_id && isNow(shift))?.member ?? ESCALATION.nobody}</span>
      <span class="muted">${group.members.map(({ name }) => name).join(" → ")}</span>
      ${onChange && html`<span class="actions">
        <button type="button" onClick=${() => onChange(group)} aria-label=${ESCALATION.changeThis(group.name)}>${ESCALATION.change}</button>
        <button type="button" onClick=${() => onRemove(group)} aria-label=${ESCALATION.removeThis(group.name)}>${ESCALATION.remove}</button>
      </span>`}
    </li>`)}</ul>
    ${shifts.length > 0 && html`<details open><summary>${ESCALATION.calendar}</summary>
      <${Table} caption=${ESCALATION.calendar} columns=${COLUMNS} rows=${shifts} keyOf=${(shift) => `${shift.group_id} ${shift.from}`} /></details>`}
  </section>`;
}
