// Clips: how far each is, and the file once it is there.

import { purposeFor } from "../../shell/purpose.js";
import { session } from "../../shell/state.js";
import { toast } from "../../shell/toasts.js";
import { inWords } from "../../texts/pt-BR/errors.js";
import { CLIPS } from "../../texts/pt-BR/recordings.js";
import { lately, moment } from "../../ui/dates.js";
import { confirm } from "../../ui/dialog.js";
import { html, signal, useEffect } from "../../ui/html.js";
import { More, usePages, useReadAgain } from "../../ui/loading.js";
import { asFileName, follow } from "../../ui/saving.js";
import { percent } from "../../ui/signs.js";
import { sizeOf } from "../../ui/sizes.js";
import { Failed, Skeleton } from "../../ui/states.js";

const PAGE = 10;
const AGAIN_MS = 2_000;
const RUNNING = new Set(["queued", "running"]);

/** Counts up with each clip that is made here. */
const made = signal(0);
export const clipMade = (_clip) => (made.value += 1);

/** `nameOf(id)`: the name of a camera, also of a removed one. */
export function Clips({ nameOf }) {
  const pages = usePages("/recordings/clips", {}, { limit: PAGE });
  const isRunning = pages.items?.some(({ state }) => RUNNING.has(state)) ?? false;
  useEffect(() => void (made.value && pages.reload()), [made.value]);
  useReadAgain(pages, isRunning ? AGAIN_MS : null);
  const changed = (clip) => pages.change((items) => items.map((each) => (each.clip_id === clip.clip_id ? clip : each)));
  return html`<section class="panel recordings-clips" aria-label=${CLIPS.title}>
    <header><h2>${CLIPS.title}</h2></header>
    ${pages.problem && !pages.items && html`<${Failed} problem=${pages.problem} retry=${pages.reload} />`}
    ${pages.items === null && pages.loading && html`<${Skeleton} lines=${2} />`}
    ${pages.items?.length === 0 && html`<p class="muted">${CLIPS.none}</p>`}
    <ul>${pages.items?.map((clip) => html`<${Clip} key=${clip.clip_id} clip=${clip} camera=${nameOf(clip.camera_id)} onChanged=${changed} />`)}</ul>
    <${More} pages=${pages} />
  </section>`;
}

/** @param {{clip: import("../../types/streaming").ClipOut, camera: string, onChanged: (clip: any) => void}} props */
function Clip({ clip, camera, onChanged }) {
  const { clip_id: id, name, state, progress, size_bytes: size, reason, expires_at: expires } = clip;
  const failed = (problem) => toast(inWords(problem), "failed");
  const cancel = () => session.post(`/recordings/clips/${id}/cancel`).then(onChanged, failed);
  const remove = async () => {
    if (!(await confirm({ title: CLIPS.deleteTitle, text: CLIPS.deleteText(name), action: CLIPS.delete }))) return;
    await session.delete(`/recordings/clips/${id}`).then(() => onChanged({ ...clip, state: "deleted" }), failed);
  };
  // By the browser itself, which may go on with a large file that was cut off.
  const fetchFile = () => purposeFor(() => session.get(`/recordings/clips/${id}/download?redirect=false`)).then(({ url }) => follow(url, `${asFileName(`${camera} ${name}`)}.mp4`), failed);
  const facts = [camera, moment(clip.from), size && sizeOf(size), state === "ready" && expires && CLIPS.until(lately(expires)), reason && (CLIPS.reasons[reason] ?? reason)];
  return html`<li data-clip=${id} data-state=${state}>
    <span><strong>${name}</strong><small class="muted">${facts.filter(Boolean).join(" · ")}</small></span>
    <span class="badge">${CLIPS.states[state] ?? state}</span>
    ${RUNNING.has(state) && html`<progress max="1" value=${progress} aria-label=${CLIPS.progress(name)}></progress><small class="muted">${percent(progress)}</small>
      <button type="button" onClick=${cancel} aria-label=${CLIPS.cancelThis(name)}>${CLIPS.cancel}</button>`}
    ${state === "ready" && html`<button type="button" onClick=${fetchFile} aria-label=${CLIPS.downloadThis(name)}>${CLIPS.download}</button>
      <button type="button" onClick=${remove} aria-label=${CLIPS.deleteThis(name)}>${CLIPS.delete}</button>`}
  </li>`;
}
