// Which cameras are in a group is kept by the cameras: each change of a group is a change of every camera that comes or goes.

import { session } from "../../shell/state.js";
import { cameraChanged, cameras } from "../../stores/cameras.js";

/** Puts a camera into the group or takes it out. Where it was changed meanwhile, once more on what it is now. */
async function change(camera, groupId, isIn, ask) {
  const path = `/cameras/${camera.id}`;
  const groups = (now) => (isIn ? [...new Set([...now, groupId])] : now.filter((id) => id !== groupId));
  try {
    cameraChanged((await ask(() => session.change(path, { groups: groups(camera.groups) }, `"${camera.revision}"`))).value);
  } catch (problem) {
    if (problem.status !== 412) throw problem;
    const { value, etag } = await ask(() => session.read(path));
    cameraChanged((await ask(() => session.change(path, { groups: groups(value.groups) }, etag))).value);
  }
}

/**
 * Makes the group hold these cameras and no others; `send` of `useInTurn` sends the changes. Returns {changed, failed}: how many were
 * changed, and what went wrong with others; one camera that fails does not stop the rest.
 */
export async function setMembers(groupId, ids, send) {
  const wanted = new Set(ids);
  const waiting = [...cameras.value.values()].filter((camera) => camera.groups.includes(groupId) !== wanted.has(camera.id));
  const failed = [];
  let changed = 0;
  const make = (camera, ask) => change(camera, groupId, wanted.has(camera.id), ask);
  await send(waiting, make, (_camera, problem) => {
    if (problem) failed.push(problem);
    else changed += 1;
  });
  return { changed, failed };
}
