// One live view: WebRTC first (three tries of at most five seconds), then HLS; it shows which of them plays, and why.

const TRIES = 3;
const TRY_MS = 5_000;
const STALL_MS = 6_000;
const BACK_TO_WEBRTC_MS = 60_000;
const RETRY_MS = 4_000;

/** An error whose message is a text for the user, unlike those of browsers, libraries and the API, which are in English. */
class Reason extends Error {}

export class Player extends EventTarget {
  #video;
  #session;
  #cameraId;
  #stop = null;
  #running = null;
  #frames = 0;
  protocol = null;
  reason = "";
  firstFrameMs = null;

  constructor(video, session, cameraId) {
    super();
    this.#video = video;
    this.#session = session;
    this.#cameraId = cameraId;
  }

  /** Plays until `stop` is called; a view that ends is opened again each time. */
  start() {
    if (this.#running) return;
    const stop = (this.#stop = new AbortController());
    this.#running = this.#run(stop.signal).finally(() => (this.#running = null));
  }

  stop() {
    this.#stop?.abort();
  }

  async #run(signal) {
    while (!signal.aborted) {
      const failed = await this.#webrtc(signal);
      if (signal.aborted) return;
      await this.#hls(signal, failed);
      if (!signal.aborted) await pause(RETRY_MS, signal);
    }
  }

  /** Plays by WebRTC. Returns why it did not start, or why it ended. */
  async #webrtc(signal) {
    let reason = "";
    for (let attempt = 1; attempt <= TRIES && !signal.aborted; attempt += 1) {
      const opened = performance.now();
      const peer = new RTCPeerConnection();
      let location = null;
      try {
        peer.addTransceiver("video", { direction: "recvonly" });
        peer.addEventListener("track", (event) => {
          event.receiver.jitterBufferTarget = 0;
          this.#video.srcObject = new MediaStream([event.track]);
        });
        location = await this.#negotiate(peer, AbortSignal.any([signal, AbortSignal.timeout(TRY_MS)]));
        await this.#firstFrame(opened, signal);
        this.#say("WebRTC", "baixa latência");
        attempt = 0; // it played: after a later break there are three new tries
        reason = await this.#whilePlaying(signal, () => ["failed", "closed"].includes(peer.connectionState));
        // Shows the reason while the view is opened again, unless the view itself was stopped because it is not visible.
        this.#say(null, signal.aborted ? "" : reason);
      } catch (error) {
        reason = describe(error);
        if (error.status === 404 || error.status === 403) break; // no other protocol would play either
      } finally {
        this.#video.srcObject = null;
        leave(location).finally(() => peer.close()); // in this order: a closed peer's session is gone, and DELETE would fail
      }
      if (attempt < TRIES) await pause(300, signal);
    }
    return reason;
  }

  async #negotiate(peer, signal) {
    await peer.setLocalDescription();
    await gathered(peer, signal);
    const ticket = await this.#session.ticket("live", this.#cameraId);
    const url = `/whep/cam_${this.#cameraId}/whep?ticket=${encodeURIComponent(ticket)}`;
    const answer = await fetch(url, {
      method: "POST",
      headers: { "Content-Type": "application/sdp" },
      body: peer.localDescription.sdp,
      signal,
    });
    if (!answer.ok) throw Object.assign(new Reason(`resposta ${answer.status}`), { status: answer.status });
    await peer.setRemoteDescription({ type: "answer", sdp: await answer.text() });
    return answer.headers.get("Location");
  }

  async #hls(signal, why) {
    const opened = performance.now();
    let library = null;
    try {
      const ticket = await this.#session.ticket("live", this.#cameraId);
      const url = `/hls/cam_${this.#cameraId}/index.m3u8?ticket=${encodeURIComponent(ticket)}`;
      library = await attach(this.#video, url);
      await this.#firstFrame(opened, signal);
      this.#say("HLS", `modo estável${why ? `: ${why}` : ""}`);
      const until = performance.now() + BACK_TO_WEBRTC_MS;
      await this.#whilePlaying(signal, () => performance.now() > until && document.visibilityState === "visible");
      this.#say(null, "");
    } catch (error) {
      this.#say(null, describe(error) || why);
    } finally {
      library?.destroy();
      this.#video.removeAttribute("src");
      this.#video.load();
    }
  }

  #firstFrame(opened, signal) {
    return new Promise((resolve, reject) => {
      const limit = setTimeout(() => reject(new Reason("sem imagem")), TRY_MS);
      const end = (settle, value) => {
        clearTimeout(limit);
        signal.removeEventListener("abort", aborted);
        settle(value);
      };
      const aborted = () => end(reject, new Reason("encerrado"));
      signal.addEventListener("abort", aborted);
      this.#video.requestVideoFrameCallback(() => {
        this.firstFrameMs = Math.round(performance.now() - opened);
        end(resolve);
      });
      this.#video.play().catch(() => {}); // browsers always allow muted video; a refusal shows as "sem imagem"
    });
  }

  /** Waits until no more pictures come or `over` returns true. Returns why the view ended. */
  async #whilePlaying(signal, over) {
    let last = performance.now();
    const count = () => {
      this.#frames += 1;
      last = performance.now();
      if (!signal.aborted) this.#video.requestVideoFrameCallback(count);
    };
    this.#video.requestVideoFrameCallback(count);
    while (!signal.aborted && !over()) {
      await pause(500, signal);
      // A hidden page gets no frames, which is no stall.
      if (document.visibilityState !== "visible") last = performance.now();
      if (performance.now() - last > STALL_MS) return "imagem parada";
    }
    return "conexão perdida";
  }

  #say(protocol, reason) {
    this.protocol = protocol;
    this.reason = reason;
    this.dispatchEvent(new Event("changed"));
  }
}

/** Ends the session on the server, also from a page that is being closed. */
async function leave(location) {
  if (!location) return;
  const signal = AbortSignal.timeout(TRY_MS);
  await fetch(location, { method: "DELETE", keepalive: true, signal }).catch(() => {});
}

/** Plays HLS: Safari and recent Chromium do it themselves, for other browsers a library is loaded. */
async function attach(video, url) {
  const { default: Hls } = await import("./vendor/hls-1.7.0.light.min.mjs");
  if (!Hls.isSupported()) {
    video.src = url;
    return null;
  }
  const library = new Hls({ liveSyncDurationCount: 2, maxBufferLength: 10, manifestLoadingMaxRetry: 2 });
  return new Promise((resolve, reject) => {
    library.on(Hls.Events.MANIFEST_PARSED, () => resolve(library));
    library.on(Hls.Events.ERROR, (_, data) => {
      if (!data.fatal) return;
      library.destroy();
      reject(Object.assign(new Error(data.details), { status: data.response?.code }));
    });
    library.loadSource(url);
    library.attachMedia(video);
  });
}

function gathered(peer, signal) {
  if (peer.iceGatheringState === "complete") return Promise.resolve();
  return new Promise((resolve, reject) => {
    const limit = setTimeout(resolve, 1_000); // the host's own candidates are there at once; others are not needed
    peer.addEventListener("icegatheringstatechange", () => {
      if (peer.iceGatheringState === "complete") {
        clearTimeout(limit);
        resolve();
      }
    });
    signal.addEventListener("abort", () => reject(new Reason("tempo esgotado")));
  });
}

function pause(ms, signal) {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      resolve();
    });
  });
}

function describe(error) {
  if (error.status === 404) return "câmera sem sinal";
  if (error.status === 401 || error.status === 403) return "sem permissão";
  if (error.name === "TimeoutError") return "tempo esgotado";
  return error instanceof Reason ? error.message : "sem conexão";
}
