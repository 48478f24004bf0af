// Who did what with an alert, and when.

import { session } from "../../shell/state.js";
import { ALERTS } from "../../texts/pt-BR/alerts.js";
import { moment } from "../../ui/dates.js";
import { html } from "../../ui/html.js";
import { useLoaded } from "../../ui/loading.js";
import { Failed, Skeleton } from "../../ui/states.js";

/** What is kept of some steps is not what a person reads. @type {Record<string, (text: string, who: (id: string) => string) => string>} */
const WORDS = {
  assigned: (text, who) => (text ? who(text) : ALERTS.assignNobody),
  snoozed: (text) => ALERTS.until(moment(text)),
};
const wordsOf = ({ what, text }, who) => (Object.hasOwn(WORDS, what) ? WORDS[what](text, who) : text);

/** `told`: counts up with what this page did; `who(id)`: a person's name. */
export function History({ alert, told, who }) {
  const read = useLoaded(() => session.get(`/alerts/${alert.alert_id}/history`), [alert.alert_id, alert.change, told]);
  if (!read.value) return read.problem ? html`<${Failed} problem=${read.problem} retry=${read.reload} />` : html`<${Skeleton} lines=${2} />`;
  return html`<section aria-label=${ALERTS.history}><h3>${ALERTS.history}</h3>
    <ol class="alerts-history">${read.value.items.map((entry, index) => html`<li key=${index}>
      <span>${ALERTS.steps[entry.what] ?? entry.what}</span>
      <small class="muted">${moment(entry.at)} · ${entry.user_id ? who(entry.user_id) : ALERTS.system}</small>
      ${wordsOf(entry, who) && html`<p>${wordsOf(entry, who)}</p>`}
    </li>`)}</ol>
  </section>`;
}
