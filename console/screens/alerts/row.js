// One alert in the list.

import { may } from "../../shell/state.js";
import { isSnoozed } from "../../stores/alerts.js";
import { nameOf } from "../../stores/cameras.js";
import { ALERTS } from "../../texts/pt-BR/alerts.js";
import { lately, moment } from "../../ui/dates.js";
import { html } from "../../ui/html.js";
import { SMALL, useMedia } from "../../ui/media.js";
import { ShowMinute } from "../../ui/playback/minute.js";
import { Plate, Severity, written } from "../../ui/signs.js";

/** Height of a row in px: on a phone it has a line more. */
export const useRowHeight = () => (useMedia(SMALL) ? 132 : 72);

/** What an alert is about, for the words of its buttons: "ABC1D23, Portão 2". */
export const subjectOf = (alert) => [alert.plate ? written(alert.plate) : alert.title, alert.camera_id && nameOf(alert.camera_id)].filter(Boolean).join(", ");

export function AlertRow({ alert, isSelected, isChosen, onOpen, onTake, onChoose }) {
  const about = subjectOf(alert);
  const isOpen = alert.state === "open";
  const details = [
    isSnoozed(alert) && ALERTS.snoozed(lately(alert.snoozed_until)), moment(alert.captured_at ?? alert.raised_at), alert.reason,
    alert.sightings > 1 && ALERTS.readings(alert.sightings), alert.camera_ids?.length > 1 && ALERTS.subjects(alert.camera_ids.length), alert.comments > 0 && ALERTS.comments(alert.comments),
  ].filter(Boolean).join(" · ");
  return html`<article class="alert-row" data-severity=${alert.severity} data-state=${alert.state} data-snoozed=${isSnoozed(alert)} data-selected=${isSelected} data-alert=${alert.alert_id}>
    ${may("alerts:acknowledge") && html`<label class="alerts-choose"><input type="checkbox" checked=${isChosen} disabled=${alert.state === "resolved"} aria-label=${ALERTS.choose(about)} onChange=${onChoose} /></label>`}
    <button type="button" class="alert-what" aria-current=${isSelected ? "true" : undefined} onClick=${() => onOpen(alert)}>
      <${Severity} level=${alert.severity} />
      ${alert.plate && html`<${Plate} plate=${alert.plate} />`}${alert.is_possible && html`<span class="badge alerts-maybe">${ALERTS.possible}</span>`}
      <span class="alert-text"><strong>${alert.plate && alert.camera_id ? nameOf(alert.camera_id) : alert.title}</strong><small class="muted">${details}</small></span>
    </button>
    <${ShowMinute} brief camera=${alert.camera_id} at=${alert.captured_at ?? alert.raised_at} about=${about} />
    ${may("alerts:acknowledge") // once acknowledged it stays, with the focus that it may have
      ? html`<button type="button" class=${isOpen ? "" : "quiet"} aria-disabled=${!isOpen} onClick=${() => isOpen && onTake()}
          aria-label=${isOpen ? ALERTS.acknowledgeThis(about) : ALERTS.isDone(ALERTS.one[alert.state], about)}>${isOpen ? ALERTS.acknowledge : ALERTS.one[alert.state]}</button>`
      : html`<span class="badge">${ALERTS.one[alert.state]}</span>`}
  </article>`;
}
