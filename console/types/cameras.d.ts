// The schemas of the service cameras, generated from its OpenAPI document by `make docs`.

/** As in the events, but strict. */
export interface AiIn {
  enabled?: boolean;
  fps?: number;
  classes?: (ObjectClass)[];
  min_confidence?: number;
  masks?: (([number, number])[])[];
}

/** What the analysis of one camera should do. Travels in every frame's headers. */
export interface AiSettings {
  enabled?: boolean;
  fps?: number;
  classes?: (ObjectClass)[];
  min_confidence?: number;
  masks?: (([number, number])[])[];
}

/** A new camera. */
export interface CameraIn {
  name: string;
  url: string;
  external_id?: string | null;
  groups?: (string)[];
  recording?: RecordingIn;
  ai?: AiIn;
  enabled?: boolean;
}

/** A camera. `url` is without credentials; `revision` is its ETag. */
export interface CameraOut {
  id: string;
  name: string;
  url: string;
  external_id: string | null;
  groups: (string)[];
  enabled: boolean;
  recording: RecordingSettings;
  ai: AiSettings;
  state: CameraState;
  since: string | null;
  cause: StreamCause | null;
  revision: number;
  created_at: string;
  updated_at: string;
}

/** What to change. What is left out stays. */
export interface CameraPatch {
  name?: string | null;
  url?: string | null;
  external_id?: string | null;
  groups?: (string)[] | null;
  recording?: RecordingIn | null;
  ai?: AiIn | null;
  enabled?: boolean | null;
}

/** What the product last saw of a camera. */
export type CameraState = "unknown" | "online" | "degraded" | "offline" | "disabled";

/** Since `at` the camera was in this state, for this cause, until the change after it. */
export interface ChangeOut {
  at: string;
  state: CameraState;
  cause: StreamCause | null;
}

/** How the cameras fare that the caller may see. */
export interface FleetOut {
  total: number;
  online: number;
  degraded: number;
  offline: number;
  unknown: number;
  disabled: number;
}

/** A group's name, which no other group of the city has in whatever case. */
export interface GroupIn {
  name: string;
}

/** A group and how many cameras are in it. */
export interface GroupOut {
  id: string;
  name: string;
  cameras: number;
  created_at: string;
}

export interface HTTPValidationError {
  detail?: (ValidationError)[];
}

/** A layout. `cameras` fill the tiles in order; null leaves one empty. With `patrol_s`, more cameras than tiles are shown in turns. */
export interface LayoutIn {
  name: string;
  tiles: 1 | 4 | 9 | 16 | 25;
  cameras?: (string | null)[];
  patrol_s?: number | null;
}

/** A layout. A camera of it may be gone, or one that the user may not see. */
export interface LayoutOut {
  id: string;
  name: string;
  tiles: number;
  cameras: (string | null)[];
  patrol_s: number | null;
  created_at: string;
  updated_at: string;
}

/** What a detection can be of. */
export type ObjectClass = "car" | "motorcycle" | "bus" | "truck" | "person" | "plate" | "vehicle";

export interface Page_CameraOut_ {
  items: (CameraOut)[];
  next?: string | null;
}

export interface Page_ChangeOut_ {
  items: (ChangeOut)[];
  next?: string | null;
}

export interface Page_GroupOut_ {
  items: (GroupOut)[];
  next?: string | null;
}

export interface Page_LayoutOut_ {
  items: (LayoutOut)[];
  next?: string | null;
}

/** As in the events, but strict. */
export interface RecordingIn {
  enabled?: boolean;
  retention_days?: number;
  offsite?: boolean;
  offsite_days?: number;
}

/** Whether and for how long a camera is recorded. */
export interface RecordingSettings {
  enabled?: boolean;
  retention_days?: number;
  offsite?: boolean;
  offsite_days?: number;
}

/** Why a stream is not well. */
export type StreamCause = "unreachable" | "no_progress" | "media_server_down" | "disabled" | "address_refused" | "address_invalid" | "not_recorded" | "disk_full" | "no_video" | "codec_unsupported" | "no_keyframes" | "clock_jumped" | "clock_unsteady" | "unstable" | "unknown";

export interface ValidationError {
  loc: (string | number)[];
  msg: string;
  type: string;
  input?: unknown;
  ctx?: Record<string, unknown>;
}
