// Planned work: what, from when to when, and about which cameras.

import { session } from "../../shell/state.js";
import { groups } from "../../stores/groups.js";
import { MAINTENANCE } from "../../texts/pt-BR/maintenance.js";
import { CamerasField, GroupBoxes } from "../../ui/choosing.js";
import { instantOf, localOf } from "../../ui/dates.js";
import { confirm, Dialog } from "../../ui/dialog.js";
import { Form, TextField } from "../../ui/form.js";
import { html, useState } from "../../ui/html.js";

const HOUR_MS = 3_600_000;
const MOST_CAMERAS = 1_000;
const inHours = (hours) => localOf(new Date(Date.now() + hours * HOUR_MS).toISOString());

/** `window`: {} for a new one. */
export function WindowDialog({ window, onSaved, onClose }) {
  const [cameras, setCameras] = useState(window.camera_ids ?? []);
  const [inGroups, setGroups] = useState(window.group_ids ?? []);
  const save = async ({ name, from, to }, _form, key) => {
    const body = { name: name.trim(), starts_at: instantOf(from), ends_at: instantOf(to), camera_ids: cameras, group_ids: inGroups };
    if (body.ends_at <= body.starts_at) throw { code: "order" };
    const isCity = !cameras.length && !inGroups.length;
    if (isCity && !(await confirm({ title: MAINTENANCE.cityTitle, text: MAINTENANCE.cityText, action: MAINTENANCE.cityYes }))) return;
    await (window.window_id ? session.patch(`/maintenance/${window.window_id}`, body) : session.post("/maintenance", body, { key }));
    onSaved();
  };
  return html`<${Dialog} title=${window.window_id ? MAINTENANCE.changeThis(window.name) : MAINTENANCE.make} onClose=${onClose} firm>
    <${Form} onSubmit=${save} submit=${window.window_id ? undefined : MAINTENANCE.makeIt} words=${{ order: MAINTENANCE.order }} onCancel=${onClose}>
      <${TextField} label=${MAINTENANCE.name} name="name" defaultValue=${window.name ?? ""} placeholder=${MAINTENANCE.nameExample} maxlength="120" required autocomplete="off" />
      <div class="numbers">
        <${TextField} label=${MAINTENANCE.from} name="from" type="datetime-local" defaultValue=${window.starts_at ? localOf(window.starts_at) : inHours(0)} required />
        <${TextField} label=${MAINTENANCE.to} name="to" type="datetime-local" defaultValue=${window.ends_at ? localOf(window.ends_at) : inHours(2)} required />
      </div>
      <${CamerasField} chosen=${cameras} onChange=${setCameras} most=${MOST_CAMERAS} />
      ${groups.value?.length > 0 && html`<${GroupBoxes} legend=${MAINTENANCE.groupsOf} chosen=${inGroups} onChange=${setGroups} />`}
      <small class="muted">${MAINTENANCE.scopeHint}</small>
    <//>
  <//>`;
}
