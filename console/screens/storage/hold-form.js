// The form of a new hold: which recordings, why, and until when. It opens filled in from the range that was marked in the player.

import { me, session } from "../../shell/state.js";
import { camerasByName } from "../../stores/cameras.js";
import { COMMON } from "../../texts/pt-BR/common.js";
import { HOLDS } from "../../texts/pt-BR/storage.js";
import { instantOf, localOf } from "../../ui/dates.js";
import { Dialog } from "../../ui/dialog.js";
import { Form, SelectField, TextField } from "../../ui/form.js";
import { html, useState } from "../../ui/html.js";
import { inOrder } from "../../ui/order.js";

const MINUTE_MS = 60_000;
const EVERY = "all";

/** The fields show minutes: a range that was marked to the second is held with the whole of its first and last minute. */
const wholeMinute = (instant, round) => localOf(Number.isNaN(Date.parse(instant)) ? "" : round(Date.parse(instant) / MINUTE_MS) * MINUTE_MS);

/** `query`: {camera, from, to} as the address has them; `recorded`: cameras that have recordings, also those that were removed. */
export function HoldDialog({ query, recorded, onSaved, onClose }) {
  const [asked] = useState(query); // as it was at first: what is typed is not overwritten
  const [cameraId, setCamera] = useState(asked.camera ?? "");
  const submit = async ({ from, to, reason, until }, _form, key) => {
    const body = {
      camera_id: cameraId === EVERY ? null : cameraId, from: instantOf(from), to: instantOf(to), reason: reason.trim(), until: instantOf(until) || null,
    };
    if (Date.parse(body.from) >= Date.parse(body.to)) throw { code: "reversed" };
    if (body.until && Date.parse(body.until) <= Date.now()) throw { code: "past" };
    onSaved(await session.post("/holds", body, { key }));
  };
  return html`<${Dialog} title=${HOLDS.placeTitle} onClose=${onClose} firm>
    <p class="muted">${HOLDS.why}</p>
    <${Form} onSubmit=${submit} submit=${HOLDS.place} onCancel=${onClose} words=${HOLDS.words}>
      <${SelectField} label=${HOLDS.camera} name="camera" required value=${cameraId} options=${optionsOf(recorded, asked.camera)} onChange=${(event) => setCamera(event.target.value)} />
      <${TextField} label=${HOLDS.from} name="from" type="datetime-local" required defaultValue=${wholeMinute(asked.from, Math.floor)} />
      <${TextField} label=${HOLDS.to} name="to" type="datetime-local" required defaultValue=${wholeMinute(asked.to, Math.ceil)} />
      <${TextField} label=${HOLDS.reason} hint=${HOLDS.reasonHint} name="reason" required minlength="3" maxlength="500" autocomplete="off" />
      <${TextField} label=${HOLDS.until} hint=${HOLDS.untilHint} name="until" type="datetime-local" />
    <//>
  <//>`;
}

/** Who is limited to groups holds one camera at a time: all of them are not theirs. */
function optionsOf(recorded, asked) {
  const names = new Map([...recorded.map(({ camera_id: id, name }) => [id, name]), ...camerasByName.value.map(({ id, name }) => [id, name])]);
  if (asked && !names.has(asked)) names.set(asked, COMMON.removedCamera);
  const cameras = [...names].sort(([, a], [, b]) => inOrder(a, b));
  return [["", HOLDS.choose], ...(me.value.camera_groups === null ? [[EVERY, HOLDS.everyCamera]] : []), ...cameras];
}
