// The recording of one camera in one video element: a session of the server, and playlists of about an hour around what is shown.

import { isPassing } from "../again.js";
import { loadHls } from "../hls.js";
import { Positions } from "./positions.js";

const BACK_MS = 10 * 60_000;
const AHEAD_MS = 50 * 60_000;
const AGAIN_MS = [2_000, 4_000, 8_000, 15_000];
/** A session lives for twelve hours: one that ends by its age is opened again without a question. */
const OLD_MS = 11 * 3_600_000;
/** A ticket that is about to expire is not used. */
const SOON_MS = 5_000;
/** What is left at the end of a playlist that grows, where there is nothing to show until it has grown. */
const LEFT_MS = 1_500;
const REFUSED = new Set([401, 403, 410]);
const SLOWEST = 0.0625;
const FASTEST = 16;
const CONFIG = {
  autoStartLoad: false,
  enableWorker: false, // nothing is transmuxed
  maxBufferLength: 30,
  maxMaxBufferLength: 120,
  backBufferLength: 30,
  maxBufferHole: 0.3,
  manifestLoadingMaxRetry: 0, // a ticket opens one session only
};

/**
 * Events: `changed`. `status`: "idle", "loading", "ready", "empty" (nothing was recorded from here on, in this hour), "over" (the end of
 * the hour was reached), "failed". `problem`: why it failed, {status, code}; passing trouble is tried again by itself.
 */
export class Recorded extends EventTarget {
  #video;
  #open;
  #library = null;
  #positions = null;
  /** {from, to, url, until, began, base}: the ticket in `url` is good until then, and once; `base`: the folder of the opened session, null before. */
  #session = null;
  /** Settles once the session is opened, or is not. @type {Promise<void> | null} */
  #opening = null;
  #range = null;
  #loading = 0;
  #failures = 0;
  #timer = null;
  #asked = 0;
  /** @type {number | null} */
  #wanted = null;
  #ends = new AbortController();
  status = "idle";
  /** @type {{status?: number, code: string} | null} */
  problem = null;
  /** @type {number | null} */
  firstFrameMs = null;
  /** How long one picture stands, as far as that was seen; null at first. @type {number | null} */
  frameMs = null;

  /**
   * @param {HTMLVideoElement} video
   * @param {(at: number) => Promise<{from: string, to: string, url: string, expires_at: string}>} open opens a session that holds an instant
   */
  constructor(video, open) {
    super();
    this.#video = video;
    this.#open = open;
    const { signal } = this.#ends;
    video.addEventListener("ended", () => this.#say("over"), { signal });
    this.#measure(null);
    for (const type of ["seeked", "playing", "waiting", "canplay"]) video.addEventListener(type, () => this.#tell(), { signal });
  }

  /** Follows the pictures, for how long each of them stands. */
  #measure(before) {
    if (this.#ends.signal.aborted) return;
    this.#video.requestVideoFrameCallback((_, { mediaTime }) => {
      const ms = before === null ? 0 : (mediaTime - before) * 1_000;
      if (ms > 5 && ms < (this.frameMs ?? 1_000)) this.frameMs = ms;
      this.#measure(mediaTime);
    });
  }

  /** The instant that is shown; null while it is looked for. */
  get instant() {
    const { seeking, readyState, currentTime } = this.#video;
    if (!["ready", "over"].includes(this.status) || seeking || readyState < 2) return null;
    return this.#positions.instantAt(currentTime);
  }

  /** Whether all that was written so far has been shown. */
  get isAtEdge() {
    const shown = this.instant;
    return shown !== null && this.#video.readyState < 3 && this.end - shown < LEFT_MS;
  }

  /** The instant at which the loaded hour ends. @returns {number | null} */
  get end() {
    return this.#positions?.last ?? null;
  }

  /** Whether there is a picture, which waits for no data. */
  get isFlowing() {
    return this.instant !== null && this.#video.readyState >= 3;
  }

  /** Where small pictures of the open session are, or null. */
  get base() {
    return this.#session?.base ?? null;
  }

  /** Whether the loaded hour knows what was recorded at an instant. */
  holds(instant) {
    return this.#range !== null && this.#range.from <= instant && instant < this.#range.to && Boolean(this.#positions?.holds(instant));
  }

  /** Shows an instant, or what was recorded next. */
  show(instant) {
    this.#wanted = instant;
    this.#asked = performance.now();
    this.firstFrameMs = null;
    this.#video.requestVideoFrameCallback((now) => {
      this.firstFrameMs ??= Math.round(now - this.#asked);
      this.#tell();
    });
    if (!["failed", "idle", "loading"].includes(this.status) && this.holds(instant)) {
      this.status = "ready";
      this.#video.currentTime = this.#positions.positionOf(instant);
      this.#tell();
    } else this.#load(instant);
  }

  /** @param {number} rate */
  play(rate) {
    const video = this.#video;
    const wanted = Math.min(Math.max(rate, SLOWEST), FASTEST);
    if (video.playbackRate !== wanted) video.playbackRate = wanted;
    if (video.paused && this.status === "ready") video.play().catch(() => {}); // the picture stands; the next look tries again
  }

  pause() {
    if (!this.#video.paused) this.#video.pause();
  }

  /** Opens a session anew, after one that was ended. */
  again() {
    this.#session = null;
    this.#failures = 0;
    this.#load(this.#wanted ?? 0);
  }

  /** Gives the stream back, as while nobody sees it. What was shown is shown again by `show`. */
  rest() {
    this.#loading += 1;
    clearTimeout(this.#timer);
    this.#drop();
    this.#say("idle");
  }

  close() {
    this.rest();
    this.#ends.abort();
    this.#session = null;
  }

  async #load(instant) {
    const mine = (this.#loading += 1);
    clearTimeout(this.#timer);
    this.#say("loading");
    await this.#opening; // were it cut off, the ticket would be used up for nothing
    if (mine !== this.#loading) return;
    this.#drop();
    try {
      const [Hls, session] = await Promise.all([loadHls(), this.#sessionFor(instant)]);
      if (mine !== this.#loading) return;
      this.#session = session;
      this.#range = { from: Math.max(session.from, instant - BACK_MS), to: Math.min(session.to, instant + AHEAD_MS) };
      const playlist = this.#playlist(Hls, addressOf(session, this.#range), () => mine === this.#loading);
      if (session.base === null) {
        session.until = 0; // the ticket is used
        this.#opening = playlist.catch(() => {}).then(() => void (this.#opening = null));
      }
      await playlist;
      if (mine !== this.#loading) return;
      const position = this.#positions.positionOf(this.#wanted);
      if (position === null) return this.#say("empty");
      this.#library.startLoad(position);
      this.#failures = 0;
      this.#say("ready");
    } catch (problem) {
      if (mine === this.#loading) this.#fail(problem);
    }
  }

  async #sessionFor(instant) {
    const known = this.#session;
    const isGood = known && (known.base === null ? Date.now() < known.until - SOON_MS : !isOld(known));
    if (isGood && known.from <= instant && instant < known.to) return known;
    const { from, to, url, expires_at: until } = await this.#open(instant);
    return { from: Date.parse(from), to: Date.parse(to), url, until: Date.parse(until), began: Date.now(), base: null };
  }

  /** Resolves once the playlist is here. */
  #playlist(Hls, address, isMine) {
    const library = (this.#library = new Hls(CONFIG));
    let isHere = false;
    return new Promise((/** @type {(value: void) => void} */ resolve, reject) => {
      library.on(Hls.Events.MANIFEST_LOADED, (_, { url }) => this.#opened(url));
      library.on(Hls.Events.LEVEL_LOADED, (_, { details }) => {
        this.#positions ??= new Positions(details);
        isHere = true;
        resolve();
      });
      library.on(Hls.Events.LEVEL_UPDATED, (_, { details }) => this.#positions?.grown(details));
      library.on(Hls.Events.ERROR, (_, { fatal, details, response, networkDetails }) => {
        if (!fatal) return;
        this.#opened(networkDetails?.responseURL); // that of a redirect, which has used the ticket up
        const isEmpty = details === Hls.ErrorDetails.LEVEL_EMPTY_ERROR || response?.code === 404;
        const problem = isEmpty ? { code: "no_recording" } : { status: response?.code ?? 0, code: "lost" };
        if (!isHere) reject(problem);
        else if (isMine()) this.#fail(problem);
      });
      library.attachMedia(this.#video);
      library.loadSource(address);
    });
  }

  /** Learns where the opened session is. */
  #opened(address) {
    if (this.#session && address?.includes("/index.m3u8")) this.#session.base = new URL(".", new URL(address, location.href)).href;
  }

  /** Says why, and tries again where it may pass. A session that is over is not opened again without a question, unless by its age. */
  #fail(problem) {
    this.#wanted = this.instant ?? this.#wanted;
    this.#drop();
    if (problem.code === "no_recording") return this.#say("empty");
    const isPastIt = this.#session !== null && isOld(this.#session);
    const isRefused = problem.code === "lost" && REFUSED.has(problem.status);
    if (isRefused || !this.#session?.base) this.#session = null; // else the same one goes on: it was put on record
    this.problem = isRefused ? { ...problem, code: "ended" } : problem;
    this.#say("failed");
    if (!isPastIt && !isPassing(problem)) return;
    this.#timer = setTimeout(() => this.#load(this.#wanted ?? 0), AGAIN_MS[Math.min(this.#failures, AGAIN_MS.length - 1)]);
    this.#failures += 1;
  }

  #drop() {
    this.#library?.destroy();
    this.#library = this.#positions = this.#range = this.#opening = null;
    this.#video.removeAttribute("src");
    this.#video.load();
  }

  #say(status) {
    this.status = status;
    if (status !== "failed") this.problem = null;
    this.#tell();
  }

  #tell() {
    this.dispatchEvent(new Event("changed"));
  }
}

const isOld = ({ began }) => Date.now() - began > OLD_MS;

/** The playlist of a part of the session. The first one uses the ticket up. */
function addressOf({ base, url }, { from, to }) {
  const part = `from=${encodeURIComponent(new Date(from).toISOString())}&to=${encodeURIComponent(new Date(to).toISOString())}`;
  if (base !== null) return `${base}index.m3u8?${part}`;
  return `${url}${url.includes("?") ? "&" : "?"}${part}`;
}
