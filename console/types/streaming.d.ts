// The schemas of the service streaming, generated from its OpenAPI document by `make docs`.

/** A span of off-site copies, to be asked for by `/recordings/archive/restore`; brought back, it is in `recorded` until then. */
export interface ArchivedOut {
  from: string;
  to: string;
  storage_class: string;
  restored_until: string | null;
}

/** What was recorded in a minute, an hour or a day of UTC. */
export interface BucketOut {
  from: string;
  recorded_s: number;
}

/** What the product last saw of a camera. */
export type CameraState = "unknown" | "online" | "degraded" | "offline" | "disabled";

/** A range of a camera's recordings as one MP4. */
export interface ClipIn {
  camera_id: string;
  from: string;
  to: string;
  name: string;
}

/** A clip. `to` is never in the future; the video begins with the last key frame at or before `from`. */
export interface ClipOut {
  clip_id: string;
  camera_id: string;
  from: string;
  to: string;
  name: string;
  state: ClipState;
  progress: number;
  size_bytes: number | null;
  sha256: string | null;
  reason: Failure | null;
  format_changed_at: string | null;
  recorded: (StretchOut)[] | null;
  gaps: (StretchOut)[] | null;
  audio: string | null;
  requested_by: string;
  created_at: string;
  finished_at: string | null;
  expires_at: string | null;
}

/** Where a clip is. The last five are final, but that `ready` becomes `expired` or `deleted`. */
export type ClipState = "queued" | "running" | "ready" | "failed" | "cancelled" | "expired" | "deleted";

/** The disk that the recordings are on, whoever's they are. */
export interface DiskOut {
  total_bytes: number;
  free_bytes: number;
}

/** A link that needs no token, for a browser's own download; it takes byte ranges. */
export interface DownloadOut {
  url: string;
  expires_at: string;
}

/** Why a clip could not be made, or is not made yet. */
export type Failure = "no_recording" | "format_changed" | "too_large" | "no_room" | "gave_up";

/** How long recordings will be kept, as counted half a minute ago at most (`as_of`; null: not yet). */
export interface ForecastOut {
  as_of: string | null;
  disk: RecordingsDiskOut | null;
  quota_bytes: number | null;
  held_bytes: number | null;
  full_of_held: boolean;
  days_left: number | null;
  cameras: (ShareOut)[];
}

/** Whose doing it is that nothing was recorded. */
export type GapCause = "camera" | "network" | "node" | "disk" | "operator" | "planned" | "retention" | "unknown";

/** A time that was not recorded. `detail` is the exact cause, such as `unreachable` or `stopped`; empty where none is known. */
export interface GapOut {
  from: string;
  to: string;
  cause: GapCause;
  detail: string;
}

export interface HTTPValidationError {
  detail?: (ValidationError)[];
}

/** What is to be kept, and why. Without `camera_id`: of all cameras, also such as were removed. */
export interface HoldIn {
  camera_id?: string | null;
  from: string;
  to: string;
  reason: string;
  until?: string | null;
}

/** A hold: nothing of its cameras and range is deleted while it is active (neither lifted, nor past `until`). */
export interface HoldOut {
  hold_id: string;
  camera_id: string | null;
  from: string;
  to: string;
  reason: string;
  placed_by: string;
  placed_at: string;
  until: string | null;
  lifted_by: string | null;
  lifted_at: string | null;
  lift_reason: string | null;
}

/** Why a hold ends. */
export interface LiftIn {
  reason: string;
}

export interface Page_ClipOut_ {
  items: (ClipOut)[];
  next?: string | null;
}

export interface Page_HoldOut_ {
  items: (HoldOut)[];
  next?: string | null;
}

export interface Page_RestoreOut_ {
  items: (RestoreOut)[];
  next?: string | null;
}

export interface Page_SegmentOut_ {
  items: (SegmentOut)[];
  next?: string | null;
}

export interface Page_StreamOut_ {
  items: (StreamOut)[];
  next?: string | null;
}

export interface Page_TombstoneOut_ {
  items: (TombstoneOut)[];
  next?: string | null;
}

/** A session that waits to be opened at `url`, once, before `expires_at`. The address redirects to an HLS playlist. */
export interface PlaybackOut {
  session_id: string;
  camera_id: string;
  from: string;
  to: string;
  url: string;
  expires_at: string;
}

/** Why a recording went. */
export type Reason = "days" | "removed" | "city_days" | "city_quota" | "quota" | "floor" | "offsite_days" | "city_offsite_days";

/** The disk that the recordings are on, whoever's they are. */
export interface RecordingsDiskOut {
  total_bytes: number;
  free_bytes: number;
  floor_bytes: number;
}

/** The length of a bucket of the density; days are those of UTC. */
export type Resolution = "minute" | "hour" | "day";

/** A range of a camera's off-site copies, 24 hours at most. */
export interface RestoreIn {
  camera_id: string;
  from: string;
  to: string;
  days?: number;
}

/** A range that comes back, or did. What is `ready` plays as any recording does, until `keep_until`. */
export interface RestoreOut {
  restore_id: string;
  camera_id: string;
  from: string;
  to: string;
  state: RestoreState;
  files: number;
  files_done: number;
  files_missing: number;
  progress: number;
  reason: string | null;
  requested_by: string;
  requested_at: string;
  keep_until: string;
  finished_at: string | null;
}

/** Where the bringing back of a range stands. */
export type RestoreState = "queued" | "waiting" | "running" | "ready" | "failed";

/** A recorded file: its true span (UTC), size in bytes, SHA-256 and its link in the camera's chain. */
export interface SegmentOut {
  segment_id: string;
  camera_id: string;
  started_at: string;
  ended_at: string;
  duration_s: number;
  size_bytes: number;
  sha256: string;
  chain: string;
}

/** What one camera takes, and how long it will be kept. */
export interface ShareOut {
  camera_id: string;
  name: string;
  bytes_used: number;
  bytes_per_day: number | null;
  retention_days: number;
  oldest: string | null;
  days_kept: number | null;
}

/** A time that was recorded. */
export interface SpanOut {
  from: string;
  to: string;
}

/** A camera that should be recorded and is not. */
export interface StoppedOut {
  camera_id: string;
  name: string;
  since: string | null;
  cause: string | null;
}

/** Why a stream is not well. */
export type StreamCause = "unreachable" | "no_progress" | "media_server_down" | "disabled" | "address_refused" | "address_invalid" | "not_recorded" | "disk_full" | "no_video" | "codec_unsupported" | "no_keyframes" | "clock_jumped" | "clock_unsteady" | "unstable" | "unknown";

/** What a camera's stream is doing. `hls_path` and `whep_path` take a live ticket in `?ticket=`. */
export interface StreamOut {
  camera_id: string;
  name: string;
  state: CameraState;
  cause: StreamCause | null;
  since: string | null;
  revision: number;
  codecs: (string)[];
  playable: boolean;
  unplayable_reason: Unplayable | null;
  webrtc: boolean;
  hls: boolean;
  hls_path: string;
  whep_path: string;
}

/** From an instant to another. */
export interface StretchOut {
  from: string;
  to: string;
}

/** What was recorded of a camera, and why the rest was not: `recorded` and `gaps` are the whole range, and nothing twice. */
export interface TimelineOut {
  camera_id: string;
  from: string;
  to: string;
  written_to: string | null;
  recorded: (SpanOut)[];
  gaps: (GapOut)[];
  archived: (ArchivedOut)[];
  recorded_s: number;
  explained_s: number;
  density: (BucketOut)[] | null;
}

/** Adjoining recordings of one day, or off-site copies of them, that were deleted by one rule. */
export interface TombstoneOut {
  tombstone_id: string;
  camera_id: string;
  from: string;
  to: string;
  segments: number;
  size_bytes: number;
  sha256: string;
  reason: Reason;
  policy_value: number;
  deleted_at: string;
}

/** Why no browser can play a stream. */
export type Unplayable = "codec_unsupported" | "no_video";

/** What the recordings of your cameras take, as counted half a minute ago at most (`as_of`; null: not yet). */
export interface UsageOut {
  as_of: string | null;
  bytes_used: number;
  bytes_per_day: number | null;
  oldest: string | null;
  newest: string | null;
  disk: DiskOut | null;
  days_left: number | null;
  cameras_recording: number;
  cameras_not_recording_total: number;
  cameras_not_recording: (StoppedOut)[];
}

export interface ValidationError {
  loc: (string | number)[];
  msg: string;
  type: string;
  input?: unknown;
  ctx?: Record<string, unknown>;
}
