// Entries as a table: when, who, what, about what, from where.

import { nameOf } from "../../stores/cameras.js";
import { ACTIONS, AUDIT, OBJECTS, OUTCOMES } from "../../texts/pt-BR/audit.js";
import { ROLES } from "../../texts/pt-BR/common.js";
import { moment } from "../../ui/dates.js";
import { html } from "../../ui/html.js";
import { Plate } from "../../ui/signs.js";
import { Table } from "../../ui/table.js";

export const actionInWords = (action) => ACTIONS[action] ?? action;

export const actorInWords = (entry) => entry.actor_name ?? (entry.actor_id ? AUDIT.someone : AUDIT.system);

/** What the object is called: its name where the entry has it, else that of its camera. */
function objectName(entry) {
  const { name, email, title } = entry.details;
  return name ?? email ?? title ?? (entry.camera_id ? nameOf(entry.camera_id) : "");
}

function About({ entry }) {
  const { plate } = entry.details;
  const shown = entry.object_kind === "plate" ? entry.object_id ?? plate : plate;
  const kind = entry.object_kind ? OBJECTS[entry.object_kind] ?? entry.object_kind : "";
  const name = objectName(entry);
  return html`${kind}${shown && html` <${Plate} plate=${shown} />`}${name && html` <strong>${name}</strong>`}`;
}

export function OutcomeSign({ outcome }) {
  return html`<span class="badge" data-state=${outcome === "refused" ? "off" : undefined}>${outcome === "refused" && "✕ "}${OUTCOMES[outcome] ?? outcome}</span>`;
}

/** `onOpen(entry)`. */
export function Entries({ entries, onOpen }) {
  const columns = [
    { title: AUDIT.when, cell: (entry) => html`<time datetime=${entry.occurred_at}>${moment(entry.occurred_at)}</time>` },
    { title: AUDIT.who, cell: (entry) => html`${actorInWords(entry)}${entry.actor_role && html`<br /><small class="muted">${ROLES[entry.actor_role] ?? entry.actor_role}</small>`}` },
    { title: AUDIT.what, name: true, cell: (entry) => actionInWords(entry.action) },
    { title: AUDIT.about, cell: (entry) => html`<${About} entry=${entry} />` },
    { title: AUDIT.outcome, cell: (entry) => html`<${OutcomeSign} outcome=${entry.outcome} />` },
    { title: AUDIT.from, cell: (entry) => entry.address ?? "" },
    { title: AUDIT.purpose, cell: (entry) => entry.purpose ?? "" },
    {
      title: AUDIT.open,
      cell: (entry) => html`<button type="button" onClick=${() => onOpen(entry)}
        aria-label=${AUDIT.openThis(actionInWords(entry.action), moment(entry.occurred_at))}>${AUDIT.open}</button>`,
    },
  ];
  return html`<${Table} caption=${AUDIT.views.entries} columns=${columns} rows=${entries} keyOf=${(entry) => entry.seq} />`;
}
