// What is known of the recordings that are shown: of the days around the clock, and of what the timeline shows.

import { purposeFor } from "../../shell/purpose.js";
import { session } from "../../shell/state.js";
import { isPassing } from "../../ui/again.js";
import { startOfDay } from "../../ui/dates.js";
import { useEffect, useRef, useState } from "../../ui/html.js";
import { SPANS_UP_TO, WIDEST } from "../../ui/timeline/scale.js";
import { recordedOf } from "../../ui/timeline/spans.js";

const QUIET_MS = 120;
/** What is being written changes. */
const AGAIN_MS = 10_000;
const TROUBLE_MS = 4_000;

const iso = (ms) => new Date(ms).toISOString();

async function readRecorded(id, { from, to }) {
  const isWide = to - from > SPANS_UP_TO;
  const query = new URLSearchParams({ camera_id: id, from: iso(from), to: iso(to), ...(isWide ? { resolution: "day" } : {}) });
  return recordedOf(await purposeFor(() => session.get(`/recordings/timeline?${query}`)));
}

const readEach = async (ids, range) => new Map(await Promise.all(ids.map(async (id) => [id, await readRecorded(id, range)])));

/** Returns a Map of what was recorded by camera on the day (of the city) of an instant; null until it was read. */
export function useDay(ids, at) {
  const from = startOfDay(at);
  return useRange(ids, { from, to: startOfDay(at, 1) });
}

/** Returns what was recorded in a view and around it, so that there is something where it is moved to; the last until the next was read. */
export function useView(ids, view) {
  const [range, setRange] = useState(() => padded(view));
  const span = view.to - view.from;
  const isIn = range.from <= view.from && view.to <= range.to && range.to - range.from <= 5 * span;
  useEffect(() => {
    if (isIn) return undefined;
    const timer = setTimeout(() => setRange(padded(view)), QUIET_MS);
    return () => clearTimeout(timer);
  }, [isIn, view.from, view.to]);
  return useRange(ids, range) ?? new Map();
}

function padded({ from, to }) {
  const span = to - from;
  const most = span <= SPANS_UP_TO ? SPANS_UP_TO : WIDEST;
  const more = Math.max(0, Math.min(span / 2, (most - span) / 2));
  return { from: Math.floor(from - more), to: Math.ceil(to + more) };
}

/** Reads a range of cameras, again while it is still being written, and after trouble that passes; null until it was read. */
function useRange(ids, { from, to }) {
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
  }, [key, from, to]);
  return found && found.key === key ? found.value : null;
}
