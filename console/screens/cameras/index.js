// All cameras: found by name, state and group, each with its state, cause and since when.

import { address, setQuery } from "../../shell/router.js";
import { may } from "../../shell/state.js";
import { cameras, camerasProblem, loadCameras } from "../../stores/cameras.js";
import { groupName } from "../../stores/groups.js";
import { CAMERAS } from "../../texts/pt-BR/cameras.js";
import { CAMERA_STATES } from "../../texts/pt-BR/common.js";
import { needsAttention, notRecordedOf, readUsage } from "../../ui/attention.js";
import { foundCameras, GroupSelect } from "../../ui/choosing.js";
import { Filters } from "../../ui/filters.js";
import { SelectField, TextField } from "../../ui/form.js";
import { html, useState } from "../../ui/html.js";
import { useLoaded } from "../../ui/loading.js";
import { SMALL, useMedia } from "../../ui/media.js";
import { CameraState } from "../../ui/signs.js";
import { Empty, Failed, Skeleton } from "../../ui/states.js";
import { VirtualList } from "../../ui/virtual-list.js";
import { CameraDialog } from "../../ui/camera-form.js";
import { ImportDialog } from "./import.js";

export const styles = ["style.css"];

/** A choice among the states that is none itself: all that need attention. */
const DOWN = "down";

export default function Cameras({ query }) {
  const [edited, setEdited] = useState(null);
  const close = () => {
    setEdited(null);
    if (address.value.query.new || address.value.query.import) setQuery({ new: "", import: "" });
  };
  const isNew = query.new && may("cameras:write");
  const isImport = query.import && may("cameras:write");
  return html`<section class="screen cameras">
    <header>
      <h1>${CAMERAS.title}</h1>
      ${may("cameras:write") && html`
        <button type="button" class="primary" onClick=${() => setQuery({ new: 1 })}>${CAMERAS.add}</button>
        <button type="button" onClick=${() => setQuery({ import: 1 })}>${CAMERAS.importCsv}</button>`}
    </header>
    <${List} query=${query} onEdit=${setEdited} />
    ${(edited || isNew) && html`<${CameraDialog} camera=${edited} onClose=${close} />`}
    ${isImport && html`<${ImportDialog} onClose=${close} />`}
  </section>`;
}

function List({ query, onEdit }) {
  const state = query.state ?? "";
  const height = useMedia(SMALL) ? 104 : 60;
  const usage = useLoaded(async () => (state === DOWN ? readUsage() : null), [state]);
  if (camerasProblem.value && !cameras.value) return html`<${Failed} problem=${camerasProblem.value} retry=${loadCameras} />`;
  if (!cameras.value) return html`<${Skeleton} lines=${12} />`;
  if (cameras.value.size === 0) return html`<${Empty} text=${may("cameras:write") ? CAMERAS.noneYet : CAMERAS.noneForYou} />`;
  const silent = notRecordedOf(usage.value);
  const fits = (camera) => (state === DOWN ? needsAttention(camera, silent) : !state || (camera.enabled ? camera.state : "disabled") === state);
  const found = foundCameras(query.q ?? "", query.group ?? "").filter(fits);
  const count = [query.q, query.state, query.group].filter(Boolean).length;
  const row = (camera) => html`<${Row} camera=${camera} onEdit=${onEdit} />`;
  return html`
    <${Filters} count=${count}>
      <${TextField} label=${CAMERAS.search} type="search" value=${query.q ?? ""} onInput=${(event) => setQuery({ q: event.target.value })} />
      <${SelectField} label=${CAMERAS.state} value=${state} options=${[["", CAMERAS.anyState], [DOWN, CAMERAS.needAttention], ...Object.entries(CAMERA_STATES)]} onChange=${(event) => setQuery({ state: event.target.value })} />
      <${GroupSelect} value=${query.group ?? ""} onChange=${(group) => setQuery({ group })} />
    <//>
    ${usage.problem && html`<${Failed} problem=${usage.problem} retry=${usage.reload} />`}
    <p class="muted" role="status">${CAMERAS.counts(found.length, cameras.value.size)}</p>
    ${found.length === 0
      ? html`<${Empty} text=${CAMERAS.none}><a class="button" href="/cameras">${CAMERAS.clearFilters}</a><//>`
      : html`<${VirtualList} items=${found} keyOf=${(camera) => camera.id} row=${row} height=${height} label=${CAMERAS.list} />`}`;
}

function Row({ camera, onEdit }) {
  const lacks = [!camera.recording.enabled && CAMERAS.recordingOff, !camera.ai.enabled && CAMERAS.aiOff].filter(Boolean);
  return html`<article class="camera-row" data-camera=${camera.id}>
    <a href=${`/cameras/${camera.id}`}>${camera.name}</a>
    <${CameraState} camera=${camera} />
    <span class="camera-tags">${camera.groups.map((id) => html`<span key=${id} class="badge">${groupName(id)}</span>`)}
      ${lacks.map((text) => html`<span key=${text} class="badge">${text}</span>`)}</span>
    ${may("cameras:write") && html`<button type="button" aria-label=${CAMERAS.edit(camera.name)} onClick=${() => onEdit(camera)}>✎</button>`}
  </article>`;
}
