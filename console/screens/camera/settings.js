// How a camera is set up, to read; it is changed in the form.

import { session } from "../../shell/state.js";
import { groupName } from "../../stores/groups.js";
import { CAMERA } from "../../texts/pt-BR/cameras.js";
import { moment } from "../../ui/dates.js";
import { html } from "../../ui/html.js";
import { useLoaded } from "../../ui/loading.js";
import { percent } from "../../ui/signs.js";

export function Settings({ camera }) {
  const stream = useLoaded(() => session.get(`/streams/${camera.id}`), [camera.id, camera.state]);
  const { recording, ai } = camera;
  const facts = [
    [CAMERA.address, html`<code>${camera.url}</code>`],
    [CAMERA.codecs, stream.value?.codecs?.join(", ")],
    [CAMERA.groups, camera.groups.map(groupName).join(", ") || CAMERA.noGroups],
    [CAMERA.recording, recording.enabled ? CAMERA.recordingFor(recording.retention_days) : CAMERA.off],
    [CAMERA.ai, ai.enabled ? CAMERA.aiFor(ai.fps, percent(ai.min_confidence)) : CAMERA.off],
    [CAMERA.externalId, camera.external_id],
    [CAMERA.created, moment(camera.created_at)],
  ];
  return html`<section class="panel" aria-label=${CAMERA.settings}>
    <header><h2>${CAMERA.settings}</h2></header>
    <dl class="facts">${facts.filter(([, value]) => value).map(([name, value]) => html`<div key=${name}><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>
  </section>`;
}
