// One camera: its picture, what it reads, how it has been, and its settings.

import { go, withQuery } from "../../shell/router.js";
import { may, session } from "../../shell/state.js";
import { toast } from "../../shell/toasts.js";
import { cameraChanged, cameraRemoved, cameras } from "../../stores/cameras.js";
import { CAMERA } from "../../texts/pt-BR/cameras.js";
import { inWords } from "../../texts/pt-BR/errors.js";
import { confirm } from "../../ui/dialog.js";
import { html, useEffect, useState } from "../../ui/html.js";
import { useLoaded } from "../../ui/loading.js";
import { recordingsAt } from "../../ui/playback/minute.js";
import { RECORDINGS } from "../../texts/pt-BR/recordings.js";
import { CameraState } from "../../ui/signs.js";
import { Empty, Failed, Skeleton } from "../../ui/states.js";
import { Tile } from "../../ui/tile.js";
import { CameraDialog } from "../../ui/camera-form.js";
import { CameraAlerts, History, Reads } from "./lists.js";
import { Settings } from "./settings.js";

export const styles = ["style.css"];

export default function Camera({ params }) {
  const read = useLoaded(() => session.get(`/cameras/${params.id}`), [params.id]);
  const [isEdited, setEdited] = useState(false);
  useEffect(() => setEdited(false), [params.id]);
  if (read.problem?.status === 404) return html`<section class="screen"><${Empty} text=${CAMERA.gone}><a class="button" href="/cameras">${CAMERA.back}</a><//></section>`;
  if (read.problem && !read.value) return html`<section class="screen"><${Failed} problem=${read.problem} retry=${read.reload} /></section>`;
  // The store knows the state as it is now, the API's answer the rest.
  const known = cameras.value?.get(params.id);
  const camera = read.value?.id === params.id ? { ...read.value, ...known } : known;
  if (!camera) return html`<section class="screen"><${Skeleton} lines=${8} /></section>`;
  return html`<section class="screen camera">
    <header><h1>${camera.name}</h1><${CameraState} camera=${camera} />${may("recordings:read") && html`<a class="button" href=${recordingsAt(camera.id)}>${RECORDINGS.ofCamera}</a>`}${may("cameras:write") && html`<${Actions} camera=${camera} onEdit=${() => setEdited(true)} />`}</header>
    <div class="camera-columns">
      <div class="camera-main">
        ${may("live:view") && html`<${Tile} key=${camera.id} camera=${camera} />`}
        ${may("streams:read") && html`<${Settings} camera=${camera} />`}
      </div>
      <div class="camera-side">
        ${may("detections:read") && html`<${Reads} camera=${camera} />`}
        ${may("alerts:read") && html`<${CameraAlerts} camera=${camera} />`}
        <${History} key=${camera.id} camera=${camera} />
      </div>
    </div>
    <a class="no-print" href="/cameras">${CAMERA.back}</a>
    ${isEdited && html`<${CameraDialog} camera=${camera} onClose=${() => (setEdited(false), read.reload())} />`}
  </section>`;
}

function Actions({ camera, onEdit }) {
  const change = async (enabled) => {
    if (!enabled && !(await confirm({ title: CAMERA.disableTitle, text: CAMERA.disableText(camera.name), action: CAMERA.disable }))) return;
    await session.patch(`/cameras/${camera.id}`, { enabled }).then(cameraChanged, (problem) => toast(inWords(problem), "failed"));
  };
  const remove = async () => {
    if (!(await confirm({ title: CAMERA.removeTitle, text: CAMERA.removeText(camera.name), action: CAMERA.remove }))) return;
    try {
      await session.delete(`/cameras/${camera.id}`);
      toast(CAMERA.removed(camera.name));
      go(withQuery("/cameras", {}), { replace: true });
      cameraRemoved(camera.id);
    } catch (problem) {
      toast(inWords(problem), "failed");
    }
  };
  return html`<div class="actions">
    <button type="button" onClick=${onEdit}>${CAMERA.edit}</button>
    <button type="button" onClick=${() => change(!camera.enabled)}>${camera.enabled ? CAMERA.disable : CAMERA.enable}</button>
    <button type="button" class="danger" onClick=${remove}>${CAMERA.remove}</button>
  </div>`;
}
