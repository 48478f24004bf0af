// The session of the signed-in user, and all calls to the API. The access token is in memory; the refresh token is a cookie that no
// script can read, and a second, readable cookie proves to the API that a request comes from our page. All tabs share one session, and
// a reload keeps it.

import { forget, recall, remember } from "./memory.js";

const API = "/api/v1";
const CSRF_COOKIE = "__Secure-gtv_csrf=";
const TIMEOUT_MS = 15_000;
const REFRESH = "/auth/refresh";
/** Paths for which a city may require a purpose. */
const DECLARED = /^\/(plates\/|recordings|detections\/[^/?]+\/evidence)/;
/** Key in localStorage during a renewal: the CSRF cookie of the token that is being renewed, and the time when it began. */
const RENEWING = "gtvision.renewing";

/** The error of a failed answer, from its problem+json. */
export class Problem extends Error {
  constructor(status, body) {
    super(body?.detail || body?.title || `Erro ${status}`);
    this.status = status;
    this.code = body?.code || "error";
  }
}

export class Session extends EventTarget {
  #access = null;
  #renewal = null;
  user = null;
  /** Whether the user has to change the password before anything else. */
  mustChangePassword = false;
  /** The code of the declared purpose, "" for none. */
  purpose = "";

  get token() {
    return this.#access;
  }

  /** Resumes the session after a reload. Returns whether there was one. */
  async resume() {
    if (!csrf()) return false;
    try {
      await this.#renew();
      this.user ??= await this.get("/users/me");
      return true;
    } catch {
      this.#forget();
      return false;
    }
  }

  async login(email, password, code) {
    this.#keep(await this.#send("POST", "/auth/login", { email, password, client: "browser", ...(code ? { code } : {}) }));
  }

  /** Changes the password, which gives this page a new session and ends all others. */
  async changePassword(current, fresh) {
    this.#keep(await this.post("/auth/password", { current_password: current, new_password: fresh }));
  }

  async logout() {
    try {
      await this.post("/auth/logout");
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

  delete(path, body) {
    return this.#authorised("DELETE", path, body);
  }

  /** Returns a picture of the API as an object URL, which the caller revokes. */
  async picture(path) {
    const answer = await this.#fetch("GET", path, undefined, this.#access);
    if (!answer.ok) throw new Problem(answer.status, await answer.json().catch(() => null));
    return URL.createObjectURL(await answer.blob());
  }

  /** Returns a ticket, which opens one live view or one socket within a minute. */
  async ticket(purpose, cameraId) {
    const body = cameraId ? { purpose, camera_id: cameraId } : { purpose };
    return (await this.post("/auth/tickets", body)).ticket;
  }

  async #authorised(method, path, body) {
    try {
      return await this.#send(method, path, body, this.#access);
    } catch (problem) {
      if (problem.status !== 401 || !csrf()) throw problem;
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

  /** Renews the token, once for all calls and tabs that find it expired at the same time: a refresh token can be used once. */
  #renew() {
    const renew = async () => {
      await renewed();
      remember("localStorage", RENEWING, { csrf: csrf(), since: Date.now() });
      try {
        this.#keep(await this.#send("POST", REFRESH));
      } finally {
        forget("localStorage", RENEWING);
      }
    };
    this.#renewal ??= (navigator.locks ? navigator.locks.request("gtvision.refresh", renew) : renew())
      .finally(() => (this.#renewal = null));
    return this.#renewal;
  }

  #keep(answer) {
    this.#access = answer.access_token;
    this.user = answer.user ?? this.user;
    this.mustChangePassword = answer.must_change_password;
    clearTimeout(this.timer);
    // a minute before it expires, so that open sockets get the new token in time
    this.timer = setTimeout(() => this.#renew().catch(() => {}), Math.max(5, answer.expires_in - 60) * 1000);
    this.dispatchEvent(new Event("renewed"));
  }

  #forget() {
    this.#access = this.user = null;
    this.mustChangePassword = false;
    clearTimeout(this.timer);
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
    if (path.startsWith("/auth/") && csrf()) headers["X-CSRF-Token"] = csrf();
    if (this.purpose && DECLARED.test(path)) headers["X-Purpose"] = this.purpose;
    if (body !== undefined) headers["Content-Type"] = "application/json";
    return fetch(API + path, {
      method,
      headers,
      body: body === undefined ? undefined : JSON.stringify(body),
      signal: AbortSignal.timeout(TIMEOUT_MS),
      keepalive: path === REFRESH, // the new cookie has to arrive even if the page is reloaded meanwhile
    });
  }
}

/** Waits for the cookie of a renewal whose page was left: that page has used the token, and no longer holds the lock. */
async function renewed() {
  const left = recall("localStorage", RENEWING);
  while (left && left.csrf === csrf() && Math.abs(Date.now() - left.since) < TIMEOUT_MS) {
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** Returns the CSRF cookie, which is set with each refresh token; "" without a session. */
function csrf() {
  const found = document.cookie.split("; ").find((each) => each.startsWith(CSRF_COOKIE));
  return found ? found.slice(CSRF_COOKIE.length) : "";
}
