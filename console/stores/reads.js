// The latest plates that were read, newest first: one line for a passage, as a car is read in many frames.

import { listen, may, me, resyncs, session } from "../shell/state.js";
import { untilRead } from "../ui/again.js";
import { effect, signal, untracked } from "../ui/html.js";

const MOST = 100;
const SAME_PASSAGE_MS = 30_000;

/** Reads {detection_id, camera_id, captured_at, plate, plate_confidence, …}; null until they were read. */
export const reads = signal(null);

/** Returns the reads with one more: a plate read again within the same passage updates its line, later it is another passage. */
function withRead(list, read) {
  const at = list.findIndex((known) => known.plate === read.plate && known.camera_id === read.camera_id
    && Math.abs(Date.parse(known.captured_at) - Date.parse(read.captured_at)) < SAME_PASSAGE_MS);
  if (at < 0) return [read, ...list].slice(0, MOST);
  return list.with(at, { ...read, key: list[at].key });
}

async function load() {
  const page = await session.get(`/detections?plates_only=true&limit=${MOST}`);
  if (me.value) reads.value = page.items.reverse().reduce((list, read) => withRead(list, keyed(read)), []);
}

/** The key of a line stays that of its first read, so that a line that is updated keeps its place and focus. */
const keyed = (read) => ({ ...read, key: read.detection_id });

effect(() => {
  const isHeard = me.value !== null && may("detections:read");
  void resyncs.value;
  return untracked(() => {
    if (isHeard) return untilRead(load);
    reads.value = null;
    return undefined;
  });
});

listen("detection", (frame) => {
  const fresh = frame.objects.filter((object) => object.plate);
  if (!fresh.length || reads.value === null) return;
  reads.value = fresh.reduce((list, read) => withRead(list, keyed({ ...read, camera_id: frame.camera_id, captured_at: frame.captured_at })), reads.value);
});
