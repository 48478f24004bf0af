// What only off-site copies hold: it is asked for here, and how far each range is that comes back.

import { withQuery } from "../../shell/router.js";
import { purposeFor } from "../../shell/purpose.js";
import { session } from "../../shell/state.js";
import { toast } from "../../shell/toasts.js";
import { RESTORES } from "../../texts/pt-BR/recordings.js";
import { clock, day, moment } from "../../ui/dates.js";
import { Dialog } from "../../ui/dialog.js";
import { Form, SelectField } from "../../ui/form.js";
import { html, useEffect, useRef } from "../../ui/html.js";
import { More, usePages, useReadAgain } from "../../ui/loading.js";
import { PATH } from "../../ui/playback/minute.js";
import { percent } from "../../ui/signs.js";
import { Failed } from "../../ui/states.js";
import { DAY, MINUTE } from "../../ui/timeline/scale.js";
import { whatAt } from "../../ui/timeline/spans.js";

const PAGE = 10;
const AGAIN_MS = 3_000;
/** Cold storage needs hours. */
const COLD_AGAIN_MS = 60_000;
const OPEN = new Set(["queued", "waiting", "running"]);
const AROUND_MS = 30 * MINUTE;
const DAYS = [1, 3, 7, 15, 30];
const USUAL_DAYS = 7;

const iso = (ms) => new Date(ms).toISOString();
const periodOf = ({ from, to }) => RESTORES.range(moment(from), day(from) === day(to) ? clock(to) : moment(to));

/** The ranges that were asked for, the latest first, as `usePages` gives them. `onBack()` when another one is back. */
export function useRestores(onBack) {
  const pages = usePages("/recordings/archive/restores", {}, { limit: PAGE });
  const open = pages.items?.filter(({ state }) => OPEN.has(state)) ?? [];
  const wait = open.length === 0 ? null : open.every(({ state }) => state === "waiting") ? COLD_AGAIN_MS : AGAIN_MS;
  useReadAgain(pages, wait);
  const before = useRef(null);
  const back = pages.items?.filter(({ state }) => state === "ready").length ?? null;
  useEffect(() => {
    if (before.current !== null && back > before.current) onBack();
    before.current = back;
  }, [back]);
  return pages;
}

/** Returns what is under way for an instant of a camera, or null. */
export const comingAt = (restores, camera, at) =>
  restores.items?.find((each) => OPEN.has(each.state) && each.camera_id === camera && Date.parse(each.from) <= at && at < Date.parse(each.to)) ?? null;

/** Returns the hour around an instant, as far as one archived span reaches: what is asked for where no range is marked. */
export function hourOf(known, at) {
  const { from, to } = whatAt(known, at)?.archived ?? { from: at, to: at };
  return { from: Math.max(from, at - AROUND_MS), to: Math.min(to, at + AROUND_MS) };
}

/** Whether there is something of a range that only copies hold. @param {import("../../ui/timeline/spans.js").Recorded | null} known */
export const isAway = (known, { from, to }) => known?.archived.some((span) => span.restoredUntil === null && span.from < to && span.to > from) ?? false;

/** Asks for a range of one of the cameras, for so many days. */
export function RestoreDialog({ cameras, range, onAsked, onClose }) {
  const submit = async ({ days, camera = cameras[0].id }, _form, key) => {
    if (range.to - range.from > DAY) throw { code: "too_long" };
    const body = { camera_id: camera, from: iso(range.from), to: iso(range.to), days: Number(days) };
    onAsked(await purposeFor(() => session.post("/recordings/archive/restore", body, { key })));
    toast(RESTORES.asked);
    onClose();
  };
  return html`<${Dialog} title=${RESTORES.bringTitle} onClose=${onClose}>
    <p><strong>${cameras.length === 1 && `${cameras[0].name}, `}${periodOf(range)}</strong></p>
    <p class="muted">${RESTORES.why}</p>
    <${Form} submit=${RESTORES.bring} onSubmit=${submit} onCancel=${onClose} words=${RESTORES.words}>
      ${cameras.length > 1 && html`<${SelectField} label=${RESTORES.camera} name="camera" value=${cameras[0].id} options=${cameras.map(({ id, name }) => [id, name])} />`}
      <${SelectField} label=${RESTORES.keep} name="days" value=${USUAL_DAYS} options=${DAYS.map((count) => [count, RESTORES.days(count)])} />
    <//>
  <//>`;
}

/** The ranges that were asked for; nothing where there are none. `nameOf(id)`. */
export function Restores({ restores, nameOf }) {
  const isFailed = restores.problem && !restores.items;
  if (!isFailed && !restores.items?.length) return null;
  return html`<section class="panel recordings-clips" aria-label=${RESTORES.title}>
    <header><h2>${RESTORES.title}</h2></header>
    ${isFailed && html`<${Failed} problem=${restores.problem} retry=${restores.reload} />`}
    <ul>${restores.items?.map((job) => html`<${Restore} key=${job.restore_id} job=${job} name=${`${nameOf(job.camera_id)}, ${periodOf(job)}`} />`)}</ul>
    <${More} pages=${restores} />
  </section>`;
}

/** @param {{job: import("../../types/streaming").RestoreOut, name: string}} props */
function Restore({ job, name }) {
  const { state, keep_until: until, files_missing: missing, reason } = job;
  const isOver = Date.parse(until) <= Date.now();
  const facts = [
    state === "ready" && (isOver ? RESTORES.over(moment(until)) : RESTORES.until(moment(until))),
    reason && (RESTORES.reasons[reason] ?? reason),
    state !== "failed" && missing > 0 && RESTORES.missing(missing),
  ];
  return html`<li data-restore=${job.restore_id} data-state=${state}>
    <span><strong>${name}</strong><small class="muted">${facts.filter(Boolean).join(" · ")}</small></span>
    <span class="badge">${RESTORES.states[state] ?? state}</span>
    ${OPEN.has(state) && html`<progress max="1" value=${job.progress} aria-label=${RESTORES.progress(name)}></progress><small class="muted">${percent(job.progress)}</small>`}
    ${state === "ready" && !isOver && html`<a class="button" href=${withQuery(PATH, { camera: job.camera_id, at: job.from })} aria-label=${RESTORES.seeThis(name)}>${RESTORES.see}</a>`}
  </li>`;
}
