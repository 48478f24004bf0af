// A live view by WebRTC (WHEP), and the clock of its pictures.

import { Failure } from "./failure.js";
import { orAborted, when } from "./waiting.js";

const OPEN_MS = 5_000;
const GATHER_MS = 1_000;
const CLOCK_MS = 5_000;

/** The link of one view; `HlsLink` has the same methods. */
export class WhepLink {
  name = "WebRTC";
  #video;
  #peer = new RTCPeerConnection();
  #location = null;
  #isClosed = false;
  #bytes = 0;
  #clock = new SenderClock(this.#peer);

  /** @param {HTMLVideoElement} video */
  constructor(video) {
    this.#video = video;
  }

  /**
   * @param {string} cameraId
   * @param {() => Promise<string>} ticket  gives a new ticket, which is asked for when all else is ready
   * @param {AbortSignal} stop
   */
  async open(cameraId, ticket, stop) {
    const signal = AbortSignal.any([stop, AbortSignal.timeout(OPEN_MS)]);
    const peer = this.#peer;
    // Once a connection is closed, what was asked of it may never be answered: whoever waits for it waits for the signal too.
    peer.addTransceiver("video", { direction: "recvonly" });
    peer.addEventListener("track", ({ receiver, track }) => {
      receiver.jitterBufferTarget = 0;
      if (!this.#isClosed) this.#video.srcObject = new MediaStream([track]);
    });
    await orAborted(peer.setLocalDescription(), signal);
    await gathered(peer, signal);
    const url = `/whep/cam_${cameraId}/whep?ticket=${encodeURIComponent(await orAborted(ticket(), signal))}`;
    const answer = await fetch(url, {
      method: "POST",
      headers: { "Content-Type": "application/sdp" },
      body: peer.localDescription?.sdp,
      signal,
    });
    if (!answer.ok) throw Failure.answered(answer.status);
    this.#location = answer.headers.get("Location");
    await orAborted(peer.setRemoteDescription({ type: "answer", sdp: await answer.text() }), signal);
  }

  get isAlive() {
    return !this.#isClosed && !["failed", "closed"].includes(this.#peer.connectionState);
  }

  /** Returns whether bytes have come since the last call: of a connection without pictures, it says that a key frame is due. */
  async isReceiving() {
    let bytes = 0;
    for (const report of (await this.#peer.getStats()).values()) {
      if (report.type === "inbound-rtp") bytes += report.bytesReceived ?? 0;
    }
    const grew = bytes > this.#bytes;
    this.#bytes = bytes;
    return grew;
  }

  get clock() {
    return this.#clock;
  }

  /** Takes the picture away at once; the server learns of it, and then the connection is closed. */
  close() {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#video.srcObject = null;
    for (const { track } of this.#peer.getReceivers()) track.stop();
    // in this order: a closed peer's session is gone, and DELETE would fail
    leave(this.#location).finally(() => this.#peer.close());
  }
}

/**
 * The sender's time of a picture: the moment when the browser received it, by the sender's clock, which its RTCP reports tell. The way
 * takes reports and pictures as long, so it cancels out. The frame grabber dates its frames by the same server's clock.
 */
class SenderClock {
  #peer;
  #ahead = null;
  #askedAt = -Infinity;

  constructor(peer) {
    this.#peer = peer;
  }

  /** Reads the last report, where that was long ago. */
  async prepare() {
    const now = performance.now();
    if (now - this.#askedAt < CLOCK_MS) return;
    this.#askedAt = now;
    const reports = [...(await this.#peer.getStats()).values()];
    const inbound = reports.find(({ type, kind }) => type === "inbound-rtp" && kind === "video");
    const sender = reports.find(({ type, kind }) => type === "remote-outbound-rtp" && kind === "video");
    if (!inbound || !sender?.remoteTimestamp) {
      this.#askedAt = -Infinity; // there was no report yet
      return;
    }
    this.#ahead = inbound.timestamp - performance.now() + sender.remoteTimestamp - sender.timestamp;
  }

  /** @param {VideoFrameCallbackMetadata} metadata @returns {number | null} milliseconds since 1970 */
  at({ receiveTime }) {
    return this.#ahead === null || receiveTime === undefined ? null : receiveTime + this.#ahead;
  }
}

/** Ends the session on the server, also from a page that is being closed. */
async function leave(location) {
  if (!location) return;
  const signal = AbortSignal.timeout(OPEN_MS);
  await fetch(location, { method: "DELETE", keepalive: true, signal }).catch(() => {});
}

/** Waits for the host's own addresses, which are there at once; others are not needed. */
async function gathered(peer, stop) {
  const signal = AbortSignal.any([stop, AbortSignal.timeout(GATHER_MS)]);
  const isComplete = () => peer.iceGatheringState === "complete";
  await when(peer, "icegatheringstatechange", isComplete, signal).catch(() => stop.throwIfAborted());
}
