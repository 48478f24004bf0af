// The live socket: one connection, its topics, and the event `resync` after messages may have been lost.

const RETRY_MS = [500, 1_000, 2_000, 5_000, 10_000];

export class Live extends EventTarget {
  #session;
  #topics;
  #socket = null;
  #failures = 0;
  #closed = false;

  constructor(session, topics) {
    super();
    this.#session = session;
    this.#topics = topics;
    session.addEventListener("renewed", () => this.#send({ type: "auth", token: session.token }));
  }

  async open() {
    this.#closed = false;
    try {
      const ticket = await this.#session.ticket("ws");
      if (this.#closed) return;
      const scheme = location.protocol === "https:" ? "wss" : "ws";
      const socket = new WebSocket(`${scheme}://${location.host}/ws/v1/live?ticket=${encodeURIComponent(ticket)}`);
      this.#socket = socket;
      socket.addEventListener("open", () => this.#send({ type: "subscribe", topics: this.#topics }));
      socket.addEventListener("message", (event) => this.#receive(JSON.parse(event.data)));
      socket.addEventListener("close", () => this.#again());
    } catch {
      this.#again();
    }
  }

  close() {
    this.#closed = true;
    this.#socket?.close();
  }

  #receive(message) {
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

  #again() {
    if (this.#closed) return;
    this.#tell("state", "off");
    const wait = RETRY_MS[Math.min(this.#failures, RETRY_MS.length - 1)];
    this.#failures += 1;
    setTimeout(() => this.#closed || this.open(), wait);
  }

  #send(message) {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(message));
  }

  #tell(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}
