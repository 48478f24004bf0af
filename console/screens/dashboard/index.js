// The dashboard: what is well, what is not and since when, what waits for a person, and what is being read.

import { may, session } from "../../shell/state.js";
import { openCounts } from "../../stores/alerts.js";
import { cameras, camerasByName, camerasProblem, loadCameras } from "../../stores/cameras.js";
import { DASHBOARD } from "../../texts/pt-BR/dashboard.js";
import { readUsage } from "../../ui/attention.js";
import { useChannels } from "../../ui/channels.js";
import { useLoaded } from "../../ui/loading.js";
import { html, useEffect } from "../../ui/html.js";
import { LatestReads, NewestAlerts } from "../../ui/live-lists.js";
import { sizeOf } from "../../ui/sizes.js";
import { Failed, Skeleton } from "../../ui/states.js";
import { ChartAwaited, PlatesPerHour } from "./chart.js";
import { Down } from "./down.js";

export const styles = ["style.css"];

const AGAIN_MS = 60_000;
/** Who may know how the recordings stand may open the screen that says more. */
const STORAGE_PAGE = "/armazenamento";

export default function Dashboard() {
  if (camerasProblem.value && !cameras.value) return html`<section class="screen"><h1>${DASHBOARD.title}</h1><${Failed} problem=${camerasProblem.value} retry=${loadCameras} /></section>`;
  if (!cameras.value) return html`<section class="screen"><h1>${DASHBOARD.title}</h1><${Skeleton} lines=${8} /></section>`;
  if (cameras.value.size === 0) return html`<section class="screen"><h1>${DASHBOARD.title}</h1><${EmptyCity} /><${NoChannel} /></section>`;
  return html`<${Figures} />`;
}

function Figures() {
  const usage = useLoaded(readUsage);
  const plates = useLoaded(async () => (may("detections:read") ? session.get(`/analytics/plates?${lastDay()}`) : null));
  useEffect(() => {
    const timer = setInterval(() => document.visibilityState === "visible" && (usage.reload(), plates.reload()), AGAIN_MS);
    return () => clearInterval(timer);
  }, []);
  return html`<section class="screen dashboard">
    <header><h1>${DASHBOARD.title}</h1></header>
    <${NoChannel} />
    <div class="dashboard-figures">
      <${FleetFigure} />
      ${may("alerts:read") && html`<${Figure} name=${DASHBOARD.alerts} href="/alertas" value=${openCounts.value.total.toLocaleString("pt-BR")}
        more=${DASHBOARD.alertCounts(openCounts.value)} isBad=${openCounts.value.critical > 0} />`}
      ${usage.value ? html`<${RecordingFigures} usage=${usage.value} />` : may("recordings:read") && usage.loading && [DASHBOARD.recording, DASHBOARD.disk].map(awaited)}
      ${[usage, plates].filter((read) => read.problem && !read.value).map((read, index) => html`<div key=${index} class="panel"><${Failed} problem=${read.problem} retry=${read.reload} /></div>`)}
      ${plates.value
        ? html`<${Figure} name=${DASHBOARD.platesToday} href="/placas" value=${plates.value.total.toLocaleString("pt-BR")} />`
        : may("detections:read") && plates.loading && awaited(DASHBOARD.platesToday)}
    </div>
    <div class="dashboard-columns">
      <div class="dashboard-column">
        <${Down} usage=${usage.value} />
        ${plates.value ? html`<${PlatesPerHour} items=${plates.value.items} total=${plates.value.total} />` : may("detections:read") && plates.loading && html`<${ChartAwaited} />`}
      </div>
      ${may("alerts:read") && html`<${NewestAlerts} />`}
      ${may("detections:read") && html`<${LatestReads} />`}
    </div>
  </section>`;
}

function lastDay() {
  const hour = 3_600_000;
  const to = Math.ceil(Date.now() / hour) * hour;
  return new URLSearchParams({ from: new Date(to - 24 * hour).toISOString(), to: new Date(to).toISOString(), bucket: "hour" });
}

function Figure({ name, value, more, href, isBad = false }) {
  const inside = html`<span class="muted">${name}</span><strong>${value}</strong>${more && html`<small class=${isBad ? "error" : "muted"}>${more}</small>`}`;
  return href ? html`<a class="panel figure" data-bad=${isBad} href=${href}>${inside}</a>` : html`<div class="panel figure" data-bad=${isBad}>${inside}</div>`;
}

/** A figure that is being read keeps its room, so that nothing moves when it comes. */
const awaited = (name) => html`<${Figure} key=${name} name=${name} value="…" more="\u00a0" />`;

function FleetFigure() {
  const counts = { online: 0, offline: 0, degraded: 0, disabled: 0, unknown: 0 };
  for (const camera of camerasByName.value) counts[camera.enabled ? camera.state : "disabled"] += 1;
  const total = camerasByName.value.length - counts.disabled;
  return html`<${Figure} name=${DASHBOARD.cameras} href="/cameras" value=${DASHBOARD.online(counts.online + counts.degraded, total)}
    more=${DASHBOARD.fleet(counts)} isBad=${counts.offline > 0} />`;
}

function RecordingFigures({ usage }) {
  const stopped = usage.cameras_not_recording_total;
  const unknown = usage.bytes_per_day == null ? DASHBOARD.daysUnknown : DASHBOARD.daysEnough;
  const days = usage.days_left == null ? unknown : DASHBOARD.daysLeft(usage.days_left);
  return html`<${Figure} name=${DASHBOARD.recording} href=${STORAGE_PAGE} value=${DASHBOARD.recordingCount(usage.cameras_recording)} more=${DASHBOARD.notRecording(stopped)} isBad=${stopped > 0} />
    ${usage.disk
      ? html`<${Figure} name=${DASHBOARD.disk} href=${STORAGE_PAGE} value=${DASHBOARD.free(sizeOf(usage.disk.free_bytes))} more=${days} isBad=${usage.days_left != null && usage.days_left < 3} />`
      : html`<${Figure} name=${DASHBOARD.disk} href=${STORAGE_PAGE} value=${DASHBOARD.used(sizeOf(usage.bytes_used))} />`}`;
}

/** An empty city leads somewhere. */
function EmptyCity() {
  if (!may("cameras:write")) return html`<p class="empty">${DASHBOARD.nothingForYou}</p>`;
  return html`<div class="empty">
    <h2>${DASHBOARD.emptyTitle}</h2><p>${DASHBOARD.emptyText}</p>
    <div class="actions">
      <a class="button primary" href="/cameras?new=1">${DASHBOARD.addCamera}</a>
      <a class="button" href="/cameras?import=1">${DASHBOARD.importCsv}</a>
      ${may("watchlists:write") && html`<a class="button" href="/listas">${DASHBOARD.addWatchlist}</a>`}
      ${may("users:write") && html`<a class="button" href="/pessoas">${DASHBOARD.addPerson}</a>`}
    </div>
  </div>`;
}

/** As long as the city has no channel, an alert reaches only who looks at this page. */
function NoChannel() {
  const channels = useChannels("channels:write");
  if (channels.value?.length !== 0) return null;
  return html`<p class="dashboard-hint">${DASHBOARD.noChannel} <a href="/canais?novo=1">${DASHBOARD.connectChannel}</a></p>`;
}
