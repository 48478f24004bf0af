// Boxes of detections over a video. A box is drawn at the instant of its picture, by the picture's own clock, otherwise not at all: a
// plate drawn on the next car is worse than none.

/** For how long after its instant a box is drawn: what it marks moves on. */
export const BOX_MS = 1_000;
/** A detection further ahead of the picture than any delay of HLS comes from a clock that is wrong. */
const AHEAD_MS = 60_000;
const MOST_WAITING = 300;
const COLOURS = { plate: "#f2b544", person: "#ff8bd1" };
const OTHER_COLOUR = "#3fb6a8";

/**
 * @typedef {{object_class: string, box: number[], plate?: string | null, plate_box?: number[] | null}} Seen
 * @typedef {{at: number, objects: Seen[]}} Sighting  what was seen in the picture of one instant, in milliseconds since 1970
 */

/**
 * Returns what to draw over the picture of an instant: the newest sighting that is not of a later picture, where it is not too old; and
 * those that wait for their picture.
 * @param {Sighting[]} sightings @param {number} pictureTime
 * @returns {{now: Sighting | null, waiting: Sighting[]}}
 */
export function due(sightings, pictureTime) {
  const waiting = sightings.filter(({ at }) => at > pictureTime && at < pictureTime + AHEAD_MS);
  const shown = sightings.filter(({ at }) => at <= pictureTime && pictureTime - at < BOX_MS);
  const now = shown.reduce((newest, each) => (newest && newest.at >= each.at ? newest : each), /** @type {Sighting | null} */ (null));
  return { now, waiting };
}

/** The canvas of one view. It is looked after at each picture while there is a box to draw, and not otherwise. */
export class Boxes {
  #video;
  #canvas;
  #clock;
  #sightings = [];
  #drawn = null;
  #handle = 0;

  /**
   * @param {HTMLVideoElement} video @param {HTMLCanvasElement} canvas
   * @param {() => ({prepare(): Promise<void>, at(metadata: VideoFrameCallbackMetadata): number | null} | null)} clock  null: nothing plays
   */
  constructor(video, canvas, clock) {
    this.#video = video;
    this.#canvas = canvas;
    this.#clock = clock;
  }

  /** @param {{captured_at: string, objects: Seen[]}} frame  a live message */
  async add({ captured_at: capturedAt, objects }) {
    const clock = this.#clock();
    if (!clock) return;
    await clock.prepare().catch(() => {}); // a connection that was closed has no clock
    if (clock !== this.#clock()) return;
    this.#sightings.push({ at: Date.parse(capturedAt), objects });
    if (this.#sightings.length > MOST_WAITING) this.#sightings.shift();
    this.#watch();
  }

  /** Forgets all boxes, and takes them off the screen. */
  clear() {
    this.#video.cancelVideoFrameCallback(this.#handle);
    this.#handle = 0;
    this.#sightings = [];
    this.#draw(null);
  }

  #watch() {
    this.#handle ||= this.#video.requestVideoFrameCallback((_, metadata) => {
      this.#handle = 0;
      const pictureTime = this.#clock()?.at(metadata) ?? null;
      if (pictureTime === null) return this.clear();
      const { now, waiting } = due(this.#sightings, pictureTime);
      this.#sightings = now ? [now, ...waiting] : waiting;
      this.#draw(now);
      if (this.#sightings.length) this.#watch();
    });
  }

  #draw(sighting) {
    if (!sighting && !this.#drawn) return;
    const canvas = this.#canvas;
    const ratio = devicePixelRatio;
    const width = canvas.clientWidth;
    const height = canvas.clientHeight;
    const isSized = canvas.width === Math.round(width * ratio) && canvas.height === Math.round(height * ratio);
    if (sighting === this.#drawn && isSized) return;
    this.#drawn = sighting;
    canvas.dataset.boxes = String(sighting?.objects.length ?? 0);
    if (!isSized) {
      canvas.width = Math.round(width * ratio);
      canvas.height = Math.round(height * ratio);
    }
    const pen = canvas.getContext("2d");
    if (!pen) return;
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    pen.clearRect(0, 0, width, height);
    const picture = contain(this.#video, width, height);
    if (picture) for (const object of sighting?.objects ?? []) paint(pen, object, picture);
  }
}

/** Returns the rectangle of the picture inside its element (`object-fit: contain`). */
function contain(video, width, height) {
  if (!video.videoWidth) return null;
  const scale = Math.min(width / video.videoWidth, height / video.videoHeight);
  const size = [video.videoWidth * scale, video.videoHeight * scale];
  return { x: (width - size[0]) / 2, y: (height - size[1]) / 2, width: size[0], height: size[1] };
}

function paint(pen, object, picture) {
  frame(pen, object.box, picture, COLOURS[object.object_class] ?? OTHER_COLOUR, object.plate ?? "");
  if (object.plate_box) frame(pen, object.plate_box, picture, COLOURS.plate, "");
}

function frame(pen, [x1, y1, x2, y2], picture, colour, text) {
  const x = picture.x + x1 * picture.width;
  const y = picture.y + y1 * picture.height;
  pen.lineWidth = 2;
  pen.strokeStyle = colour;
  pen.strokeRect(x, y, (x2 - x1) * picture.width, (y2 - y1) * picture.height);
  if (!text) return;
  pen.font = "600 14px system-ui, sans-serif";
  const wide = pen.measureText(text).width + 10;
  pen.fillStyle = colour;
  pen.fillRect(x, Math.max(0, y - 21), wide, 20);
  pen.fillStyle = "#0b121b";
  pen.fillText(text, x + 5, Math.max(15, y - 6));
}
