// The live socket: one connection, its topics, the event `resync` after messages may have been lost, and the watch over its pings.

/** For a minute a link that was cut is tried again before a second is over, to be back as soon as it can be; then less often. */
const SOON_MS = 750;
const LATER_MS = 5_000;
const SOON_TRIES = 100;
/** The server pings every 4 s: after this long without a message the link is half open, though no event says so. */
const SILENCE_MS = 9_000;
const WATCH_MS = 1_000;
/** Of the ticket: a server that hangs is soon asked again. */
const TICKET_MS = 4_000;
/** Close codes by which the server says that the session, or its right to the socket, is over. */
const UNAUTHENTICATED = 4401;
const FORBIDDEN = 4403;

/**
 * Events: `state` ("on" | "off" | "refused"), `resync`, and `detection`, `camera`, `alert`, `system` with the message's data as `detail`.
 */
export class Live extends EventTarget {
  #session;
  #topics;
  #socket = null;
  #opening = null;
  #failures = 0;
  #heardAt = 0;
  #retry = null;
  #watch = null;
  #ends = new AbortController();

  constructor(session, topics) {
    super();
    this.#session = session;
    this.#topics = topics;
    const { signal } = this.#ends;
    session.addEventListener("renewed", () => this.#send({ type: "auth", token: session.token }), { signal });
    // A machine that wakes up or finds its network again does not wait for the next look.
    const look = () => (this.#retry ? this.#connect() : this.#look());
    window.addEventListener("online", look, { signal });
    window.addEventListener("pageshow", look, { signal });
    document.addEventListener("visibilitychange", look, { signal });
  }

  open() {
    this.#watch ??= setInterval(() => this.#look(), WATCH_MS);
    this.#connect();
  }

  close() {
    this.#ends.abort();
    clearInterval(this.#watch);
    clearTimeout(this.#retry);
    this.#drop();
  }

  async #connect() {
    clearTimeout(this.#retry);
    this.#retry = null;
    const opening = (this.#opening = Symbol("opening"));
    try {
      const ticket = await this.#session.ticket("ws", null, TICKET_MS);
      if (this.#ends.signal.aborted || this.#opening !== opening) return;
      const scheme = location.protocol === "https:" ? "wss" : "ws";
      const socket = new WebSocket(`${scheme}://${location.host}/ws/v1/live?ticket=${encodeURIComponent(ticket)}`);
      this.#socket = socket;
      this.#heardAt = Date.now();
      // Events of a socket that was given up come late, and are of no account.
      const mine = (act) => (event) => this.#socket === socket && act(event);
      socket.addEventListener("open", mine(() => this.#send({ type: "subscribe", topics: this.#topics })));
      socket.addEventListener("message", mine((event) => this.#receive(JSON.parse(event.data))));
      socket.addEventListener("close", mine((event) => this.#closed(event)));
    } catch (error) {
      if (this.#opening === opening) this.#again(error.status === 403);
    }
  }

  #receive(message) {
    this.#heardAt = Date.now();
    if (message.type === "subscribed") {
      this.#failures = 0;
      this.#tell("state", "on");
      this.#tell("resync"); // messages sent while the socket was closed are read from the API
    } else if (message.type === "ping") {
      this.#send({ type: "pong" });
    } else {
      this.#tell(message.type, message.data);
    }
  }

  /** Gives a silent link up at once: `close` of a half-open one would wait for an answer that does not come. */
  #look() {
    if (this.#socket === null || Date.now() - this.#heardAt < SILENCE_MS) return;
    this.#failures = 0;
    this.#again(false, 0);
  }

  #closed({ code }) {
    if (code === UNAUTHENTICATED) this.#session.check();
    this.#again(code === FORBIDDEN);
  }

  #again(isForbidden, wait = pauseAfter(this.#failures)) {
    if (this.#ends.signal.aborted) return;
    this.#drop();
    this.#tell("state", isForbidden ? "refused" : "off");
    if (isForbidden) return;
    this.#failures += 1;
    this.#retry = setTimeout(() => this.#connect(), wait);
  }

  #drop() {
    const socket = this.#socket;
    this.#socket = null;
    this.#opening = null;
    socket?.close();
  }

  #send(message) {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(message));
  }

  #tell(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}

/** Pauses differ, so that the consoles of a city do not all come at once after a restart. */
function pauseAfter(failures) {
  return (failures < SOON_TRIES ? SOON_MS : LATER_MS) * (0.5 + Math.random() / 2);
}
