// What a camera has read, raised and been through.

import { withQuery } from "../../shell/router.js";
import { listen, may } from "../../shell/state.js";
import { ALERTS } from "../../texts/pt-BR/alerts.js";
import { CAMERA } from "../../texts/pt-BR/cameras.js";
import { ago, lately, moment } from "../../ui/dates.js";
import { useHeld, Waiting } from "../../ui/holding.js";
import { html, useEffect, useRef } from "../../ui/html.js";
import { More, usePages } from "../../ui/loading.js";
import { ShowMinute } from "../../ui/playback/minute.js";
import { CameraState, percent, Plate, Severity, written } from "../../ui/signs.js";
import { Failed, Skeleton } from "../../ui/states.js";

const PAGE = 20;
/** A camera at a road reads a plate each second, and its page may stay open for days. */
const MOST = 200;

/** A panel with a list of the API in pages. `waiting`: the button of what waits, where the list is held. */
function Listed({ title, pages, none, waiting, children }) {
  return html`<section class="panel" aria-label=${title}>
    <header><h2>${title}</h2>${waiting}</header>
    ${pages.problem && html`<${Failed} problem=${pages.problem} retry=${pages.reload} />`}
    ${pages.items === null && pages.loading && html`<${Skeleton} lines=${3} />`}
    ${pages.items?.length === 0 && html`<p class="muted">${none}</p>`}
    ${children}
    <${More} pages=${pages} />
  </section>`;
}

export function Reads({ camera }) {
  const pages = usePages("/detections", { camera_id: camera.id, plates_only: true }, { limit: PAGE, most: MOST });
  const change = pages.change;
  useEffect(() => listen("detection", (frame) => {
    const fresh = frame.objects.filter((object) => object.plate);
    if (frame.camera_id === camera.id && fresh.length) change((items) => [...fresh.filter((read) => !items.some((known) => known.detection_id === read.detection_id)), ...items]);
  }), [camera.id]);
  const { shown, waiting, release, hold } = useHeld(pages.items ?? [], (read) => read.detection_id);
  return html`<div ...${hold}><${Listed} title=${CAMERA.reads} pages=${pages} none=${CAMERA.noReads}
    waiting=${html`<${Waiting} count=${waiting} words=${CAMERA.waitingReads} release=${release} />`}>
    <ul class="camera-list">${shown.map((read) => html`<li key=${read.detection_id}>
      <${Plate} plate=${read.plate} href=${may("plates:search") ? withQuery("/placas", { plate: read.plate }) : undefined} />
      <span>${moment(read.captured_at)}</span><small class="muted">${percent(read.plate_confidence)}</small>
      <${ShowMinute} brief camera=${camera.id} at=${read.captured_at} about=${`${written(read.plate)}, ${moment(read.captured_at)}`} />
    </li>`)}</ul>
    ${may("plates:search") && html`<a class="button" href=${withQuery("/placas", { cameras: camera.id })}>${CAMERA.allReads}</a>`}
  <//></div>`;
}

export function CameraAlerts({ camera }) {
  const pages = usePages("/alerts", { camera_id: camera.id }, { limit: PAGE, most: MOST });
  const change = pages.change;
  useEffect(() => listen("alert", (alert) => {
    if (alert.camera_id !== camera.id) return;
    change((items) => {
      const at = items.findIndex((each) => each.alert_id === alert.alert_id);
      return at >= 0 ? items.with(at, alert) : [alert, ...items];
    });
  }), [camera.id]);
  const { shown, waiting, release, hold } = useHeld(pages.items ?? [], (alert) => alert.alert_id);
  return html`<div ...${hold}><${Listed} title=${CAMERA.alerts} pages=${pages} none=${CAMERA.noAlerts}
    waiting=${html`<${Waiting} count=${waiting} words=${ALERTS.waiting} release=${release} />`}>
    <ul class="camera-list">${shown.map((alert) => html`<li key=${alert.alert_id}>
      <${Severity} level=${alert.severity} />${alert.plate && html`<${Plate} plate=${alert.plate} />`}
      <a href=${`/alertas/${alert.alert_id}`}>${moment(alert.captured_at ?? alert.raised_at)}</a><span class="badge">${ALERTS.one[alert.state]}</span>
      <${ShowMinute} brief camera=${camera.id} at=${alert.captured_at ?? alert.raised_at} about=${`${alert.plate ? written(alert.plate) : alert.title}, ${moment(alert.captured_at ?? alert.raised_at)}`} />
    </li>`)}</ul>
  <//></div>`;
}

export function History({ camera }) {
  const pages = usePages(`/cameras/${camera.id}/history`, {}, { limit: PAGE });
  const reload = useRef(pages.reload);
  reload.current = pages.reload; // that of this moment, which knows how far the list is
  useEffect(() => listen("camera", (change) => change.camera_id === camera.id && reload.current()), [camera.id]);
  const items = pages.items ?? [];
  return html`<${Listed} title=${CAMERA.history} pages=${pages} none=${CAMERA.noHistory}>
    <ul class="camera-list">${items.map((entry, index) => html`<li key=${entry.at}>
      <${CameraState} camera=${{ state: entry.state, cause: entry.cause }} />
      <span>${lately(entry.at)}</span>
      <small class="muted">${index === 0 ? CAMERA.still : CAMERA.forDuration(ago(entry.at, Date.parse(items[index - 1].at)))}</small>
    </li>`)}</ul>
  <//>`;
}
