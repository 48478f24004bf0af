// One alert with its picture, what is known of it, what may be done with it, and where it leads.

import { may } from "../../shell/state.js";
import { withQuery } from "../../shell/router.js";
import { isSnoozed } from "../../stores/alerts.js";
import { nameOf } from "../../stores/cameras.js";
import { ALERTS, KINDS } from "../../texts/pt-BR/alerts.js";
import { lately, moment } from "../../ui/dates.js";
import { confirm } from "../../ui/dialog.js";
import { html, useState } from "../../ui/html.js";
import { Picture } from "../../ui/picture.js";
import { ShowMinute } from "../../ui/playback/minute.js";
import { Plate, Severity, written } from "../../ui/signs.js";
import { Skeleton } from "../../ui/states.js";
import { usePeople } from "../../ui/who.js";
import { Assignee, Comment, Snooze } from "./acts.js";
import { History } from "./history.js";
import { subjectOf } from "./row.js";

/** `onDo(verb, ids)`: acknowledges or resolves; `onChanged(alert)`: after any other change. */
export function AlertDetail({ alert, isAsked, onDo, onChanged, onBack }) {
  if (!alert) return isAsked ? html`<${Skeleton} lines=${5} />` : html`<p class="muted alerts-prompt">${ALERTS.choosePrompt}</p>`;
  return html`<article class="panel" aria-label=${ALERTS.selected}>
    <header>
      <button type="button" class="alerts-back" onClick=${onBack}>${ALERTS.back}</button>
      <h2>${alert.title}</h2><${Severity} level=${alert.severity} />
    </header>
    ${alert.is_possible && html`<p class="alerts-possible">${ALERTS.possibleWhy}</p>`}
    <div class="actions"><${State} alert=${alert} onDo=${onDo} onChanged=${onChanged} /></div>
    <${Evidence} alert=${alert} />
    <${Facts} alert=${alert} />
    <${Cameras} ids=${alert.camera_ids ?? []} />
    <div class="actions">
      ${alert.plate && may("plates:search") && html`<a class="button" href=${withQuery("/placas", { plate: alert.plate })}>${ALERTS.passages}</a>`}
      <${ShowMinute} camera=${alert.camera_id} at=${alert.captured_at ?? alert.raised_at} about=${subjectOf(alert)} />
      ${may("channels:read") && html`<a class="button" href=${withQuery("/envios", { alerta: alert.alert_id })}>${ALERTS.deliveries}</a>`}
      ${alert.camera_id && html`<a class="button" href=${`/cameras/${alert.camera_id}`}>${ALERTS.toCamera}</a>`}
      ${alert.watchlist_id && may("watchlists:read") && html`<a class="button" href=${`/listas/${alert.watchlist_id}`}>${ALERTS.toList}</a>`}
    </div>
    <${Talk} key=${alert.alert_id} alert=${alert} onChanged=${onChanged} />
  </article>`;
}

function State({ alert, onDo, onChanged }) {
  const about = subjectOf(alert);
  if (alert.state === "resolved") return html`<span class="badge">${ALERTS.resolvedAt(moment(alert.resolved_at))}</span>`;
  const isMine = may("alerts:acknowledge");
  const end = async () => (await confirm({ title: ALERTS.resolveThis(about), text: ALERTS.resolveText, action: ALERTS.resolve, danger: false })) && onDo("resolve", [alert.alert_id]);
  return html`${alert.state === "acknowledged" && html`<span class="badge">${ALERTS.doneAt(moment(alert.acknowledged_at))}</span>`}
    ${isSnoozed(alert) && html`<span class="badge">${ALERTS.snoozed(lately(alert.snoozed_until))}</span>`}
    ${isMine && alert.state === "open" && html`<button type="button" class="primary" aria-label=${ALERTS.acknowledgeThis(about)} onClick=${() => onDo("acknowledge", [alert.alert_id])}>${ALERTS.acknowledge}</button>`}
    ${isMine && html`<button type="button" aria-label=${ALERTS.resolveThis(about)} onClick=${end}>${ALERTS.resolve}</button>`}
    ${isMine && alert.state === "open" && html`<${Snooze} alert=${alert} onChanged=${onChanged} />`}`;
}

/** Who takes care of it, what people said of it, and what happened to it. */
function Talk({ alert, onChanged }) {
  const { people, who } = usePeople();
  const [told, setTold] = useState(0);
  const changed = (now) => {
    setTold((count) => count + 1);
    if (now?.alert_id) onChanged(now);
  };
  return html`${may("alerts:acknowledge") && html`
      <${Assignee} alert=${alert} people=${people} who=${who} onChanged=${changed} />
      <${Comment} alert=${alert} onChanged=${changed} />`}
    <${History} alert=${alert} told=${told} who=${who} />`;
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
    [ALERTS.alternatives, alert.alternatives?.length > 0 && alert.alternatives.map(written).join(", ")],
    [ALERTS.kind, KINDS[alert.kind]],
    [ALERTS.reason, alert.reason],
    [ALERTS.where, alert.camera_id && nameOf(alert.camera_id)],
    [ALERTS.raised, moment(alert.raised_at)],
    [ALERTS.captured, alert.detection_id && moment(alert.captured_at)],
    [ALERTS.lastSeen, alert.sightings > 1 && `${moment(alert.last_seen_at)} · ${ALERTS.readings(alert.sightings)}`],
    ...Object.entries(alert.details ?? {}),
  ];
  return html`<dl class="facts">${facts.filter(([, value]) => value).map(([name, value]) => html`<div key=${name}><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>`;
}

/** The cameras of an alert about several. */
function Cameras({ ids }) {
  if (ids.length < 2) return null;
  return html`<details class="alerts-cameras" open=${ids.length <= 12}><summary>${ALERTS.subjects(ids.length)}</summary>
    <ul>${ids.map((id) => html`<li key=${id}><a href=${`/cameras/${id}`}>${nameOf(id)}</a></li>`)}</ul></details>`;
}
