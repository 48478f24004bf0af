// The schemas of the service ingest, generated from its OpenAPI document by `make docs`.

/** Over how long a time is summed. */
export type Bucket = "hour";

/** So many different things within so many seconds. */
export interface Count {
  at_least: number;
  within_s: number;
}

/** How many alerts a day of the city's own calendar would have had. */
export interface DayOut {
  date: string;
  count: number;
}

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

/** Which way a line is crossed. Look from a to b: `a_to_b` is from your left hand to your right hand, as the screen shows it. */
export type Direction = "any" | "a_to_b" | "b_to_a";

export interface HTTPValidationError {
  detail?: (ValidationError)[];
}

/** What a holiday of the city changes. */
export type Holidays = "as_usual" | "only" | "never";

/** How many plates were read in the hour that begins then, UTC. */
export interface HourOut {
  hour: string;
  plates: number;
}

/** A line in the picture that is crossed by the way of a foot point from one picture to the next. */
export interface Line {
  a: [number, number];
  b: [number, number];
  direction?: Direction;
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

/** What a rule looks for: all that is named must hold; of a list, any. Empty lists name no limit. */
export interface RuleCondition {
  classes?: (ObjectClass)[];
  camera_ids?: (string)[];
  group_ids?: (string)[];
  min_confidence?: number;
  zone?: Zone | null;
  line?: Line | null;
  dwell_s?: number | null;
  count?: Count | null;
  colours?: (string)[];
  plate?: string | null;
  schedule?: Schedule | null;
}

/** When a rule holds, in the city's time zone. Days are those on which the window begins, 0 is Monday; a window that ends at or before */
export interface Schedule {
  days?: (number)[];
  from?: string;
  to?: string;
  holidays?: Holidays;
}

/** A rule as it may be saved, and over which time it is tried: 31 days at most. */
export interface TrialIn {
  condition: RuleCondition;
  cooldown_s?: number;
  from: string;
  to: string;
  holidays?: (string)[];
}

/** All alerts are counted, the newest 200 listed. Where `complete` is false the time ran out, and only what was captured before */
export interface TrialOut {
  total: number;
  alerts: (WouldBeOut)[];
  by_day: (DayOut)[];
  scanned: number;
  scanned_until: string;
  complete: boolean;
}

export interface ValidationError {
  loc: (string | number)[];
  msg: string;
  type: string;
  input?: unknown;
  ctx?: Record<string, unknown>;
}

/** An alert that would have been raised, by the detection that it begins with. */
export interface WouldBeOut {
  at: string;
  last_seen_at: string;
  sightings: number;
  camera_id: string;
  detection_id: string;
  object_class: ObjectClass | null;
  confidence: number | null;
  plate: string | null;
  evidence: boolean;
  thumbnail_url: string | null;
}

/** A polygon in the picture, its corners in order; the last is joined to the first. */
export interface Zone {
  points: ([number, number])[];
}
