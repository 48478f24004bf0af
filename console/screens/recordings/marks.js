// Alerts and plates upon the timeline. Each reading of plates goes on record with its range, so what was read is kept while the screen
// is open: nothing is asked for twice, and what happens now comes by the live link.

import { purposeFor } from "../../shell/purpose.js";
import { listen, may, resyncs, session } from "../../shell/state.js";
import { RECORDINGS } from "../../texts/pt-BR/recordings.js";
import { isPassing } from "../../ui/again.js";
import { clock } from "../../ui/dates.js";
import { useEffect, useMemo, useRef, useState } from "../../ui/html.js";
import { written } from "../../ui/signs.js";
import { HOUR, MINUTE } from "../../ui/timeline/scale.js";

const QUIET_MS = 400;
const TROUBLE_MS = 4_000;
const MOST = 500;
/** A wider view has no marks; so much is asked for at a time, unless there is too much in it. */
const WIDEST = 6 * HOUR;
/** Of the time that held as many as are told at once, this part is asked for the next time. */
const WITH_ROOM = 0.8;
const NOTHING = { ranges: [], marks: new Map(), atOnce: WIDEST };

const iso = (ms) => new Date(ms).toISOString();

/**
 * Returns {marks, isCut, isNear}: the marks by their times, none where the view is too wide for them (`isNear`); `isCut` where there are too
 * many to show all of a view: then those around the instant `at` are asked for.
 */
export function useMarks(ids, view, at) {
  const key = ids.join();
  const [state, setState] = useState({ ...NOTHING, key });
  const [busyWith, setBusyWith] = useState(null);
  const shown = useRef(key);
  shown.current = key;
  const of = (all) => (all.key === key ? all : { ...NOTHING, key }); // of other cameras nothing is known
  const change = (edit) => shown.current === key && setState((now) => ({ ...of(now), ...edit(of(now)) }));
  const kept = of(state);
  const isBusy = busyWith === key;
  const span = view.to - view.from;
  const isNear = span <= WIDEST;
  const isCut = isNear && span > kept.atOnce;
  const wanted = useRef(view);
  wanted.current = isCut ? { from: at, to: at + 1 } : view;
  const isMissing = isNear && missingOf(kept.ranges, wanted.current) !== null;
  useEffect(() => {
    if (!isMissing || isBusy) return undefined;
    const timer = setTimeout(async () => {
      setBusyWith(key);
      const range = windowOf(kept, wanted.current);
      try {
        const found = await purposeFor(() => read(ids, range));
        change((now) => withAnswer(now, range, found));
      } catch (problem) {
        if (!isPassing(problem)) return; // such as one that lacks a purpose: it stays busy, and asks no more
        await new Promise((resolve) => setTimeout(resolve, TROUBLE_MS));
      }
      setBusyWith((now) => (now === key ? null : now));
    }, QUIET_MS);
    return () => clearTimeout(timer);
  }, [key, isMissing, isBusy, isCut, isCut || view.from, isCut || view.to, kept.ranges]);
  useLive(ids, change);
  const marks = useMemo(() => [...kept.marks.values()].sort((a, b) => a.at - b.at), [kept.marks]);
  return { marks: isNear ? marks : [], isCut, isNear };
}

/** What comes live is added; where some of it may have been lost, the time since the last reading is no longer known. */
function useLive(ids, change) {
  useEffect(() => {
    const add = (found) => found.length && change((now) => ({ marks: withAll(now.marks, found) }));
    const ends = [
      listen("alert", (alert) => add([alert].filter(({ camera_id: camera }) => ids.includes(camera)).map(alertMark))),
      listen("detection", ({ camera_id, captured_at, objects }) =>
        ids.includes(camera_id) && add(objects.filter(({ plate }) => plate).map((seen) => plateMark({ ...seen, camera_id, captured_at })))),
    ];
    return () => ends.forEach((end) => end());
  }, [ids.join()]);
  const heard = useRef(resyncs.value);
  useEffect(() => {
    if (heard.current === resyncs.value) return;
    heard.current = resyncs.value;
    change((now) => ({ ranges: now.ranges.map((range) => ({ ...range, to: Math.min(range.to, range.asked) })) }));
  }, [resyncs.value]);
}

async function read(ids, { from, to }) {
  const query = new URLSearchParams([...ids.map((id) => ["camera_id", id]), ["from", iso(from)], ["to", iso(to)], ["limit", String(MOST)]]);
  const nothing = { items: [], next: null };
  const [alerts, reads] = await Promise.all([
    may("alerts:read") ? session.get(`/alerts?${query}`) : nothing,
    may("detections:read") ? session.get(`/detections?${query}&plates_only=true`) : nothing,
  ]);
  const lists = [[alerts, alerts.items.map(alertMark)], [reads, reads.items.map(plateMark)]];
  // The newest come first: of one that was cut, what is older than its last is not known.
  const known = lists.filter(([{ next }]) => next !== null).map(([, marks]) => Math.min(...marks.map(({ at }) => at)));
  return { marks: lists.flatMap(([, marks]) => marks), since: Math.max(from, ...known), isCut: known.length > 0 };
}

const alertMark = ({ alert_id: id, camera_id: camera, severity, title, captured_at: captured, raised_at: raised }) => {
  const at = Date.parse(captured ?? raised);
  return { id, camera, kind: "alert", severity, at, text: RECORDINGS.alert(title, clock(at)) };
};

const plateMark = ({ detection_id: id, camera_id: camera, plate, captured_at: captured }) => {
  const at = Date.parse(captured);
  return { id, camera, kind: "plate", severity: "", at, text: RECORDINGS.plate(written(plate), clock(at)) };
};

const withAll = (marks, found) => new Map([...marks, ...found.map((mark) => [mark.id, mark])]);

/** `asked`: of a range that reaches to now, what is later comes live. */
function withAnswer({ ranges, marks, atOnce: before }, { from, to }, found) {
  const asked = Date.now();
  const range = { from: found.since, to: to > asked ? Infinity : to, asked };
  const atOnce = found.isCut ? Math.min(before / 2, WITH_ROOM * (Math.min(to, asked) - found.since)) : before;
  return { ranges: [...ranges, range].sort((a, b) => a.from - b.from), marks: withAll(marks, found.marks), atOnce: Math.max(MINUTE, Math.round(atOnce)) };
}

/** Returns what of a view is not known; null where all is. */
function missingOf(ranges, view) {
  let { from } = view;
  let to = Math.min(view.to, Date.now());
  for (const range of ranges) if (range.from <= from) from = Math.max(from, range.to);
  for (const range of ranges.toReversed()) if (range.to >= to) to = Math.min(to, range.from);
  return from < to ? { from, to } : null;
}

/** Returns what is asked for: what is missing and as much around it as is asked for at once, but nothing that is known. */
function windowOf({ ranges, atOnce: size }, view) {
  const missing = missingOf(ranges, view) ?? view;
  const before = ranges.filter(({ to }) => to <= missing.from).map(({ to }) => to);
  const after = ranges.filter(({ from }) => from >= missing.to).map(({ from }) => from);
  return {
    from: Math.max(Math.floor(missing.from / size) * size, ...before),
    to: Math.min(Math.ceil(missing.to / size) * size, ...after),
  };
}
