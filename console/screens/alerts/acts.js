// What a person does with one alert: put it off, give it to a person, say something about it.

import { me, session } from "../../shell/state.js";
import { toast } from "../../shell/toasts.js";
import { alertIs, isSnoozed } from "../../stores/alerts.js";
import { ALERTS } from "../../texts/pt-BR/alerts.js";
import { inWords } from "../../texts/pt-BR/errors.js";
import { instantOf, lately, localOf, startOfDay } from "../../ui/dates.js";
import { Dialog } from "../../ui/dialog.js";
import { Field, Form, SelectField, TextField } from "../../ui/form.js";
import { html, useState } from "../../ui/html.js";

const MINUTE_MS = 60_000;
const MORNING_MS = 8 * 60 * MINUTE_MS;

/** Until when each of the offered spans lasts. */
const ENDS = {
  quarter: () => Date.now() + 15 * MINUTE_MS,
  hour: () => Date.now() + 60 * MINUTE_MS,
  tomorrow: () => startOfDay(Date.now(), 1) + MORNING_MS,
};

/** `onChanged(alert)` gets the alert as it is after each change. */
export function Snooze({ alert, onChanged }) {
  const [isAsking, setAsking] = useState(false);
  const put = async (until) => {
    const changed = await session.put(`/alerts/${alert.alert_id}/snooze`, { until });
    alertIs(changed);
    onChanged(changed);
    setAsking(false);
    toast(until ? ALERTS.snoozedNow(lately(until)) : ALERTS.woken);
  };
  const failed = (problem) => toast(inWords(problem), "failed");
  if (isSnoozed(alert)) return html`<button type="button" onClick=${() => put(null).catch(failed)}>${ALERTS.wake}</button>`;
  return html`<button type="button" onClick=${() => setAsking(true)}>${ALERTS.snooze}</button>
    ${isAsking && html`<${Until} onPut=${put} onClose=${() => setAsking(false)} />`}`;
}

function Until({ onPut, onClose }) {
  const put = (end) => onPut(new Date(end).toISOString());
  const submit = ({ until }) => {
    const instant = instantOf(until);
    if (!instant || Date.parse(instant) <= Date.now()) throw { code: "past" };
    return onPut(instant);
  };
  return html`<${Dialog} title=${ALERTS.snoozeTitle} onClose=${onClose}>
    <p class="muted">${ALERTS.snoozeWhy}</p>
    <div class="actions">${ALERTS.snoozeFor.map(([span, words]) => html`<button type="button" key=${span}
      onClick=${() => put(ENDS[span]()).catch((problem) => toast(inWords(problem), "failed"))}>${words}</button>`)}</div>
    <${Form} onSubmit=${async (values) => submit(values)} submit=${ALERTS.snoozeIt} words=${{ past: ALERTS.snoozePast }} inline>
      <${TextField} label=${ALERTS.snoozeUntil} name="until" type="datetime-local" defaultValue=${localOf(new Date(ENDS.hour()).toISOString())} required />
    <//>
  <//>`;
}

/** `people`: [id, name] of those that may be chosen; without any, only the user. */
export function Assignee({ alert, people, who, onChanged }) {
  const put = async (id) => {
    try {
      const changed = await session.put(`/alerts/${alert.alert_id}/assignee`, { user_id: id || null });
      alertIs(changed);
      onChanged(changed);
      toast(ALERTS.assigned);
    } catch (problem) {
      toast(inWords(problem), "failed");
    }
  };
  const now = alert.assigned_to ?? "";
  const mine = me.value.id;
  const listed = people.length ? people : [[mine, me.value.name || ALERTS.you]];
  const options = [["", ALERTS.assignNobody], ...(now && !listed.some(([id]) => id === now) ? [[now, who(now)]] : []), ...listed];
  return html`<div class="alerts-assignee">
    <${SelectField} label=${ALERTS.assignTo} value=${now} options=${options} onChange=${(event) => put(event.target.value)} />
    ${now !== mine && html`<button type="button" onClick=${() => put(mine)}>${ALERTS.assignToMe}</button>`}
  </div>`;
}

export function Comment({ alert, onChanged }) {
  const send = async ({ text }, form, key) => {
    const changed = await session.post(`/alerts/${alert.alert_id}/comments`, { text: text.trim() }, { key });
    if (changed?.alert_id) alertIs(changed);
    form.reset();
    toast(ALERTS.commented);
    onChanged(changed);
  };
  return html`<${Form} onSubmit=${send} submit=${ALERTS.addComment}>
    <${Field} label=${ALERTS.comment} hint=${ALERTS.commentHint}>${(wires) => html`<textarea ...${wires} class="alerts-comment" name="text" maxlength="2000" required />`}<//>
  <//>`;
}
