// Cameras in trouble.

import { camerasByName } from "../../stores/cameras.js";
import { DASHBOARD } from "../../texts/pt-BR/dashboard.js";
import { needsAttention, notRecordedOf } from "../../ui/attention.js";
import { html } from "../../ui/html.js";
import { CameraState } from "../../ui/signs.js";

const SHOWN = 12;

/** `usage`: how the recordings stand, null where it is not known. */
export function Down({ usage }) {
  const silent = notRecordedOf(usage);
  const down = camerasByName.value.filter((camera) => needsAttention(camera, silent)).sort((a, b) => (b.since ?? "").localeCompare(a.since ?? ""));
  return html`<section class="panel" aria-label=${DASHBOARD.down}>
    <header><h2>${DASHBOARD.down}</h2><span class="count">${down.length}</span></header>
    ${down.length === 0 && html`<p class="muted">${DASHBOARD.noneDown}</p>`}
    <ul class="live-list">${down.slice(0, SHOWN).map((camera) => html`<li key=${camera.id}>
      <a href=${`/cameras/${camera.id}`}>${camera.name}</a>
      <span><${CameraState} camera=${camera} />${silent.has(camera.id) && html` · <span class="error">${DASHBOARD.notRecorded}</span>`}</span>
    </li>`)}</ul>
    ${down.length > SHOWN && html`<a class="button" href="/cameras?state=down">${DASHBOARD.allDown(down.length)}</a>`}
  </section>`;
}
