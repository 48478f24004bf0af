// What is known: which cameras there are recordings of, and what was recorded on the days around the clock and in what the timeline shows.

import { purposeFor } from "../../shell/purpose.js";
import { session } from "../../shell/state.js";
import { cameras } from "../../stores/cameras.js";
import { isPassing } from "../../ui/again.js";
import { startOfDay } from "../../ui/dates.js";
import { useEffect, useMemo, useRef, useState } from "../../ui/html.js";
import { useLoaded } from "../../ui/loading.js";
import { SPANS_UP_TO, WIDEST } from "../../ui/timeline/scale.js";
import { recordedOf } from "../../ui/timeline/spans.js";

const QUIET_MS = 120;
/** What is being written changes. */
const AGAIN_MS = 10_000;
const TROUBLE_MS = 4_000;

const NOTHING = new Map();

const iso = (ms) => new Date(ms).toISOString();

/**
 * Returns {known, isWhole}: a Map of {id, name, isRemoved} of the cameras that the user may see, null until they were read; once it is whole,
 * also of removed ones whose recordings are still kept.
 */
export function useCameras() {
  const forecast = useLoaded(() => session.get("/recordings/forecast"));
  const known = useMemo(() => {
    if (!cameras.value) return null;
    const removed = (forecast.value?.cameras ?? []).filter(({ camera_id: id }) => !cameras.value.has(id));
    return new Map([...cameras.value.values(), ...removed.map(({ camera_id: id, name }) => ({ id, name, isRemoved: true }))].map((camera) => [camera.id, camera]));
  }, [cameras.value, forecast.value]);
  return { known, isWhole: Boolean(forecast.value || forecast.problem) };
}

async function readRecorded(id, { from, to }) {
  const isWide = to - from > SPANS_UP_TO;
  const query = new URLSearchParams({ camera_id: id, from: iso(from), to: iso(to), ...(isWide ? { resolution: "day" } : {}) });
  return recordedOf(await purposeFor(() => session.get(`/recordings/timeline?${query}`)));
}

/** Returns when the last recording of a camera before an instant ends; null where there was none in a year. */
export async function lastBefore(id, at) {
  return (await readRecorded(id, { from: at - WIDEST, to: at })).writtenTo;
}

const readEach = async (ids, range) => new Map(await Promise.all(ids.map(async (id) => [id, await readRecorded(id, range)])));

/** Returns a Map of what was recorded by camera on the day (of the city) of an instant; null until it was read. It is read anew with `fresh`. */
export function useDay(ids, at, fresh) {
  const from = startOfDay(at);
  return useRange(ids, { from, to: startOfDay(at, 1) }, fresh);
}

/** Returns what was recorded in a view and around it, so that there is something where it is moved to; the last until the next was read. */
export function useView(ids, view, fresh) {
  const [range, setRange] = useState(() => padded(view));
  const span = view.to - view.from;
  const isIn = range.from <= view.from && view.to <= range.to && range.to - range.from <= 5 * span;
  useEffect(() => {
    if (isIn) return undefined;
    const timer = setTimeout(() => setRange(padded(view)), QUIET_MS);
    return () => clearTimeout(timer);
  }, [isIn, view.from, view.to]);
  return useRange(ids, range, fresh) ?? NOTHING;
}

function padded({ from, to }) {
  const span = to - from;
  const most = span <= SPANS_UP_TO ? SPANS_UP_TO : WIDEST;
  const more = Math.max(0, Math.min(span / 2, (most - span) / 2));
  return { from: Math.floor(from - more), to: Math.ceil(to + more) };
}

/** Reads a range of cameras, again while it is still being written, and after trouble that passes; null until it was read. */
function useRange(ids, { from, to }, fresh) {
  const [found, setFound] = useState(null);
  const latest = useRef(0);
  const key = ids.join();
  useEffect(() => {
    let timer = null;
    const attempt = async () => {
      const asked = (latest.current += 1);
      let wait = to > Date.now() ? AGAIN_MS : null;
      try {
        if (document.visibilityState === "visible" || found === null) {
          const value = await readEach(ids, { from, to });
          if (asked !== latest.current) return;
          setFound({ key, value });
        }
      } catch (problem) {
        if (asked !== latest.current) return;
        wait = isPassing(problem) ? TROUBLE_MS : null;
      }
      if (wait !== null) timer = setTimeout(attempt, wait);
    };
    attempt();
    return () => {
      latest.current += 1;
      clearTimeout(timer);
    };
  }, [key, from, to, fresh]);
  return found && found.key === key ? found.value : null;
}
