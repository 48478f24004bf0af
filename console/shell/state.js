// What every screen stands on: the session, who is signed in and what they may, the live link.

import { computed, signal } from "../ui/html.js";
import { Live } from "./live.js";
import { Session } from "./session.js";

export const session = new Session();

/** The signed-in user; null while signed out. */
export const me = signal(/** @type {import("../types/identity").MeOut | null} */ (null));

/** State of the live link: "on", "off" (it is being opened again) or "refused" (this role has none). */
export const link = signal("off");

/** Counts up when messages of the live socket may have been lost: lists that follow it read their data again. */
export const resyncs = signal(0);

/** Counts up with each search of a plate in the header: the same plate again is asked for again, though the address stays. */
export const searches = signal(0);

const TOPICS = { detections: "detections:read", cameras: "cameras:read", alerts: "alerts:read", system: "channels:write" };
const listeners = { detection: new Set(), camera: new Set(), alert: new Set(), system: new Set() };
let live = null;

const scopes = computed(() => new Set(me.value?.scopes ?? []));

/** Whether the user holds one of these scopes. What a role may not do is absent from the screen, not refused. */
export const may = (...wanted) => wanted.some((scope) => scopes.value.has(scope));

/** Calls `hear(data)` for each live message of `kind` ("detection", "camera", "alert" or "system"). Returns a function that ends it. */
export function listen(kind, hear) {
  listeners[kind].add(hear);
  return () => listeners[kind].delete(hear);
}

/** Reads who is signed in, and opens the live link for what their role may hear. */
export async function enter() {
  me.value = await session.get("/users/me");
  const topics = Object.keys(TOPICS).filter((topic) => may(TOPICS[topic]));
  if (topics.length === 0 || live) return;
  live = new Live(session, topics);
  live.addEventListener("state", ({ detail }) => (link.value = detail));
  live.addEventListener("resync", () => (resyncs.value += 1));
  for (const [kind, hearing] of Object.entries(listeners)) {
    live.addEventListener(kind, ({ detail }) => hearing.forEach((hear) => hear(detail)));
  }
  live.open();
}

/** Forgets the user: the next one may be of another city. Players and stores end by themselves, as they follow `me`. */
export function leave() {
  live?.close();
  live = null;
  link.value = "off";
  me.value = null;
}
