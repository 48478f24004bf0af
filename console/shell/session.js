// The session of the signed-in user, and all calls to the API. The access token is in memory; the refresh token is a cookie that no
// script can read, and a second, readable cookie proves to the API that a request comes from our page. All tabs share one session, and
// a reload keeps it.

import { forget, recall, remember } from "./memory.js";

const API = "/api/v1";
const CSRF_COOKIE = "__Secure-gtv_csrf=";
const TIMEOUT_MS = 15_000;
/** A file of a year may be long on its way. */
const FILE_MS = 600_000;
const REFRESH = "/auth/refresh";
/** Paths for which a city may require a purpose. */
const DECLARED = /^\/(plates\/|recordings|snapshots\/|auth\/tickets|detections\/dry-run|detections\/[^/?]+\/(evidence|thumbnail))/;
/** Key in localStorage during a renewal: the CSRF cookie of the token that is being renewed, and the time when it began. */
const RENEWING = "gtvision.renewing";
/** Name of the channel by which a tab tells the others that the session has ended. */
const CHANNEL = "gtvision.session";
/** Codes of a 401 that a fresh access token does not mend. */
const FINAL = new Set(["wrong_password", "second_factor_required", "second_factor_invalid", "bad_credentials"]);

/** The error of a failed answer, from its problem+json. */
export class Problem extends Error {
  constructor(status, body, retryAfterS = 0) {
    super(body?.detail || body?.title || `Erro ${status}`);
    this.status = status;
    this.code = body?.code || "error";
    /** More about it, where the API says more: why a session ended, which fields are wrong. */
    this.reason = body?.reason ?? null;
    this.errors = body?.errors ?? [];
    /** How long the server asks to wait, where it does. */
    this.retryAfterMs = retryAfterS * 1000 || null;
  }
}

/**
 * Events: `renewed`, after each new access token; `ended` with `detail` {reason}, a code, once the session is over in this tab or another.
 */
export class Session extends EventTarget {
  #access = null;
  #renewal = null;
  /** Counts up when a session begins or ends: what was asked in one session is not taken over by the next. */
  #generation = 0;
  #tabs = new BroadcastChannel(CHANNEL);
  user = null;
  /** Whether the user has to change the password before anything else. */
  mustChangePassword = false;
  /** Why the session that a reload found was over already, or null. */
  endedBefore = null;
  /** The code of the declared purpose, "" for none. */
  purpose = "";

  constructor() {
    super();
    this.#tabs.addEventListener("message", ({ data: { reason, user } }) => {
      if (user === undefined || user !== this.user?.id) this.#end(reason);
    });
  }

  get token() {
    return this.#access;
  }

  /** Resumes the session after a reload. Returns whether there was one. Throws where the server does not answer. */
  async resume() {
    if (!csrf()) return false;
    try {
      await this.#renew();
      this.#tabs.postMessage({ reason: "other_user", user: this.user?.id }); // it may be new, from an outside provider
      return true;
    } catch (error) {
      this.#forget();
      if (error.status === 401) {
        this.endedBefore = error.reason ?? error.code;
        return false;
      }
      throw error; // the server is away, and the session may well live
    }
  }

  async login(email, password, code) {
    const answer = await this.#send("POST", "/auth/login", { email, password, client: "browser", ...(code ? { code } : {}) });
    this.#forget();
    this.#keep(await answer.json());
    this.#tabs.postMessage({ reason: "other_user", user: this.user.id }); // all tabs share the cookies, which are another user's now
  }

  /** Changes the password, which gives this page a new session and ends all others. */
  async changePassword(current, fresh) {
    this.#keep(await this.post("/auth/password", { current_password: current, new_password: fresh }));
  }

  async logout() {
    try {
      await this.post("/auth/logout");
    } finally {
      this.#tabs.postMessage({ reason: "logged_out" });
      this.#end("logged_out");
    }
  }

  /** Asks the API whether the session still lives, as after a socket that was closed for it; `ended` follows if it does not. */
  check() {
    return this.#access ? this.#renewOrEnd().catch(() => {}) : Promise.resolve();
  }

  get(path) {
    return this.#authorised("GET", path);
  }

  /** `key`: the same for each repeat of one creation, so that a repeat after a lost answer creates nothing again. */
  post(path, body, { key = "", timeout = TIMEOUT_MS } = {}) {
    return this.#authorised("POST", path, body, key ? { "Idempotency-Key": key } : {}, timeout);
  }

  patch(path, body) {
    return this.#authorised("PATCH", path, body);
  }

  put(path, body) {
    return this.#authorised("PUT", path, body);
  }

  delete(path, body) {
    return this.#authorised("DELETE", path, body);
  }

  /** Returns the object and the ETag that a change of it has to name. */
  async read(path) {
    const answer = await this.#answer("GET", path);
    return { value: await answer.json(), etag: answer.headers.get("ETag") };
  }

  /** Changes what `read` returned; 412 where another change came first. `body` is a part of the object (RFC 7396). */
  async change(path, body, etag) {
    const answer = await this.#answer("PATCH", path, body, { "If-Match": etag });
    return { value: await answer.json(), etag: answer.headers.get("ETag") };
  }

  /** Sends a file as it is. */
  async upload(path, file) {
    await this.#answer("PUT", path, file, { "Content-Type": file.type });
  }

  /** Returns a picture or file of the API as a Blob. `fresh`: not the browser's copy, which may be of the one before. */
  async blob(path, { fresh = false } = {}) {
    return (await this.#answer("GET", path, undefined, fresh ? { "Cache-Control": "no-cache" } : {})).blob();
  }

  /** Returns a whole answer, for what its headers say. */
  ask(path) {
    return this.#answer("GET", path);
  }

  /** Returns a file that may be long on its way; `onBytes(count)` is called as it comes. */
  async file(path, onBytes) {
    const answer = await this.#answer("GET", path, undefined, {}, FILE_MS);
    const parts = [];
    let count = 0;
    const reader = answer.body.getReader();
    for (let { done, value } = await reader.read(); !done; { done, value } = await reader.read()) {
      parts.push(value);
      onBytes((count += value.length));
    }
    return new Blob(parts, { type: answer.headers.get("Content-Type") });
  }

  /** Returns a ticket, which opens one live view or one socket within a minute. */
  async ticket(purpose, cameraId, timeout) {
    const body = cameraId ? { purpose, camera_id: cameraId } : { purpose };
    return (await this.post("/auth/tickets", body, { timeout })).ticket;
  }

  async #authorised(method, path, body, headers, timeout) {
    const answer = await this.#answer(method, path, body, headers, timeout);
    return answer.status === 204 ? null : answer.json();
  }

  /** Returns the answer, after one renewal of an access token that has expired. Throws: Problem. */
  async #answer(method, path, body, headers, timeout) {
    const generation = this.#generation;
    try {
      const answer = await this.#send(method, path, body, headers, timeout);
      if (generation !== this.#generation && !path.startsWith("/auth/")) throw overtaken();
      return answer;
    } catch (problem) {
      if (problem.status !== 401 || FINAL.has(problem.code) || !this.#access) throw problem;
      await this.#renewOrEnd();
      return this.#send(method, path, body, headers, timeout);
    }
  }

  async #renewOrEnd() {
    if (!csrf()) {
      this.#end("logged_out"); // the cookie went in another tab
      throw new Problem(401, { code: "session_revoked" });
    }
    try {
      await this.#renew();
    } catch (error) {
      if (error.status === 401) {
        const reason = error.reason ?? error.code;
        this.#tabs.postMessage({ reason });
        this.#end(reason);
      }
      throw error;
    }
  }

  /** Renews the token, once for all calls and tabs that find it expired at the same time: a refresh token can be used once. */
  #renew() {
    const renew = async () => {
      await renewed();
      const generation = this.#generation;
      remember("localStorage", RENEWING, { csrf: csrf(), since: Date.now() });
      try {
        const answer = await (await this.#send("POST", REFRESH)).json();
        if (generation !== this.#generation) throw overtaken();
        this.#keep(answer);
      } finally {
        forget("localStorage", RENEWING);
      }
    };
    this.#renewal ??= (navigator.locks ? navigator.locks.request("gtvision.refresh", renew) : renew())
      .finally(() => (this.#renewal = null));
    return this.#renewal;
  }

  #keep(answer) {
    if (this.user && answer.user && answer.user.id !== this.user.id) {
      this.#end("other_user"); // the cookies, which all tabs share, are another user's by now
      throw overtaken();
    }
    this.#access = answer.access_token;
    this.user = answer.user ?? this.user;
    this.mustChangePassword = answer.must_change_password;
    clearTimeout(this.timer);
    // a minute before it expires, so that open sockets get the new token in time
    this.timer = setTimeout(() => this.#renewOrEnd().catch(() => {}), Math.max(5, answer.expires_in - 60) * 1000);
    this.dispatchEvent(new Event("renewed"));
  }

  #forget() {
    this.#generation += 1;
    this.#access = this.user = null;
    this.purpose = "";
    this.mustChangePassword = false;
    clearTimeout(this.timer);
  }

  #end(reason) {
    if (!this.#access) return;
    this.#forget();
    this.dispatchEvent(new CustomEvent("ended", { detail: { reason } }));
  }

  async #send(method, path, body, more = {}, timeout = TIMEOUT_MS) {
    /** @type {Record<string, string>} */
    const headers = { Accept: "application/json", ...more };
    if (this.#access && path !== REFRESH) headers.Authorization = `Bearer ${this.#access}`;
    if (path.startsWith("/auth/") && csrf()) headers["X-CSRF-Token"] = csrf();
    if (this.purpose && DECLARED.test(path)) headers["X-Purpose"] = this.purpose;
    const isJson = body !== undefined && !(body instanceof Blob);
    if (isJson) headers["Content-Type"] = method === "PATCH" && more["If-Match"] ? "application/merge-patch+json" : "application/json";
    const answer = await fetch(API + path, {
      method,
      headers,
      body: isJson ? JSON.stringify(body) : body,
      signal: AbortSignal.timeout(timeout),
      keepalive: path === REFRESH, // the new cookie has to arrive even if the page is reloaded meanwhile
    });
    if (!answer.ok) throw new Problem(answer.status, await answer.json().catch(() => null), Number(answer.headers.get("Retry-After")));
    return answer;
  }
}

/** The error of what was asked in a session that has ended meanwhile. */
const overtaken = () => new Problem(0, { code: "session_revoked" });

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
