// One alert with its picture and where it leads.

import { may } from "../../shell/state.js";
import { withQuery } from "../../shell/router.js";
import { nameOf } from "../../stores/cameras.js";
import { ALERTS } from "../../texts/pt-BR/alerts.js";
import { moment } from "../../ui/dates.js";
import { html } from "../../ui/html.js";
import { Picture } from "../../ui/picture.js";
import { ShowMinute } from "../../ui/playback/minute.js";
import { Plate, Severity, written } from "../../ui/signs.js";
import { Skeleton } from "../../ui/states.js";
import { subjectOf } from "./row.js";

export function AlertDetail({ alert, isAsked, onTake, onBack }) {
  if (!alert) return isAsked ? html`<${Skeleton} lines=${5} />` : html`<p class="muted alerts-prompt">${ALERTS.choosePrompt}</p>`;
  return html`<article class="panel" aria-label=${ALERTS.selected}>
    <header>
      <button type="button" class="alerts-back" onClick=${onBack}>${ALERTS.back}</button>
      <h2>${alert.title}</h2><${Severity} level=${alert.severity} />
    </header>
    <${Evidence} alert=${alert} />
    <${Facts} alert=${alert} />
    <div class="actions">
      ${alert.state === "open"
        ? may("alerts:acknowledge") && html`<button type="button" class="primary" aria-label=${ALERTS.acknowledgeThis(subjectOf(alert))} onClick=${() => onTake([alert.alert_id])}>${ALERTS.acknowledge}</button>`
        : html`<span class="badge">${ALERTS.doneAt(moment(alert.acknowledged_at))}</span>`}
      ${alert.plate && may("plates:search") && html`<a class="button" href=${withQuery("/placas", { plate: alert.plate })}>${ALERTS.passages}</a>`}
      <${ShowMinute} camera=${alert.camera_id} at=${alert.captured_at ?? alert.raised_at} about=${subjectOf(alert)} />
      ${alert.camera_id && html`<a class="button" href=${`/cameras/${alert.camera_id}`}>${ALERTS.toCamera}</a>`}
      ${alert.watchlist_id && may("watchlists:read") && html`<a class="button" href=${`/listas/${alert.watchlist_id}`}>${ALERTS.toList}</a>`}
    </div>
  </article>`;
}

function Evidence({ alert }) {
  if (!alert.detection_id) return null;
  if (!may("detections:read")) return html`<p class="muted">${ALERTS.noPictureForYou}</p>`;
  const path = `/detections/${alert.detection_id}/evidence?captured_at=${encodeURIComponent(alert.captured_at)}`;
  return html`<${Picture} key=${path} path=${path} alt=${ALERTS.picture(alert.plate ? written(alert.plate) : alert.title)} />`;
}

function Facts({ alert }) {
  const facts = [
    [ALERTS.plate, alert.plate && html`<${Plate} plate=${alert.plate} />`],
    [ALERTS.reason, alert.reason],
    [ALERTS.where, alert.camera_id && nameOf(alert.camera_id)],
    [ALERTS.raised, moment(alert.raised_at)],
    [ALERTS.captured, moment(alert.captured_at)],
    [ALERTS.lastSeen, alert.sightings > 1 && `${moment(alert.last_seen_at)} · ${ALERTS.readings(alert.sightings)}`],
  ];
  return html`<dl class="facts">${facts.filter(([, value]) => value).map(([name, value]) => html`<div key=${name}><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>`;
}
