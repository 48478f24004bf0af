// The wall's tools: size, saved layouts, cameras, patrol, full screen, another monitor.

import { toast } from "../../shell/toasts.js";
import { COMMON } from "../../texts/pt-BR/common.js";
import { inWords } from "../../texts/pt-BR/errors.js";
import { WALL } from "../../texts/pt-BR/wall.js";
import { confirm, Dialog } from "../../ui/dialog.js";
import { Form, TextField } from "../../ui/form.js";
import { html, useState } from "../../ui/html.js";
import { Icon } from "../../ui/icons.js";
import { isLayout, SIZES, useLayouts } from "./arrangement.js";

const PATROLS = [10, 20, 30, 60, 120];

export function Toolbar({ arrangement, change, onChoose, onFull, patrolPage, hasSide, onSide, screen }) {
  const { layouts, save, remove } = useLayouts();
  const [isSaving, setSaving] = useState(false);
  const [current, setCurrent] = useState("");
  const layout = layouts.find(({ id }) => id === current) ?? layouts.find((each) => isLayout(each, arrangement));
  // One that was changed is not chosen any more, so that choosing it puts it on again.
  const isOn = layout !== undefined && isLayout(layout, arrangement);
  const take = (event) => {
    const taken = layouts.find(({ id }) => id === event.target.value);
    setCurrent(taken?.id ?? "");
    if (taken) change({ tiles: taken.tiles, cameras: taken.cameras, patrol_s: taken.patrol_s });
  };
  const drop = async () => {
    if (!(await confirm({ title: WALL.removeTitle, text: WALL.removeText(layout.name), action: COMMON.remove }))) return;
    await remove(layout.id).then(() => setCurrent(""), (problem) => toast(inWords(problem), "failed"));
  };
  const patrol = (event) => change({ patrol_s: Number(event.target.value) || null });
  const second = () => open(`/mural?monitor=${Number(screen) + 1}`, `gtvision-wall-${Number(screen) + 1}`, "popup,width=1280,height=720");
  return html`<header class="wall-tools">
    <h1>${WALL.title}</h1>
    ${patrolPage && html`<span class="badge">${WALL.patrolPage(...patrolPage)}</span>`}
    <div class="wall-sizes" role="group" aria-label=${WALL.sizes}>
      ${SIZES.map((tiles) => html`<button key=${tiles} type="button" aria-pressed=${tiles === arrangement.tiles} aria-label=${WALL.size(tiles)} onClick=${() => change({ tiles })}>${tiles}</button>`)}
    </div>
    <label><span class="visually-hidden">${WALL.layout}</span>
      <select onChange=${take} aria-label=${WALL.layout}>
        <option value="" disabled selected=${!isOn}>${layout && !isOn ? WALL.changed(layout.name) : WALL.layout}</option>
        ${layouts.map(({ id, name }) => html`<option key=${id} value=${id} selected=${isOn && id === layout.id}>${name}</option>`)}
      </select></label>
    <button type="button" onClick=${() => setSaving(true)}>${WALL.save}</button>
    ${layout && html`<button type="button" onClick=${drop}>${WALL.remove}</button>`}
    <button type="button" onClick=${onChoose}>${WALL.cameras}</button>
    <select aria-label=${WALL.patrol} onChange=${patrol}>
      <option value="" selected=${!arrangement.patrol_s}>${WALL.patrol}: ${WALL.patrolOff}</option>
      ${PATROLS.map((seconds) => html`<option key=${seconds} value=${seconds} selected=${seconds === arrangement.patrol_s}>${WALL.patrol} ${WALL.patrolEvery(seconds)}</option>`)}
    </select>
    ${onSide && html`<button type="button" class="wall-wide" aria-pressed=${hasSide} onClick=${onSide}>${WALL.side}</button>`}
    <button type="button" class="wall-wide" onClick=${second}>${WALL.second}</button>
    <button type="button" onClick=${onFull}><${Icon} name="full" /> ${WALL.full}</button>
    ${isSaving && html`<${SaveDialog} layouts=${layouts} onClose=${() => setSaving(false)} onSave=${async (name, key) => {
      const saved = await save(name, arrangement, key);
      setCurrent(saved.id);
      setSaving(false);
      toast(WALL.saved(name));
    }} />`}
  </header>`;
}

function SaveDialog({ layouts, onClose, onSave }) {
  const [name, setName] = useState("");
  const isThere = layouts.some((layout) => layout.name.toLowerCase() === name.trim().toLowerCase());
  return html`<${Dialog} title=${WALL.saveTitle} onClose=${onClose}>
    <${Form} onSubmit=${(values, _form, key) => onSave(values.name.trim(), key)} onCancel=${onClose}>
      <${TextField} label=${WALL.saveName} hint=${isThere ? WALL.saveOver : ""} name="name" required maxlength="60" value=${name} onInput=${(event) => setName(event.target.value)} />
    <//>
  <//>`;
}
