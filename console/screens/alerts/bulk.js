// The line above the list: how much of it is here, and what is done with many of it, once some are chosen.

import { may } from "../../shell/state.js";
import { ALERTS } from "../../texts/pt-BR/alerts.js";
import { Dialog } from "../../ui/dialog.js";
import { Field, Form, SelectField } from "../../ui/form.js";
import { Waiting } from "../../ui/holding.js";
import { html, useState } from "../../ui/html.js";

const idOf = (alert) => alert.alert_id;

/** `onDo(verb, ids, comment)`: `verb` is "acknowledge" or "resolve"; returns whether all was done. */
export function Bulk({ held, loaded, chosen, onChoose, onDo }) {
  const [isAsking, setAsking] = useState(false);
  const all = held.shown.filter((alert) => alert.state !== "resolved").map(idOf);
  const states = new Map(held.shown.map((alert) => [idOf(alert), alert.state]));
  const open = [...chosen].filter((id) => states.get(id) === "open");
  const isAll = all.length > 0 && all.every((id) => chosen.has(id));
  return html`<div class="alerts-bulk">
    ${may("alerts:acknowledge") && html`
      <label class="alerts-choose"><input type="checkbox" aria-label=${ALERTS.chooseAll} title=${ALERTS.chooseAll} checked=${isAll} disabled=${all.length === 0} onChange=${() => onChoose(new Set(isAll ? [] : all))} /></label>
      <button type="button" class="primary" aria-disabled=${open.length === 0} onClick=${() => open.length && onDo("acknowledge", open)}>${ALERTS.acknowledgeMany(open.length)}</button>
      <button type="button" class="alerts-end" aria-disabled=${chosen.size === 0} onClick=${() => chosen.size && setAsking(true)}>${ALERTS.resolveMany(chosen.size)}</button>`}
    <p class="muted" role="status">${loaded}</p>
    <${Waiting} count=${held.waiting} words=${ALERTS.waiting} release=${held.release} />
    ${isAsking && html`<${Several} count=${chosen.size} onClose=${() => setAsking(false)}
      onDo=${async (verb, comment) => (await onDo(verb, [...chosen], comment)) && setAsking(false)} />`}
  </div>`;
}

function Several({ count, onDo, onClose }) {
  return html`<${Dialog} title=${ALERTS.resolveManyTitle(count)} onClose=${onClose}>
    <${Form} onSubmit=${({ verb, comment }) => onDo(verb, comment.trim())} submit=${ALERTS.resolveManyTitle(count)} onCancel=${onClose}>
      <${SelectField} label=${ALERTS.resolveWhat} name="verb" value="resolve" options=${ALERTS.resolveOrTake} />
      <${Field} label=${ALERTS.comment} hint=${ALERTS.commentHint}>${(wires) => html`<textarea ...${wires} name="comment" maxlength="2000" />`}<//>
    <//>
  <//>`;
}
