// The lists of the dashboard: cameras in trouble, alerts that wait, plates as they are read.

import { may } from "../../shell/state.js";
import { withQuery } from "../../shell/router.js";
import { toast } from "../../shell/toasts.js";
import { acknowledge, newest, openCounts } from "../../stores/alerts.js";
import { camerasByName, nameOf } from "../../stores/cameras.js";
import { reads } from "../../stores/reads.js";
import { ALERTS } from "../../texts/pt-BR/alerts.js";
import { DASHBOARD } from "../../texts/pt-BR/dashboard.js";
import { inWords } from "../../texts/pt-BR/errors.js";
import { clock, lately } from "../../ui/dates.js";
import { useHeld, Waiting } from "../../ui/holding.js";
import { html } from "../../ui/html.js";
import { CameraState, percent, Plate, Severity, written } from "../../ui/signs.js";
import { Skeleton } from "../../ui/states.js";

const SHOWN = 12;

export function Down({ notRecording }) {
  const silent = new Set(notRecording.map(({ camera_id: id }) => id));
  const isIll = (camera) => camera.enabled && (camera.state === "offline" || camera.state === "degraded" || silent.has(camera.id));
  const down = camerasByName.value.filter(isIll).sort((a, b) => (b.since ?? "").localeCompare(a.since ?? ""));
  return html`<section class="panel" aria-label=${DASHBOARD.down}>
    <header><h2>${DASHBOARD.down}</h2><span class="count">${down.length}</span></header>
    ${down.length === 0 && html`<p class="muted">${DASHBOARD.noneDown}</p>`}
    <ul class="dashboard-list">${down.slice(0, SHOWN).map((camera) => html`<li key=${camera.id}>
      <a href=${`/cameras/${camera.id}`}>${camera.name}</a>
      <span><${CameraState} camera=${camera} />${silent.has(camera.id) && html` · <span class="error">${DASHBOARD.notRecorded}</span>`}</span>
    </li>`)}</ul>
    ${down.length > SHOWN && html`<a class="button" href="/cameras?state=offline">${DASHBOARD.allDown(down.length)}</a>`}
  </section>`;
}

export function NewestAlerts() {
  const open = (newest.value ?? []).filter((alert) => alert.state === "open");
  const { shown, waiting, release, hold } = useHeld(open, (alert) => alert.alert_id);
  const take = (alert) => acknowledge([alert.alert_id]).catch((problem) => toast(inWords(problem), "failed"));
  return html`<section class="panel" aria-label=${DASHBOARD.newest} ...${hold}>
    <header><h2>${DASHBOARD.newest}</h2><${Waiting} count=${waiting} words=${DASHBOARD.waitingAlerts} release=${release} /><span class="count">${openCounts.value.total}</span></header>
    ${newest.value === null && html`<${Skeleton} lines=${4} />`}
    ${newest.value && open.length === 0 && html`<p class="muted">${DASHBOARD.noAlerts}</p>`}
    <ul class="dashboard-list">${shown.slice(0, SHOWN).map((alert) => html`<li key=${alert.alert_id} data-alert=${alert.alert_id}>
      <a class="dashboard-alert" href=${`/alertas/${alert.alert_id}`}>
        <${Severity} level=${alert.severity} />${alert.plate && html`<${Plate} plate=${alert.plate} />`}
        <span>${alert.plate ? nameOf(alert.camera_id) : alert.title}</span><small class="muted">${lately(alert.captured_at ?? alert.raised_at)}</small>
      </a>
      ${may("alerts:acknowledge") && html`<button type="button" onClick=${() => take(alert)}
        aria-label=${ALERTS.acknowledgeThis([alert.plate ? written(alert.plate) : alert.title, nameOf(alert.camera_id)].filter(Boolean).join(", "))}>${ALERTS.acknowledge}</button>`}
    </li>`)}</ul>
    <a class="button" href="/alertas">${DASHBOARD.allAlerts}</a>
  </section>`;
}

export function LatestReads() {
  const { shown, waiting, release, hold } = useHeld(reads.value ?? [], (read) => read.key);
  return html`<section class="panel" aria-label=${DASHBOARD.reads} ...${hold}>
    <header><h2>${DASHBOARD.reads}</h2><${Waiting} count=${waiting} words=${DASHBOARD.waitingReads} release=${release} /></header>
    ${reads.value === null && html`<${Skeleton} lines=${4} />`}
    ${reads.value?.length === 0 && html`<p class="muted">${DASHBOARD.noReads}</p>`}
    <ul class="dashboard-list">${shown.slice(0, SHOWN).map((read) => html`<li key=${read.key}>
      <${Plate} plate=${read.plate} href=${may("plates:search") ? withQuery("/placas", { plate: read.plate }) : undefined} />
      <span>${nameOf(read.camera_id)}</span>
      <small class="muted">${[clock(read.captured_at), percent(read.plate_confidence)].filter(Boolean).join(" · ")}</small>
    </li>`)}</ul>
  </section>`;
}
