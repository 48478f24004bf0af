// The disk, the city's part of it, when it is full, and the cameras that are not recorded.

import { me } from "../../shell/state.js";
import { CAUSES } from "../../texts/pt-BR/common.js";
import { STORAGE } from "../../texts/pt-BR/storage.js";
import { day, lately, moment } from "../../ui/dates.js";
import { html } from "../../ui/html.js";
import { percent } from "../../ui/signs.js";
import { sizeOf } from "../../ui/sizes.js";

const DAY_MS = 86_400_000;
/** Below so many days somebody has to do something. */
const SOON = 3;

export function Figures({ forecast, usage }) {
  const used = forecast.cameras.reduce((sum, camera) => sum + camera.bytes_used, 0);
  return html`<div class="storage-figures">
    ${forecast.disk && html`<${Disk} disk=${forecast.disk} used=${used} held=${forecast.held_bytes} />`}
    <${City} forecast=${forecast} used=${used} perDay=${usage?.bytes_per_day ?? null} />
    <${Left} days=${forecast.days_left} isMeasured=${usage?.bytes_per_day != null} />
  </div>
  <p class="muted">${forecast.as_of ? STORAGE.asOf(moment(forecast.as_of)) : STORAGE.notCounted} ${STORAGE.why}</p>`;
}

function Disk({ disk, used, held }) {
  const other = Math.max(0, disk.total_bytes - disk.free_bytes - used);
  const floor = Math.min(disk.floor_bytes, disk.free_bytes);
  const parts = { recordings: Math.max(0, used - held), held, other, free: disk.free_bytes - floor, floor };
  return html`<section class="panel" aria-label=${STORAGE.disk}>
    <h2 class="muted">${STORAGE.disk}</h2>
    <strong>${STORAGE.diskFree(sizeOf(disk.free_bytes), sizeOf(disk.total_bytes))}</strong>
    <${Bar} parts=${parts} total=${disk.total_bytes} />
  </section>`;
}

/** The quota is the whole city's: who sees a part of the cameras is not shown it. */
function City({ forecast, used, perDay }) {
  const isLimited = me.value.camera_groups !== null;
  const { quota_bytes: quota } = forecast;
  const quotaInWords = quota === null ? STORAGE.noQuota : STORAGE.quota(percent(used / quota), sizeOf(quota));
  const parts = quota !== null && { recordings: used, free: Math.max(0, quota - used) };
  return html`<section class="panel" aria-label=${isLimited ? STORAGE.yours : STORAGE.city}>
    <h2 class="muted">${isLimited ? STORAGE.yours : STORAGE.city}</h2>
    <strong>${sizeOf(used)}</strong>
    <span class="muted">${[!isLimited && quotaInWords, perDay !== null && STORAGE.perDay(sizeOf(perDay))].filter(Boolean).join(" · ")}</span>
    ${!isLimited && parts && html`<${Bar} parts=${parts} total=${Math.max(quota, used)} />`}
  </section>`;
}

function Left({ days, isMeasured }) {
  const [text, more] = leftInWords(days, isMeasured);
  return html`<section class="panel" aria-label=${STORAGE.forecast} data-soon=${days !== null && days < SOON}>
    <h2 class="muted">${STORAGE.forecast}</h2><strong>${text}</strong><span class="muted">${more}</span>
  </section>`;
}

function leftInWords(days, isMeasured) {
  if (days === null) return isMeasured ? [STORAGE.enough, STORAGE.enoughMore] : [STORAGE.unknown, STORAGE.unknownMore];
  if (days < 1) return [STORAGE.atLimit, STORAGE.atLimitMore];
  return [STORAGE.full(Math.floor(days)), STORAGE.fullMore(day(Date.now() + days * DAY_MS))];
}

/** `parts`: name -> bytes. What the colours say is said in words below it. */
function Bar({ parts, total }) {
  const shown = Object.entries(parts).filter(([, bytes]) => bytes > 0);
  return html`<div class="storage-bar" aria-hidden="true">${shown.map(([name, bytes]) => html`<i key=${name} data-part=${name} style=${{ width: `${(bytes / total) * 100}%` }} />`)}</div>
    <ul class="storage-parts">${shown.map(([name, bytes]) => html`<li key=${name}><i data-part=${name} aria-hidden="true" /> ${STORAGE.part(STORAGE.parts[name], sizeOf(bytes))}</li>`)}</ul>`;
}

export function Stopped({ usage }) {
  const { cameras_not_recording: stopped = [], cameras_not_recording_total: count = 0 } = usage ?? {};
  return html`<section class="panel" aria-label=${STORAGE.stopped}>
    <header><h2>${STORAGE.stopped}</h2><span class="count">${count}</span></header>
    ${count === 0 && html`<p class="muted">${STORAGE.noneStopped}</p>`}
    <ul class="live-list">${stopped.map((camera) => html`<li key=${camera.camera_id}>
      <a href=${`/cameras/${camera.camera_id}`}>${camera.name}</a>
      <span>${[causeInWords(camera.cause), camera.since && STORAGE.since(lately(camera.since))].filter(Boolean).join(" · ")}</span>
    </li>`)}</ul>
    ${stopped.length < count && html`<p class="muted">${STORAGE.stoppedMore(stopped.length, count)}</p>`}
  </section>`;
}

const causeInWords = (cause) => STORAGE.causes[cause] ?? (cause === null ? STORAGE.unknownCause : CAUSES[cause] ?? STORAGE.unknownCause);
