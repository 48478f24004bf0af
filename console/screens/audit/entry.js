// One entry with all that is hashed, and the values that bind it to its neighbours.

import { go, withQuery } from "../../shell/router.js";
import { nameOf } from "../../stores/cameras.js";
import { AUDIT, OBJECTS, OUTCOMES } from "../../texts/pt-BR/audit.js";
import { ROLES } from "../../texts/pt-BR/common.js";
import { moment } from "../../ui/dates.js";
import { Dialog } from "../../ui/dialog.js";
import { html } from "../../ui/html.js";
import { actionInWords, actorInWords } from "./entries.js";

/** Fields whose values have words; the others are shown as they are. */
const IN_WORDS = {
  seq: (entry) => entry.seq.toLocaleString("pt-BR"),
  recorded_at: (entry) => moment(entry.recorded_at),
  occurred_at: (entry) => moment(entry.occurred_at),
  range_from: (entry) => moment(entry.range_from),
  range_to: (entry) => moment(entry.range_to),
  action: (entry) => html`${actionInWords(entry.action)} <code>${entry.action}</code>`,
  outcome: (entry) => OUTCOMES[entry.outcome] ?? entry.outcome,
  actor_name: actorInWords,
  actor_role: (entry) => ROLES[entry.actor_role] ?? entry.actor_role,
  object_kind: (entry) => html`${OBJECTS[entry.object_kind] ?? ""} <code>${entry.object_kind}</code>`,
  camera_id: (entry) => html`${nameOf(entry.camera_id)} <code>${entry.camera_id}</code>`,
};
const ALWAYS = new Set(["actor_name"]);
const PLAIN = new Set(["purpose", "address", "user_agent", "version"]);

export function Entry({ entry, onClose }) {
  const shown = Object.entries(AUDIT.fields).filter(([name]) => ALWAYS.has(name) || (entry[name] !== null && entry[name] !== ""));
  const details = Object.entries(entry.details);
  const narrow = (query) => {
    onClose();
    go(withQuery("/auditoria", query));
  };
  return html`<${Dialog} title=${AUDIT.title(entry.seq)} onClose=${onClose} wide>
    <div class="actions">
      ${entry.actor_id && html`<button type="button" onClick=${() => narrow({ actor_id: entry.actor_id })}>${AUDIT.onlyActor}</button>`}
      ${entry.object_id && html`<button type="button" onClick=${() => narrow({ object_kind: entry.object_kind, object_id: entry.object_id })}>${AUDIT.onlyObject}</button>`}
      <button type="button" onClick=${() => narrow({ correlation_id: entry.correlation_id })}>${AUDIT.onlyRequest}</button>
    </div>
    <dl class="facts">${shown.map(([name, title]) => html`<div key=${name}><dt>${title}</dt><dd>${valueOf(entry, name)}</dd></div>`)}</dl>
    ${details.length > 0 && html`<h3>${AUDIT.details}</h3>
      <dl class="facts">${details.map(([name, text]) => html`<div key=${name}><dt><code>${name}</code></dt><dd>${text}</dd></div>`)}</dl>`}
    <h3>${AUDIT.chain}</h3>
    <p class="muted">${AUDIT.chainWhy}</p>
    <dl class="audit-chain">${Object.entries(AUDIT.chainFields).map(([name, title]) => html`<div key=${name}><dt>${title}</dt><dd><code>${entry[name]}</code></dd></div>`)}</dl>
  <//>`;
}

function valueOf(entry, name) {
  if (Object.hasOwn(IN_WORDS, name)) return IN_WORDS[name](entry);
  return PLAIN.has(name) ? entry[name] : html`<code>${entry[name]}</code>`;
}
