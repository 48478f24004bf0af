// The view of one camera in a tile: its player while there is something to see, and the boxes of detections over it.

import { CAUSES } from "../texts/pt-BR/common.js";
import { PLAYER } from "../texts/pt-BR/player.js";
import { Boxes } from "./boxes.js";
import { Player } from "./player.js";

/** States of a camera in which a picture can be asked for. */
const WATCHABLE = ["online", "degraded"];
/** A page that is hidden for longer gives its streams back. */
const HIDDEN_MS = 10_000;

/**
 * Events: `changed`, after one of the fields that can be read has.
 * @typedef {"playing" | "connecting" | "offline" | "disabled" | "unplayable" | "forbidden" | "unknown"} Status
 * @typedef {{state: string, cause?: string | null, since?: string | null, revision?: number, enabled?: boolean}} Camera
 */
export class CameraView extends EventTarget {
  #player;
  #boxes;
  #ends = new AbortController();
  /** @type {Camera} */
  #camera = { state: "unknown" };
  #isVisible = false;
  #hidden = 0;
  #hasEnded = false;
  #said = "";

  /**
   * @param {{video: HTMLVideoElement, canvas: HTMLCanvasElement, cameraId: string,
   *   session: EventTarget & {get(path: string): Promise<any>, ticket(purpose: string, cameraId: string): Promise<string>}}} parts
   */
  constructor({ video, canvas, session, cameraId }) {
    super();
    this.#player = new Player(video, session, cameraId);
    this.#boxes = new Boxes(video, canvas, () => this.#player.clock);
    this.#player.addEventListener("changed", () => this.#changed());
    const { signal } = this.#ends;
    session.addEventListener("ended", () => this.#end(), { signal });
    document.addEventListener("visibilitychange", () => this.#page(), { signal });
  }

  /** @returns {Status} */
  get status() {
    const { state, enabled } = this.#camera;
    if (enabled === false || state === "disabled") return "disabled";
    if (!WATCHABLE.includes(state)) return state === "offline" ? "offline" : "unknown";
    return /** @type {Status} */ (this.#player.status);
  }

  /** The protocol that plays ("WebRTC", "HLS"), or null. */
  get protocol() {
    return this.#player.protocol;
  }

  /** Why there is no picture, or why this protocol plays, in the user's words; "" where there is nothing to say. */
  get reason() {
    const { state, cause } = this.#camera;
    if (state === "offline") return CAUSES[cause ?? ""] ?? "";
    switch (this.status) {
      case "disabled":
        return PLAYER.disabled;
      case "unknown":
        return PLAYER.unknown;
      default:
        return this.#player.reason;
    }
  }

  /** Since when the camera has been offline, as the API writes it, or null. */
  get since() {
    return this.#camera.state === "offline" ? this.#camera.since ?? null : null;
  }

  get firstFrameMs() {
    return this.#player.firstFrameMs;
  }

  /**
   * Takes the camera's state over, at each change. A camera without a signal is not asked for pictures until it has one.
   * @param {Camera} camera
   */
  camera(camera) {
    const isNews = ["state", "since", "revision", "enabled"].some((name) => camera[name] !== this.#camera[name]);
    this.#camera = camera;
    if (!isNews) return this.#changed();
    this.#decide({ isNews });
  }

  /** Draws what was detected, when the picture of that moment is shown. @param {{captured_at: string, objects: any[]}} frame */
  detected(frame) {
    this.#boxes.add(frame);
  }

  /** Says whether the tile can be seen: there is a player only while it can. @param {boolean} isVisible */
  visible(isVisible) {
    this.#isVisible = isVisible;
    this.#decide();
  }

  /** Stops at once, and for good. */
  close() {
    clearTimeout(this.#hidden);
    this.#ends.abort();
    this.#end();
  }

  /** Within the tick in which a session ends there is no picture any more. */
  #end() {
    this.#hasEnded = true;
    this.#decide();
  }

  #page() {
    clearTimeout(this.#hidden);
    if (document.visibilityState === "visible") this.#decide();
    else this.#hidden = setTimeout(() => this.#decide(), HIDDEN_MS);
  }

  /** Starts or stops the player. One that gave up (no codec for it) starts again only where there is news of the camera. */
  #decide({ isNews = false } = {}) {
    const { state, enabled } = this.#camera;
    const isWanted = this.#isVisible && !this.#hasEnded && document.visibilityState === "visible";
    if (!isWanted || enabled === false || !WATCHABLE.includes(state)) this.#player.stop();
    else if (this.#player.status !== "forbidden" && (isNews || this.#player.status !== "unplayable")) this.#player.start();
    this.#changed();
  }

  #changed() {
    if (this.status !== "playing") this.#boxes.clear();
    const said = JSON.stringify([this.status, this.protocol, this.reason, this.since, this.firstFrameMs]);
    if (said === this.#said) return;
    this.#said = said;
    this.dispatchEvent(new Event("changed"));
  }
}
