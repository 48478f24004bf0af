// Cameras in trouble.

import { camerasByName } from "../../stores/cameras.js";
import { DASHBOARD } from "../../texts/pt-BR/dashboard.js";
import { html } from "../../ui/html.js";
import { CameraState } from "../../ui/signs.js";

const SHOWN = 12;

export function Down({ notRecording }) {
  const silent = new Set(notRecording.map(({ camera_id: id }) => id));
  const isIll = (camera) => camera.enabled && (camera.state === "offline" || camera.state === "degraded" || silent.has(camera.id));
  const down = camerasByName.value.filter(isIll).sort((a, b) => (b.since ?? "").localeCompare(a.since ?? ""));
  return html`<section class="panel" aria-label=${DASHBOARD.down}>
    <header><h2>${DASHBOARD.down}</h2><span class="count">${down.length}</span></header>
    ${down.length === 0 && html`<p class="muted">${DASHBOARD.noneDown}</p>`}
    <ul class="live-list">${down.slice(0, SHOWN).map((camera) => html`<li key=${camera.id}>
      <a href=${`/cameras/${camera.id}`}>${camera.name}</a>
      <span><${CameraState} camera=${camera} />${silent.has(camera.id) && html` · <span class="error">${DASHBOARD.notRecorded}</span>`}</span>
    </li>`)}</ul>
    ${down.length > SHOWN && html`<a class="button" href="/cameras?state=offline">${DASHBOARD.allDown(down.length)}</a>`}
  </section>`;
}
