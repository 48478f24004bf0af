// The signed-in session: tokens in memory, the refresh token for this tab only, and every call to the API.

const API = "/api/v1";
const KEPT = "gtvision.refresh";

/** A failed answer, as problem+json says it. */
export class Problem extends Error {
  constructor(status, body) {
    super(body?.detail || body?.title || `Erro ${status}`);
    this.status = status;
    this.code = body?.code || "error";
  }
}

export class Session extends EventTarget {
  #access = null;
  #refresh = sessionStorage.getItem(KEPT);
  #renewal = null;
  user = null;

  get token() {
    return this.#access;
  }

  /** Take up the session of a reloaded page; whether there was one. */
  async resume() {
    if (!this.#refresh) return false;
    try {
      await this.#renew();
      this.user ??= await this.get("/users/me");
      return true;
    } catch {
      this.#forget();
      return false;
    }
  }

  async login(email, password) {
    this.#keep(await this.#send("POST", "/auth/login", { email, password }));
  }

  async logout() {
    try {
      await this.post("/auth/logout", { refresh_token: this.#refresh });
    } finally {
      this.#forget();
      this.dispatchEvent(new Event("ended"));
    }
  }

  get(path) {
    return this.#authorised("GET", path);
  }

  post(path, body) {
    return this.#authorised("POST", path, body);
  }

  /** A picture of the API as an object URL; the caller revokes it. */
  async picture(path) {
    const answer = await this.#fetch("GET", path, undefined, this.#access);
    if (!answer.ok) throw new Problem(answer.status, await answer.json().catch(() => null));
    return URL.createObjectURL(await answer.blob());
  }

  /** A ticket opens one live view or one socket, within a minute. */
  async ticket(purpose, cameraId) {
    const body = cameraId ? { purpose, camera_id: cameraId } : { purpose };
    return (await this.post("/auth/tickets", body)).ticket;
  }

  async #authorised(method, path, body) {
    try {
      return await this.#send(method, path, body, this.#access);
    } catch (problem) {
      if (problem.status !== 401 || !this.#refresh) throw problem;
      try {
        await this.#renew();
      } catch (error) {
        if (error.status === 401) {
          this.#forget();
          this.dispatchEvent(new Event("ended"));
        }
        throw error;
      }
      return this.#send(method, path, body, this.#access);
    }
  }

  /** Several calls may find the token expired at once: a refresh token is good for one renewal only. */
  #renew() {
    this.#renewal ??= this.#send("POST", "/auth/refresh", { refresh_token: this.#refresh })
      .then((answer) => this.#keep(answer))
      .finally(() => (this.#renewal = null));
    return this.#renewal;
  }

  #keep(answer) {
    this.#access = answer.access_token;
    this.#refresh = answer.refresh_token;
    this.user = answer.user ?? this.user;
    sessionStorage.setItem(KEPT, this.#refresh);
    clearTimeout(this.timer);
    // A minute before the end, so that open sockets can be renewed too.
    this.timer = setTimeout(() => this.#renew().catch(() => {}), Math.max(5, answer.expires_in - 60) * 1000);
    this.dispatchEvent(new Event("renewed"));
  }

  #forget() {
    this.#access = this.#refresh = this.user = null;
    clearTimeout(this.timer);
    sessionStorage.removeItem(KEPT);
  }

  async #send(method, path, body, token) {
    const answer = await this.#fetch(method, path, body, token);
    const parsed = answer.status === 204 ? null : await answer.json().catch(() => null);
    if (!answer.ok) throw new Problem(answer.status, parsed);
    return parsed;
  }

  #fetch(method, path, body, token) {
    const headers = { Accept: "application/json" };
    if (token) headers.Authorization = `Bearer ${token}`;
    if (body !== undefined) headers["Content-Type"] = "application/json";
    return fetch(API + path, {
      method,
      headers,
      body: body === undefined ? undefined : JSON.stringify(body),
      signal: AbortSignal.timeout(15_000),
    });
  }
}
