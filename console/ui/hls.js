// A live view by HLS, and the clock of its pictures. The library is loaded when HLS really plays.

import { Failure } from "./failure.js";
import { orAborted } from "./waiting.js";

const OPEN_MS = 15_000; // the server may have to wait for a key frame before there is a first segment
const CONFIG = {
  liveSyncDurationCount: 2,
  maxBufferLength: 10,
  backBufferLength: 10,
  manifestLoadingMaxRetry: 0, // a ticket opens one view only: a new try takes a new one
};

/** Loads the library. @returns {Promise<any>} */
export const loadHls = async () => (await import("../vendor/hls-1.7.0.light.min.mjs")).default;

/** The link of one view; `WhepLink` has the same methods. */
export class HlsLink {
  name = "HLS";
  #video;
  #library = null;
  #hasFailed = false;
  #isClosed = false;
  #fragments = 0;
  #seenFragments = 0;
  #clock = { prepare: async () => {}, at: (metadata) => this.#at(metadata) };

  /** @param {HTMLVideoElement} video */
  constructor(video) {
    this.#video = video;
  }

  /** @param {string} cameraId @param {() => Promise<string>} ticket @param {AbortSignal} stop */
  async open(cameraId, ticket, stop) {
    const signal = AbortSignal.any([stop, AbortSignal.timeout(OPEN_MS)]);
    const Hls = await orAborted(loadHls(), signal);
    const url = `/hls/cam_${cameraId}/index.m3u8?ticket=${encodeURIComponent(await orAborted(ticket(), signal))}`;
    if (!Hls.isSupported()) {
      this.#video.src = url; // Safari plays it by itself
      return;
    }
    const library = (this.#library = new Hls(CONFIG));
    const parsed = new Promise((resolve, reject) => {
      library.on(Hls.Events.MANIFEST_PARSED, resolve);
      library.on(Hls.Events.FRAG_LOADED, () => (this.#fragments += 1));
      library.on(Hls.Events.ERROR, (_, { fatal, response }) => {
        if (!fatal) return;
        this.#hasFailed = true;
        reject(response?.code ? Failure.answered(response.code) : new Failure("no_connection"));
      });
    });
    library.loadSource(url);
    library.attachMedia(this.#video);
    await orAborted(parsed, signal);
  }

  get isAlive() {
    return !this.#isClosed && !this.#hasFailed && !this.#video.error;
  }

  /** Returns whether segments have come since the last call. */
  async isReceiving() {
    const grew = this.#fragments > this.#seenFragments;
    this.#seenFragments = this.#fragments;
    return grew;
  }

  /** The clock of the pictures: the program date-time of the playlist, which is the server's time at the moment that is shown. */
  get clock() {
    return this.#clock;
  }

  /** @param {VideoFrameCallbackMetadata} metadata @returns {number | null} milliseconds since 1970 */
  #at({ mediaTime }) {
    const video = this.#video;
    if (this.#library) {
      const date = this.#library.playingDate;
      return date ? date.getTime() + (mediaTime - video.currentTime) * 1_000 : null;
    }
    const start = /** @type {any} */ (video).getStartDate?.().getTime();
    return Number.isFinite(start) ? start + mediaTime * 1_000 : null;
  }

  close() {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#library?.destroy();
    this.#video.removeAttribute("src");
    this.#video.load();
  }
}
