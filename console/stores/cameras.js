// The cameras that the user may see: all of them, by id, with their state as it is now.

import { listen, may, me, resyncs } from "../shell/state.js";
import { untilRead } from "../ui/again.js";
import { computed, effect, signal, untracked } from "../ui/html.js";
import { readAll } from "../ui/loading.js";
import { inOrder } from "../ui/order.js";
import { COMMON } from "../texts/pt-BR/common.js";

/** @typedef {import("../types/cameras").CameraOut} Camera */

/** Map of id to camera; null until they were read. */
export const cameras = signal(/** @type {Map<string, Camera> | null} */ (null));

/** Why the cameras could not be read, or null. */
export const camerasProblem = signal(null);

/** The cameras, by name. Their order is found anew only where names have changed, as states come many a second. */
export const camerasByName = computed(() => {
  const known = cameras.value ?? new Map();
  const isSame = ordered.length === known.size && ordered.every(({ id, name }) => known.get(id)?.name === name);
  ordered = isSame ? ordered.map(({ id }) => known.get(id)) : [...known.values()].sort((a, b) => inOrder(a.name, b.name));
  return ordered;
});

let ordered = /** @type {Camera[]} */ ([]);
let latest = 0;
/** What came live while the cameras were being read, which is newer than the answer. */
let during = new Map();
let again = null;

/** Reads all cameras. Not needed after a change through this store. */
export const loadCameras = () => readCameras().catch(() => {}); // `camerasProblem` tells

async function readCameras() {
  const asked = (latest += 1);
  const heard = (during = new Map());
  try {
    const all = await readAll("/cameras", {}, 200);
    if (asked !== latest) return;
    cameras.value = new Map(all.map((camera) => [camera.id, camera]));
    camerasProblem.value = null;
    heard.forEach(take);
  } catch (problem) {
    if (asked !== latest) return;
    camerasProblem.value = problem;
    throw problem;
  }
}

/** Takes what the API answered on a change. */
export function cameraChanged(camera) {
  cameras.value = new Map(cameras.value).set(camera.id, camera);
}

export function cameraRemoved(id) {
  const left = new Map(cameras.value);
  left.delete(id);
  cameras.value = left;
}

/** The name, also of a camera that was removed; "" while the cameras are still being read. */
export const nameOf = (id) => (cameras.value ? cameras.value.get(id)?.name ?? COMMON.removedCamera : "");

effect(() => {
  const isSignedIn = me.value !== null && may("cameras:read");
  void resyncs.value;
  return untracked(() => {
    if (isSignedIn) return untilRead(readCameras);
    latest += 1;
    cameras.value = camerasProblem.value = null;
    return undefined;
  });
});

/** Takes a state that came live. Returns whether the camera is known. */
function take(change) {
  const known = cameras.value?.get(change.camera_id);
  if (!known) return false;
  const { name = known.name, state, cause = null, since = null } = change;
  if (state === "removed") cameraRemoved(known.id);
  else cameraChanged({ ...known, name, state, cause, since, enabled: state !== "disabled" });
  return true;
}

/** A camera that is new is read, once for many at a time. */
listen("camera", (change) => {
  during.set(change.camera_id, change);
  if (take(change) || change.state === "removed" || cameras.value === null) return;
  clearTimeout(again);
  again = setTimeout(() => me.value && loadCameras(), 500);
});
