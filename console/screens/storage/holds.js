// Holds: footage that is kept beyond its time, who asked for it and why, and the end of it.

import { setQuery, withQuery } from "../../shell/router.js";
import { may, me, session } from "../../shell/state.js";
import { toast } from "../../shell/toasts.js";
import { nameOf } from "../../stores/cameras.js";
import { HOLDS } from "../../texts/pt-BR/storage.js";
import { clock, day, moment } from "../../ui/dates.js";
import { Dialog } from "../../ui/dialog.js";
import { Form, SelectField, TextField } from "../../ui/form.js";
import { html, useState } from "../../ui/html.js";
import { More, readAll, useLoaded, usePages } from "../../ui/loading.js";
import { PATH } from "../../ui/playback/minute.js";
import { Empty, Failed, Skeleton } from "../../ui/states.js";
import { Table } from "../../ui/table.js";

const periodOf = ({ from, to }) => HOLDS.range(moment(from), day(from) === day(to) ? clock(to) : moment(to));
const isOver = (hold) => hold.until !== null && Date.parse(hold.until) <= Date.now();
/** Who is limited to groups lifts no hold of all cameras: they are not all theirs. */
const mayLift = (hold) => may("holds:write") && (hold.camera_id !== null || me.value.camera_groups === null);
const isActive = (hold) => hold.lifted_at === null && !isOver(hold);

/** `recorded`: cameras that have recordings, also those that were removed; `onLifted()`: after a hold was lifted, when what is held is another. */
export function Holds({ query, recorded, onLifted }) {
  const named = (id) => recorded.find((camera) => camera.camera_id === id)?.name ?? nameOf(id);
  const cameraOf = (hold) => (hold.camera_id === null ? HOLDS.everyCamera : named(hold.camera_id));
  const state = query.state === "all" ? "all" : "active";
  const pages = usePages("/holds", { active: state === "active" ? "true" : "" });
  const people = useLoaded(async () => (may("users:read") ? new Map((await readAll("/users", {}, 200)).map(({ id, name, email }) => [id, name || email])) : new Map()));
  const [lifted, setLifted] = useState(null);
  const done = () => {
    toast(HOLDS.liftedNow);
    setLifted(null);
    document.getElementById("content").focus(); // the button has gone with its row
    pages.reload();
    onLifted();
  };
  const shown = columns(cameraOf, people.value ?? new Map(), may("holds:write") && setLifted);
  return html`<p class="muted">${HOLDS.why}</p>
    <div class="filters"><${SelectField} label=${HOLDS.state} value=${state} options=${Object.entries(HOLDS.states)}
      onChange=${(event) => setQuery({ state: event.target.value === "all" ? "all" : "" })} /></div>
    ${pages.problem && html`<${Failed} problem=${pages.problem} retry=${pages.items ? pages.more : pages.reload} />`}
    ${!pages.items && !pages.problem && html`<${Skeleton} />`}
    ${pages.items?.length === 0 && html`<${Empty} text=${state === "all" ? HOLDS.noneEver : HOLDS.none} />`}
    ${pages.items?.length > 0 && html`<${Table} caption=${HOLDS.list} columns=${shown} rows=${pages.items} keyOf=${(hold) => hold.hold_id} /><${More} pages=${pages} />`}
    ${lifted && html`<${Lifting} hold=${lifted} camera=${cameraOf(lifted)} onDone=${done} onClose=${() => setLifted(null)} />`}`;
}

/** `cameraOf(hold)`: its camera in words; `people`: id -> name; who may not see people is shown only what is their own. `onLift(hold)` where the user may, else false. */
function columns(cameraOf, people, onLift) {
  const who = (id) => (id === me.value.id ? me.value.name : people.get(id));
  const shown = [
    { title: HOLDS.camera, name: true, cell: cameraOf },
    { title: HOLDS.period, cell: (hold) => html`<${Period} hold=${hold} />` },
    { title: HOLDS.reason, cell: (hold) => hold.reason },
    { title: HOLDS.by, cell: (hold) => HOLDS.byWhom(moment(hold.placed_at), who(hold.placed_by)) },
    { title: HOLDS.until, cell: (hold) => (hold.until ? moment(hold.until) : HOLDS.noEnd) },
    { title: HOLDS.now, cell: (hold) => html`<${State} hold=${hold} who=${who(hold.lifted_by)} />` },
  ];
  if (!onLift) return shown;
  return [...shown, {
    title: HOLDS.actions,
    cell: (hold) => isActive(hold) && mayLift(hold) && html`<button type="button" onClick=${() => onLift(hold)} aria-label=${HOLDS.liftThis(cameraOf(hold), periodOf(hold))}>${HOLDS.lift}</button>`,
  }];
}

/** The period leads to what was recorded then. */
function Period({ hold }) {
  return hold.camera_id === null ? periodOf(hold) : html`<a href=${withQuery(PATH, { camera: hold.camera_id, at: hold.from })}>${periodOf(hold)}</a>`;
}

function State({ hold, who }) {
  if (hold.lifted_at) return html`<span class="badge">${HOLDS.byWhom(HOLDS.lifted(moment(hold.lifted_at)), who)}</span>${hold.lift_reason && html` <small class="muted">${hold.lift_reason}</small>`}`;
  if (isOver(hold)) return html`<span class="badge">${HOLDS.ended(moment(hold.until))}</span>`;
  return html`<span class="badge" data-state="on">${HOLDS.active}</span>`;
}

function Lifting({ hold, camera, onDone, onClose }) {
  const lift = async ({ reason }, _form, key) => {
    await session.post(`/holds/${hold.hold_id}/lift`, { reason: reason.trim() }, { key });
    onDone();
  };
  return html`<${Dialog} title=${HOLDS.liftTitle} onClose=${onClose} firm>
    <p>${HOLDS.liftText(camera, periodOf(hold))}</p>
    <${Form} onSubmit=${lift} submit=${HOLDS.liftIt} onCancel=${onClose} words=${HOLDS.words} danger>
      <${TextField} label=${HOLDS.liftReason} name="reason" required minlength="3" maxlength="500" autocomplete="off" />
    <//>
  <//>`;
}
