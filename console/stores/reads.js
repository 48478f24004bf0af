// The latest plates that were read, newest first: one line for a passage, as a car is read in many frames.

import { listen, may, me, resyncs, session } from "../shell/state.js";
import { untilRead } from "../ui/again.js";
import { effect, signal, untracked } from "../ui/html.js";

const MOST = 100;
const SAME_PASSAGE_MS = 30_000;

/** Reads {key, detection_id, camera_id, captured_at, plate, plate_confidence, …}; null until they were read. */
export const reads = signal(null);

/** What came live while the list was being read, which may be newer than the answer; null while it is not. */
let during = null;

/**
 * Returns the reads with one more, in the order of their times. A plate read again within the same passage updates its line, which keeps
 * the key and the time of its first read, and so its focus and place; later it is another passage.
 */
function withRead(list, read) {
  const at = list.findIndex((known) => known.plate === read.plate && known.camera_id === read.camera_id
    && read.since > known.since - SAME_PASSAGE_MS && read.since < known.until + SAME_PASSAGE_MS);
  if (at >= 0) {
    const { key, captured_at, since, until } = list[at];
    return list.with(at, { ...read, key, captured_at, since, until: Math.max(until, read.until) });
  }
  const older = list.findIndex((known) => known.since <= read.since);
  return list.toSpliced(older < 0 ? list.length : older, 0, read).slice(0, MOST);
}

async function load() {
  const heard = (during = []);
  const page = await session.get(`/detections?plates_only=true&limit=${MOST}`);
  if (heard !== during) return;
  during = null;
  reads.value = [...page.items.reverse().map(lineOf), ...heard].reduce(withRead, []);
}

/** `since` and `until`: the times of a passage's first and last read. */
function lineOf(read) {
  const time = Date.parse(read.captured_at);
  return { ...read, key: read.detection_id, since: time, until: time };
}

effect(() => {
  const isHeard = me.value !== null && may("detections:read");
  void resyncs.value;
  return untracked(() => {
    if (isHeard) return untilRead(load);
    reads.value = during = null;
    return undefined;
  });
});

listen("detection", (frame) => {
  const { camera_id, captured_at } = frame;
  const fresh = frame.objects.filter((object) => object.plate).map((read) => lineOf({ ...read, camera_id, captured_at }));
  if (!fresh.length) return;
  during?.push(...fresh);
  if (reads.value) reads.value = fresh.reduce(withRead, reads.value);
});
