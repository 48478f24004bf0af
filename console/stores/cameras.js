// The cameras that the user may see: all of them, by id, with their state as it is now.

import { listen, may, me, resyncs } from "../shell/state.js";
import { computed, effect, signal, untracked } from "../ui/html.js";
import { readAll } from "../ui/loading.js";
import { COMMON } from "../texts/pt-BR/common.js";

/** @typedef {import("../types/cameras").CameraOut} Camera */

/** Map of id to camera; null until they were read. */
export const cameras = signal(/** @type {Map<string, Camera> | null} */ (null));

/** Why the cameras could not be read, or null. */
export const camerasProblem = signal(null);

/** The cameras, by name. */
export const camerasByName = computed(() => [...(cameras.value?.values() ?? [])].sort((a, b) => a.name.localeCompare(b.name, "pt-BR", { numeric: true })));

let latest = 0;
let again = null;

/** Reads all cameras. Not needed after a change through this store. */
export async function loadCameras() {
  const asked = (latest += 1);
  try {
    const all = await readAll("/cameras", {}, 200);
    if (asked !== latest) return;
    cameras.value = new Map(all.map((camera) => [camera.id, camera]));
    camerasProblem.value = null;
  } catch (problem) {
    if (asked === latest) camerasProblem.value = problem;
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
  untracked(() => {
    if (isSignedIn) loadCameras();
    else {
      latest += 1;
      cameras.value = null;
    }
  });
});

/** States come live; a camera that is new or was changed is read, once for many changes at a time. */
listen("camera", (change) => {
  const known = cameras.value?.get(change.camera_id);
  if (change.state === "removed") {
    if (known) cameraRemoved(change.camera_id);
  } else if (known) {
    cameraChanged({ ...known, state: change.state, cause: change.cause ?? null, since: change.since ?? change.at ?? known.since });
  } else {
    clearTimeout(again);
    again = setTimeout(() => me.value && loadCameras(), 500);
  }
});
