// The signed-in session and every call to the API. The access token lives in memory; the refresh token is a cookie that no script can
// read, and a second, readable cookie proves to the API that a page of ours is asking. So a reload resumes, and tabs share one session.

import { forget, recall, remember } from "./memory.js";

const API = "/api/v1";
const CSRF_COOKIE = "__Secure-gtv_csrf=";
const TIMEOUT_MS = 15_000;
const REFRESH = "/auth/refresh";
/** What a city may want a purpose for. */
const DECLARED = /^\/(plates\/|recordings|detections\/[^/?]+\/evidence)/;
/** In localStorage while a renewal is under way: with which token, by its readable half, and since when. */
const RENEWING = "gtvision.renewing";

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
  #renewal = null;
  user = null;
  /** Whether nothing is allowed until the password was changed. */
  mustChangePassword = false;
  /** Code of the declared purpose; "" for none. */
  purpose = "";

  get token() {
    return this.#access;
  }

  /** Take up the session of a reloaded page; whether there was one. */
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

  /** Gives this page a fresh session and ends all others. */
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

  /** Several calls, and several tabs, may find the token expired at once: a refresh token is good for one renewal only. */
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
    // A minute before the end, so that open sockets can be renewed too.
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
      keepalive: path === REFRESH, // its cookie must arrive also where the page was reloaded meanwhile
    });
  }
}

/** A page that was left in the middle of a renewal has spent the token, and its lock is free: wait for the cookie of that answer. */
async function renewed() {
  const left = recall("localStorage", RENEWING);
  while (left && left.csrf === csrf() && Math.abs(Date.now() - left.since) < TIMEOUT_MS) {
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** Set beside the refresh token by whichever tab renewed last; "" where nobody is signed in. */
function csrf() {
  const found = document.cookie.split("; ").find((each) => each.startsWith(CSRF_COOKIE));
  return found ? found.slice(CSRF_COOKIE.length) : "";
}
