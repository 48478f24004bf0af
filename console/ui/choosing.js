// Choosing cameras, groups and periods: the same fields in every filter.

import { camerasByName } from "../stores/cameras.js";
import { groupName, groups } from "../stores/groups.js";
import { COMMON } from "../texts/pt-BR/common.js";
import { instantOf, localOf } from "./dates.js";
import { Dialog } from "./dialog.js";
import { Field, SelectField } from "./form.js";
import { html, useState } from "./html.js";
import { CameraState } from "./signs.js";
import { VirtualList } from "./virtual-list.js";

const plain = (text) => text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();
const HOUR_MS = 3_600_000;
const ROW_PX = 46;

/** Returns those of the cameras whose name holds the words, and which are in the group, if one is given. */
export function foundCameras(words, groupId, among = camerasByName.value) {
  const wanted = plain(words).split(/\s+/).filter(Boolean);
  return among.filter((camera) => {
    const name = plain(`${camera.name} ${camera.external_id ?? ""}`);
    return wanted.every((word) => name.includes(word)) && (!groupId || camera.groups?.includes(groupId));
  });
}

export function GroupSelect({ value, onChange, label = COMMON.group }) {
  const options = [["", COMMON.allGroups], ...(groups.value ?? []).map(({ id, name }) => [id, name])];
  return html`<${SelectField} label=${label} value=${value} options=${options} onChange=${(event) => onChange(event.target.value)} />`;
}

/**
 * A button that says which cameras are chosen and opens the choice: search, groups, boxes to tick. `chosen`: ids, none for all.
 * `onChange(ids)`; `most`: how many may be chosen; `none`: the words where none is chosen and that doesn't mean all.
 */
export function CamerasField({ chosen, onChange, label = COMMON.cameras, most = 50, none = "" }) {
  const [isOpen, setOpen] = useState(false);
  const text = chosen.length ? COMMON.chosenCameras(chosen.length) : none || COMMON.allCameras;
  return html`<${Field} label=${label}>
    ${(wires) => html`<button type="button" ...${wires} aria-label=${`${label}: ${text}`} onClick=${() => setOpen(true)}>${text}</button>`}
  <//>${isOpen && html`<${CamerasDialog} chosen=${chosen} most=${most} canBeAll=${!none} onClose=${() => setOpen(false)}
    onDone=${(ids) => (setOpen(false), onChange(ids))} />`}`;
}

/**
 * `single`: one camera, chosen by a click. `canBeAll`: whether there is a choice of all cameras, which gives no ids.
 * `submit(count)`: the words on the button; `removed`: cameras that are no more, and come last.
 */
export function CamerasDialog({
  chosen = [], most = 50, single = false, canBeAll = true, removed = [], title = COMMON.cameras, submit = COMMON.chosenCameras, onClose, onDone,
}) {
  const [ids, setIds] = useState(new Set(chosen));
  const [words, setWords] = useState("");
  const [group, setGroup] = useState("");
  const found = [...foundCameras(words, group), ...foundCameras(words, group, removed)];
  const isFull = !single && ids.size >= most;
  const toggle = (id) => {
    if (single) return onDone([id]);
    const next = new Set(ids);
    if (!next.delete(id)) next.add(id);
    return setIds(next);
  };
  const row = (camera) => html`<label class="choice"><input type=${single ? "radio" : "checkbox"} checked=${ids.has(camera.id)} disabled=${isFull && !ids.has(camera.id)} onChange=${() => toggle(camera.id)} />
    <span>${camera.name}</span>${camera.isRemoved ? html`<span class="badge">${COMMON.removedCamera}</span>` : html`<${CameraState} camera=${camera} brief />`}</label>`;
  return html`<${Dialog} title=${title} onClose=${onClose}>
    <div class="filters">
      <${Field} label=${COMMON.searchCamera}>${(wires) => html`<input type="search" ...${wires} value=${words} onInput=${(event) => setWords(event.target.value)} onKeyDown=${stay} />`}<//>
      <${GroupSelect} value=${group} onChange=${setGroup} />
    </div>
    ${found.length
      ? html`<${VirtualList} className="choices" items=${found} keyOf=${(camera) => camera.id} row=${row} height=${ROW_PX} label=${COMMON.cameras} />`
      : html`<p class="muted">${COMMON.noCameras}</p>`}
    ${!single && html`<p class="muted" role="status">${isFull ? COMMON.mostCameras(most) : ""}</p><div class="actions">
      <button type="button" class="primary" onClick=${() => onDone([...ids])}>${submit(ids.size)}</button>
      ${canBeAll && html`<button type="button" onClick=${() => onDone([])}>${COMMON.allCameras}</button>`}
    </div>`}
  <//>`;
}

/** Enter in the search sends no form that the dialog stands in. */
const stay = (event) => event.key === "Enter" && event.preventDefault();

/** Boxes for the groups that a camera is in, or that a user may see. `chosen`: ids. */
export function GroupBoxes({ chosen, onChange, legend }) {
  const known = new Set((groups.value ?? []).map(({ id }) => id));
  const all = [...(groups.value ?? []).map(({ id }) => id), ...chosen.filter((id) => !known.has(id))];
  const toggle = (id) => onChange(chosen.includes(id) ? chosen.filter((each) => each !== id) : [...chosen, id]);
  return html`<fieldset><legend>${legend}</legend>
    ${all.map((id) => html`<label key=${id} class="choice"><input type="checkbox" checked=${chosen.includes(id)} onChange=${() => toggle(id)} /> ${groupName(id)}</label>`)}
  </fieldset>`;
}

/** `from`, `to`: instants (ISO) or ""; `onChange({from, to})`. The buttons set whole periods that end now. */
export function PeriodFields({ from, to, onChange }) {
  const last = (hours) => onChange({ from: new Date(Date.now() - hours * HOUR_MS).toISOString(), to: "" });
  const set = (name) => (event) => onChange({ from, to, [name]: instantOf(event.target.value) });
  return html`
    <${Field} label=${COMMON.from}>${(wires) => html`<input type="datetime-local" ...${wires} value=${localOf(from)} onChange=${set("from")} />`}<//>
    <${Field} label=${COMMON.to}>${(wires) => html`<input type="datetime-local" ...${wires} value=${localOf(to)} onChange=${set("to")} />`}<//>
    <div class="actions" role="group" aria-label=${COMMON.period}>
      <button type="button" onClick=${() => last(1)}>${COMMON.lastHour}</button>
      <button type="button" onClick=${() => last(24)}>${COMMON.lastDay}</button>
      <button type="button" onClick=${() => last(168)}>${COMMON.lastWeek}</button>
      <button type="button" onClick=${() => onChange({ from: "", to: "" })}>${COMMON.anyTime}</button>
    </div>`;
}
