// The schemas of the service ai-detect, generated from its OpenAPI document by `make docs`.

/** An axis-aligned box, xyxy, normalised; never empty. */
export interface Box {
  x1: number;
  y1: number;
  x2: number;
  y2: number;
}

/** What was found. Boxes are normalised 0..1 from the top left. */
export interface DetectOut {
  width_px: number;
  height_px: number;
  provider: string;
  model: string;
  objects: (DetectedObject)[];
}

/** One object in one frame. */
export interface DetectedObject {
  object_class: ObjectClass;
  confidence: number;
  box: Box;
  plate?: PlateCandidate | null;
  plate_alternates?: (PlateCandidate)[];
  plate_box?: Box | null;
  character_confidences?: (number)[];
  source?: string;
}

/** What a detection can be of. */
export type ObjectClass = "car" | "motorcycle" | "bus" | "truck" | "person" | "plate" | "vehicle";

/** One way of reading a plate. `text` is normalised (A-Z, 0-9), 7 characters where the grammar holds. */
export interface PlateCandidate {
  text: string;
  confidence: number;
}

/** How a provider is doing. */
export interface ProviderOut {
  name: string;
  model: string;
  state: ProviderState;
  pictures: number;
  error: string | null;
}

/** Whether a provider can be asked. */
export type ProviderState = "idle" | "starting" | "ready" | "failing";

/** Every provider of this process. */
export interface ProvidersOut {
  items: (ProviderOut)[];
}
