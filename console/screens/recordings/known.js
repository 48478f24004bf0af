// What is known of the recordings that are shown: of the days around the clock, of what the timeline shows, and the marks upon it.

import { purposeFor } from "../../shell/purpose.js";
import { may, session } from "../../shell/state.js";
import { RECORDINGS } from "../../texts/pt-BR/recordings.js";
import { isPassing } from "../../ui/again.js";
import { clock, startOfDay } from "../../ui/dates.js";
import { useEffect, useRef, useState } from "../../ui/html.js";
import { written } from "../../ui/signs.js";
import { HOUR, SPANS_UP_TO, WIDEST } from "../../ui/timeline/scale.js";
import { recordedOf } from "../../ui/timeline/spans.js";

const QUIET_MS = 120;
/** What is being written changes. */
const AGAIN_MS = 10_000;
const TROUBLE_MS = 4_000;
const MARKS_UP_TO = 6 * HOUR;
const MOST_MARKS = 500;

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
  return useRange(ids, { from, to: startOfDay(at, 1) }, readEach)?.value ?? null;
}

/** Returns what was recorded in a view and around it, so that there is something where it is moved to; the last until the next was read. */
export function useView(ids, view) {
  return useAround(ids, view, readEach) ?? new Map();
}

/** Returns {marks, isCut}: alerts and plates of a view; none where it is too wide for them. */
export function useMarks(ids, view) {
  const isNear = view.to - view.from <= MARKS_UP_TO;
  const found = useAround(isNear ? ids : [], view, readMarks);
  return { marks: (isNear && found?.marks) || NO_MARKS, isCut: Boolean(isNear && found?.isCut), isNear };
}

const NO_MARKS = [];

async function readMarks(ids, { from, to }) {
  if (!ids.length) return { marks: [], isCut: false };
  const query = new URLSearchParams([...ids.map((id) => ["camera_id", id]), ["from", iso(from)], ["to", iso(to)], ["limit", String(MOST_MARKS)]]);
  const nothing = { items: [], next: null };
  const [alerts, reads] = await Promise.all([
    may("alerts:read") ? session.get(`/alerts?${query}`) : nothing,
    may("detections:read") ? session.get(`/detections?${query}&plates_only=true`) : nothing,
  ]);
  const marks = [...alerts.items.map(alertMark), ...reads.items.map(plateMark)].sort((a, b) => a.at - b.at);
  return { marks, isCut: alerts.next !== null || reads.next !== null };
}

const alertMark = ({ alert_id: id, camera_id: camera, severity, title, captured_at: captured, raised_at: raised }) => {
  const at = Date.parse(captured ?? raised);
  return { id, camera, kind: "alert", severity, at, text: RECORDINGS.alert(title, clock(at)) };
};

const plateMark = ({ detection_id: id, camera_id: camera, plate, captured_at: captured }) => {
  const at = Date.parse(captured);
  return { id, camera, kind: "plate", severity: "", at, text: RECORDINGS.plate(written(plate), clock(at)) };
};

/** Reads more than the view shows, once it rests. */
function useAround(ids, view, read) {
  const [range, setRange] = useState(() => padded(view));
  const span = view.to - view.from;
  const isIn = range.from <= view.from && view.to <= range.to && range.to - range.from <= 5 * span;
  useEffect(() => {
    if (isIn) return undefined;
    const timer = setTimeout(() => setRange(padded(view)), QUIET_MS);
    return () => clearTimeout(timer);
  }, [isIn, view.from, view.to]);
  return useRange(ids, range, read)?.value ?? null;
}

function padded({ from, to }) {
  const span = to - from;
  const most = span <= SPANS_UP_TO ? SPANS_UP_TO : WIDEST;
  const more = Math.max(0, Math.min(span / 2, (most - span) / 2));
  return { from: Math.floor(from - more), to: Math.ceil(to + more) };
}

/** Reads a range of cameras, again while it is still being written, and after trouble that passes. */
function useRange(ids, { from, to }, read) {
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
          const value = await read(ids, { from, to });
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
  return found && found.key === key ? found : null;
}
