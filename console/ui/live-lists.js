// What goes on now, beside a screen's own content: open alerts and the plates that are being read.

import { withQuery } from "../shell/router.js";
import { may } from "../shell/state.js";
import { toast } from "../shell/toasts.js";
import { acknowledge, newest, openCounts } from "../stores/alerts.js";
import { nameOf } from "../stores/cameras.js";
import { reads } from "../stores/reads.js";
import { ALERTS } from "../texts/pt-BR/alerts.js";
import { inWords } from "../texts/pt-BR/errors.js";
import { LIVE } from "../texts/pt-BR/live.js";
import { clock, lately } from "./dates.js";
import { useHeld, Waiting } from "./holding.js";
import { html } from "./html.js";
import { ShowMinute } from "./playback/minute.js";
import { percent, Plate, Severity, written } from "./signs.js";
import { Skeleton } from "./states.js";

const SHOWN = 12;

export function NewestAlerts() {
  const { shown, waiting, release, hold } = useHeld(newest.value ?? [], (alert) => alert.alert_id);
  const take = (alert) => acknowledge([alert.alert_id]).catch((problem) => toast(inWords(problem), "failed"));
  return html`<section class="panel" aria-label=${LIVE.newest} ...${hold}>
    <header><h2>${LIVE.newest}</h2><${Waiting} count=${waiting} words=${LIVE.waitingAlerts} release=${release} /><span class="count">${openCounts.value.total}</span></header>
    ${newest.value === null && html`<${Skeleton} lines=${4} />`}
    ${newest.value?.length === 0 && html`<p class="muted">${LIVE.noAlerts}</p>`}
    <ul class="live-list">${shown.slice(0, SHOWN).map((alert) => html`<li key=${alert.alert_id} data-alert=${alert.alert_id}>
      <a class="live-alert" href=${`/alertas/${alert.alert_id}`}>
        <${Severity} level=${alert.severity} />${alert.plate && html`<${Plate} plate=${alert.plate} />`}
        <span title=${alert.title}>${alert.plate ? nameOf(alert.camera_id) : alert.title}</span><small class="muted">${lately(alert.captured_at ?? alert.raised_at)}</small>
      </a>
      <${ShowMinute} brief camera=${alert.camera_id} at=${alert.captured_at ?? alert.raised_at} about=${[alert.plate ? written(alert.plate) : alert.title, nameOf(alert.camera_id)].filter(Boolean).join(", ")} />
      ${may("alerts:acknowledge") && html`<button type="button" onClick=${() => take(alert)}
        aria-label=${ALERTS.acknowledgeThis([alert.plate ? written(alert.plate) : alert.title, nameOf(alert.camera_id)].filter(Boolean).join(", "))}>${ALERTS.acknowledge}</button>`}
    </li>`)}</ul>
    <a class="button" href="/alertas">${LIVE.allAlerts}</a>
  </section>`;
}

export function LatestReads() {
  const { shown, waiting, release, hold } = useHeld(reads.value ?? [], (read) => read.key);
  return html`<section class="panel" aria-label=${LIVE.reads} ...${hold}>
    <header><h2>${LIVE.reads}</h2><${Waiting} count=${waiting} words=${LIVE.waitingReads} release=${release} /></header>
    ${reads.value === null && html`<${Skeleton} lines=${4} />`}
    ${reads.value?.length === 0 && html`<p class="muted">${LIVE.noReads}</p>`}
    <ul class="live-list">${shown.slice(0, SHOWN).map((read) => html`<li key=${read.key}>
      <${Plate} plate=${read.plate} href=${may("plates:search") ? withQuery("/placas", { plate: read.plate }) : undefined} />
      <span title=${nameOf(read.camera_id)}>${nameOf(read.camera_id)}</span>
      <small class="muted">${[clock(read.captured_at), percent(read.plate_confidence)].filter(Boolean).join(" · ")}</small>
      <${ShowMinute} brief camera=${read.camera_id} at=${read.captured_at} about=${`${written(read.plate)}, ${nameOf(read.camera_id)}`} />
    </li>`)}</ul>
  </section>`;
}
