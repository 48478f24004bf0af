// One live view: WebRTC first (three short tries), then HLS; it shows which of them plays, and why, or why none does.

import { PLAYER } from "../texts/pt-BR/player.js";
import { Failure } from "./failure.js";
import { HlsLink } from "./hls.js";
import { pause, orAborted } from "./waiting.js";
import { WhepLink } from "./whep.js";

const TRIES = 3;
const TRY_MS = 5_000;
const KEY_FRAME_MS = 15_000;
const SILENCE_MS = 3_000;
const LOOK_MS = 500;
const STALL_MS = 6_000;
const RETRY_MS = [4_000, 8_000, 16_000, 30_000];
const BACK_TO_WEBRTC_MS = 60_000;
const MOST_BACK_MS = 600_000;
/** Codecs, as the media server names them, that not every browser plays by HLS, and the type to ask it for. */
const TYPES = { H265: "hvc1.1.6.L93.B0", VP9: "vp09.00.10.08", AV1: "av01.0.04M.08" };
const SOUND = /audio|opus|vorbis|speex|^ac3|^g7|^lpcm/i;

/**
 * Events: `changed`.
 * `status` is one of playing, connecting, offline (the server has no picture of the camera), unplayable and forbidden; the last two end
 * the tries until `start` is called again.
 */
export class Player extends EventTarget {
  #video;
  #session;
  #cameraId;
  #stop = new AbortController();
  /** @type {Promise<unknown>} */
  #running = Promise.resolve();
  #link = null;
  #backMs = BACK_TO_WEBRTC_MS;
  status = "connecting";
  /** @type {string | null} */
  protocol = null;
  /** Why the picture does not come, or why this protocol plays, for the user. */
  reason = "";
  /** @type {number | null} */
  firstFrameMs = null;

  /**
   * @param {HTMLVideoElement} video
   * @param {{get(path: string): Promise<any>, ticket(purpose: string, cameraId: string): Promise<string>}} session
   * @param {string} cameraId
   */
  constructor(video, session, cameraId) {
    super();
    this.#video = video;
    this.#session = session;
    this.#cameraId = cameraId;
    this.#stop.abort();
  }

  /** The clock of the picture that is shown, or null: `prepare()`, and `at(metadata)` in milliseconds since 1970. */
  get clock() {
    return this.status === "playing" ? this.#link.clock : null;
  }

  get isRunning() {
    return !this.#stop.signal.aborted;
  }

  /** Plays until `stop` is called; a view that ends is opened again each time. */
  start() {
    if (this.isRunning) return;
    const stop = (this.#stop = new AbortController());
    this.#say("connecting", null, "");
    this.#running = this.#running.then(() => this.#run(stop.signal)).catch((error) => stop.signal.aborted || reportError(error));
  }

  /** Takes the picture away before it returns. */
  stop() {
    if (!this.isRunning) return;
    this.#stop.abort();
    this.#link?.close();
    this.#say("connecting", null, "");
  }

  async #run(signal) {
    for (let failures = 0; !signal.aborted; failures += 1) {
      const failure = await this.#once(signal, () => (failures = 0));
      if (signal.aborted) return;
      const text = failure.text ?? PLAYER.reasons[failure.code];
      if (failure.isFinal) {
        this.#stop.abort();
        this.#say(failure.code === "forbidden" ? "forbidden" : "unplayable", null, text);
        return;
      }
      this.#say(failure.code === "no_signal" ? "offline" : "connecting", null, text);
      await pause(RETRY_MS[Math.min(failures, RETRY_MS.length - 1)], signal);
    }
  }

  /** Looks at the stream, then plays by WebRTC or else by HLS. Returns why none of them plays, or does so no longer. */
  async #once(signal, played) {
    try {
      const stream = await this.#stream(signal);
      const isOffered = stream?.webrtc !== false;
      let failure = isOffered ? await this.#webrtc(signal, played) : new Failure("not_offered");
      if (signal.aborted || failure.isFinal || failure.code === "no_signal" || stream?.hls === false) return failure;
      const why = PLAYER.reasons[failure.code];
      const until = isOffered ? performance.now() + this.#backMs : Infinity; // then low latency is tried again
      failure = await this.#play(new HlsLink(this.#video), PLAYER.stable(why), signal, played, until);
      if (failure.code === "over") this.#backMs = Math.min(2 * this.#backMs, MOST_BACK_MS);
      return failure.code === "over" ? this.#once(signal, played) : failure;
    } catch (error) {
      return Failure.of(error);
    }
  }

  /** Asks what the stream is, before a ticket is. Returns null where that cannot be told. Throws where there is nothing to play. */
  async #stream(signal) {
    let stream;
    try {
      stream = await orAborted(this.#session.get(`/streams/${this.#cameraId}`), signal);
    } catch (error) {
      if (error.status === 404) throw new Failure("no_signal");
      return null; // a role that may not read streams may still watch them
    }
    if (["offline", "disabled"].includes(stream.state)) throw new Failure("no_signal");
    const failure = unplayable(stream);
    if (failure) throw failure;
    return stream;
  }

  async #webrtc(signal, played) {
    let failure = new Failure("no_connection");
    for (let attempt = 1; attempt <= TRIES && !signal.aborted; attempt += 1) {
      failure = await this.#play(new WhepLink(this.#video), PLAYER.lowLatency, signal, () => {
        attempt = 0; // it played: after a later break there are new tries
        this.#backMs = BACK_TO_WEBRTC_MS;
        played();
      });
      if (failure.isFinal || (failure.status && failure.status !== 401)) break; // the same question would get the same answer
      if (attempt < TRIES) await pause(300, signal);
    }
    return failure;
  }

  /** Plays by one link, until `until` at most. Returns why it did not start, or why it ended. */
  async #play(link, text, signal, played, until = Infinity) {
    const opened = performance.now();
    this.#link = link;
    try {
      await link.open(this.#cameraId, () => this.#ticket(), signal);
      await this.#firstFrame(link, signal);
      this.firstFrameMs = Math.round(performance.now() - opened);
      played();
      this.#say("playing", link.name, text);
      const code = await this.#whilePlaying(link, signal, until);
      // Shows the reason while the view is opened again.
      if (!signal.aborted) this.#say("connecting", null, PLAYER.reasons[code] ?? "");
      return new Failure(code);
    } catch (error) {
      return Failure.of(error);
    } finally {
      link.close();
    }
  }

  /** Returns a ticket, which opens one view: each try takes a new one. */
  async #ticket() {
    try {
      return await this.#session.ticket("live", this.#cameraId);
    } catch (error) {
      if (error.status === 403) throw new Failure("forbidden", { isFinal: true });
      throw error;
    }
  }

  /** Waits for a picture; longer where bytes come, since a camera may send a key frame every ten seconds only. */
  async #firstFrame(link, signal) {
    const video = this.#video;
    const started = performance.now();
    let heardAt = -Infinity;
    let handle = 0;
    const shown = new Promise((resolve) => (handle = video.requestVideoFrameCallback(() => resolve(true))));
    video.play().catch(() => {}); // browsers always allow muted video; a refusal shows as "sem imagem"
    try {
      while (!(await Promise.race([shown, pause(LOOK_MS, signal)]))) {
        signal.throwIfAborted();
        if (!link.isAlive) throw new Failure("lost");
        const now = performance.now();
        if (now - started < TRY_MS) continue;
        if (now - started > KEY_FRAME_MS) throw new Failure("waiting_key_frame");
        if (await orAborted(link.isReceiving(), signal)) heardAt = now;
        if (now - heardAt > SILENCE_MS) throw new Failure("no_picture");
        this.#say("connecting", null, PLAYER.reasons.waiting_key_frame);
      }
      signal.throwIfAborted();
    } finally {
      video.cancelVideoFrameCallback(handle);
    }
  }

  /** Waits until no more pictures come, or for `until`. Returns why the view ended. Asks for a frame at each look, not for each frame. */
  async #whilePlaying(link, signal, until) {
    const video = this.#video;
    let last = performance.now();
    let handle = 0;
    try {
      while (!signal.aborted && link.isAlive) {
        handle ||= video.requestVideoFrameCallback(() => {
          handle = 0;
          last = performance.now();
        });
        await pause(LOOK_MS, signal);
        const isVisible = document.visibilityState === "visible";
        if (!isVisible) last = performance.now(); // a hidden page gets no frames, which is no stall
        if (performance.now() - last > STALL_MS) return "stalled";
        if (performance.now() > until && isVisible) return "over";
      }
      return "lost";
    } finally {
      video.cancelVideoFrameCallback(handle);
    }
  }

  #say(status, protocol, reason) {
    if (status === this.status && protocol === this.protocol && reason === this.reason) return;
    this.status = status;
    this.protocol = protocol;
    this.reason = reason;
    this.dispatchEvent(new Event("changed"));
  }
}

/**
 * Returns the failure of a stream that this browser does not play, from what the API says of it; null where it may play.
 * @param {{codecs?: string[], playable?: boolean, unplayable_reason?: string | null, webrtc?: boolean}} stream
 */
export function unplayable({ codecs = [], playable = true, unplayable_reason: why = null, webrtc = true }) {
  if (why === "no_video") return new Failure("audio_only", { isFinal: true });
  const video = codecs.filter((name) => !SOUND.test(name));
  if (playable && (webrtc || video.length === 0 || video.some(plays))) return null;
  return new Failure("unplayable", { isFinal: true, text: video.length ? PLAYER.codec(video.join(", ")) : undefined });
}

function plays(name) {
  return !(name in TYPES) || Boolean(globalThis.MediaSource?.isTypeSupported(`video/mp4; codecs="${TYPES[name]}"`));
}
