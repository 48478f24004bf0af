// Which cameras need a person's attention: without a signal, with faults, or not recorded though they should be.

import { may, session } from "../shell/state.js";

/** Returns how the recordings stand, or null for who may not know. */
export const readUsage = async () => (may("recordings:read") ? session.get("/recordings/usage") : null);

/** Returns the ids of the cameras that should be recorded and are not. `usage`: as `readUsage` returns it; null while it is read. */
export const notRecordedOf = (usage) => new Set((usage?.cameras_not_recording ?? []).map(({ camera_id: id }) => id));

export const needsAttention = (camera, notRecorded) => camera.enabled && (camera.state === "offline" || camera.state === "degraded" || notRecorded.has(camera.id));
