// Which cameras are in a group is kept by the cameras: each change of a group is a change of every camera that comes or goes.

import { session } from "../../shell/state.js";
import { cameraChanged, cameras } from "../../stores/cameras.js";

const AT_ONCE = 4;

/** Puts a camera into the group or takes it out. Where it was changed meanwhile, once more on what it is now. */
async function change(camera, groupId, isIn) {
  const path = `/cameras/${camera.id}`;
  const groups = (now) => (isIn ? [...new Set([...now, groupId])] : now.filter((id) => id !== groupId));
  try {
    cameraChanged((await session.change(path, { groups: groups(camera.groups) }, `"${camera.revision}"`)).value);
  } catch (problem) {
    if (problem.status !== 412) throw problem;
    const { value, etag } = await session.read(path);
    cameraChanged((await session.change(path, { groups: groups(value.groups) }, etag)).value);
  }
}

/**
 * Makes the group hold these cameras and no others. `onProgress(done, total)` is called after each. Returns {changed, failed}: how many
 * were changed, and what went wrong with the others; one camera that fails does not stop the rest.
 */
export async function setMembers(groupId, ids, onProgress) {
  const wanted = new Set(ids);
  const waiting = [...cameras.value.values()].filter((camera) => camera.groups.includes(groupId) !== wanted.has(camera.id));
  const total = waiting.length;
  const failed = [];
  let done = 0;
  const work = async () => {
    for (let camera = waiting.shift(); camera; camera = waiting.shift()) {
      await change(camera, groupId, wanted.has(camera.id)).catch((problem) => failed.push(problem));
      onProgress((done += 1), total);
    }
  };
  onProgress(0, total);
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  return { changed: total - failed.length, failed };
}
