// The marked range, and the clip that is made of it.

import { withQuery } from "../../shell/router.js";
import { purposeFor } from "../../shell/purpose.js";
import { may, session } from "../../shell/state.js";
import { toast } from "../../shell/toasts.js";
import { CLIPS, RECORDINGS, RESTORES } from "../../texts/pt-BR/recordings.js";
import { clock, moment } from "../../ui/dates.js";
import { Dialog } from "../../ui/dialog.js";
import { Form, SelectField, TextField } from "../../ui/form.js";
import { html, useState } from "../../ui/html.js";
import { length } from "../../ui/timeline/words.js";
import { clipMade } from "./clips.js";

const iso = (ms) => new Date(ms).toISOString();

/** `range`: {from, to}, each an instant or null; `onBring`: asks for what of it only copies hold, null where there is nothing. */
export function Marked({ cameras, range, onMark, onClear, onBring }) {
  const [isNaming, setNaming] = useState(false);
  const isWhole = range.from !== null && range.to !== null;
  const isEmpty = range.from === null && range.to === null;
  return html`
    <button type="button" onClick=${() => onMark("from")} aria-keyshortcuts="[">${RECORDINGS.markStart}</button>
    <button type="button" onClick=${() => onMark("to")} aria-keyshortcuts="]">${RECORDINGS.markEnd}</button>
    ${!isEmpty && html`<span class="badge" role="status">${isWhole ? RECORDINGS.range(moment(range.from), clock(range.to), length(range.to - range.from)) : moment(range.from ?? range.to)}</span>
      <button type="button" class="quiet" onClick=${onClear}>${RECORDINGS.clearRange}</button>`}
    ${isWhole && may("exports:make") && html`<button type="button" class="primary" onClick=${() => setNaming(true)}>${CLIPS.make}</button>`}
    ${isWhole && may("holds:write") && html`<a class="button" href=${withQuery("/armazenamento", { hold: "1", camera: cameras.length === 1 ? cameras[0].id : "", from: iso(range.from), to: iso(range.to) })}>${RECORDINGS.hold}</a>`}
    ${onBring && html`<button type="button" onClick=${onBring}>${RESTORES.bringRange}</button>`}
    ${isNaming && html`<${ClipDialog} cameras=${cameras} range=${range} onClose=${() => setNaming(false)} />`}`;
}

function ClipDialog({ cameras, range, onClose }) {
  const submit = async ({ name, camera = cameras[0].id }, _form, key) => {
    const clip = await purposeFor(() => session.post("/recordings/clips", { camera_id: camera, from: iso(range.from), to: iso(range.to), name: name.trim() }, { key }));
    clipMade(clip);
    toast(CLIPS.asked(clip.name));
    onClose();
  };
  return html`<${Dialog} title=${CLIPS.makeTitle} onClose=${onClose}>
    <p>${RECORDINGS.range(moment(range.from), moment(range.to), length(range.to - range.from))}</p>
    <${Form} submit=${CLIPS.make} onSubmit=${submit} onCancel=${onClose}>
      <${TextField} label=${CLIPS.name} name="name" required maxlength="120" placeholder=${CLIPS.nameExample} autocomplete="off" />
      ${cameras.length > 1 && html`<${SelectField} label=${CLIPS.camera} name="camera" value=${cameras[0].id} options=${cameras.map(({ id, name }) => [id, name])} />`}
    <//>
  <//>`;
}
