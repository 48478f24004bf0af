// The schemas of the service ingest, generated from its OpenAPI document by `make docs`.

/** Over how long a time is summed. */
export type Bucket = "hour";

/** One object that was seen in one frame. */
export interface DetectionOut {
  detection_id: string;
  camera_id: string;
  captured_at: string;
  arrived_at: string;
  stored_at: string | null;
  object_class: ObjectClass;
  confidence: number;
  box: [number, number, number, number];
  plate: string | null;
  plate_confidence: number | null;
  plate_box: [number, number, number, number] | null;
  plate_alternates: ([string, number])[];
  evidence_key: string | null;
  evidence_sha256: string | null;
  evidence_url: string | null;
  thumbnail_url: string | null;
  provider: string;
  model: string;
  clock_skew_ms: number | null;
}

export interface HTTPValidationError {
  detail?: (ValidationError)[];
}

/** How many plates were read in the hour that begins then, UTC. */
export interface HourOut {
  hour: string;
  plates: number;
}

/** What a detection can be of. */
export type ObjectClass = "car" | "motorcycle" | "bus" | "truck" | "person" | "plate" | "vehicle";

export interface Page_DetectionOut_ {
  items: (DetectionOut)[];
  next?: string | null;
}

export interface Page_PlateReadOut_ {
  items: (PlateReadOut)[];
  next?: string | null;
}

/** How a plate is looked for. */
export type PlateMatch = "era" | "exact" | "prefix";

/** A plate that was read. `confidence` is the reading's; `alternates` is what else it may be, best first. */
export interface PlateReadOut {
  detection_id: string;
  camera_id: string;
  captured_at: string;
  object_class: ObjectClass;
  plate: string;
  confidence: number;
  alternates: ([string, number])[];
  box: [number, number, number, number];
  plate_box: [number, number, number, number] | null;
  evidence_key: string | null;
  evidence_url: string | null;
  thumbnail_url: string | null;
}

/** Every hour of the time, also those without a plate; the first and the last count only what lies within it. */
export interface PlatesOut {
  bucket: Bucket;
  items: (HourOut)[];
  total: number;
}

export interface ValidationError {
  loc: (string | number)[];
  msg: string;
  type: string;
  input?: unknown;
  ctx?: Record<string, unknown>;
}
