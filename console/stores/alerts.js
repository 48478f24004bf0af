// Alerts as they come: true counts of the open ones, the newest, and all critical ones that nobody has acknowledged.

import { listen, may, me, resyncs, session } from "../shell/state.js";
import { untilRead } from "../ui/again.js";
import { computed, effect, signal, untracked } from "../ui/html.js";

const NEWEST = 100;
const MOST_CRITICAL = 200;
const FEW = 20;
const MOST_KNOWN = 5_000;
const COUNT_AFTER_MS = 300;
const NO_COUNTS = { critical: 0, warning: 0, info: 0, total: 0 };

/** Counts of open alerts by severity, and `total`; true ones, however many alerts there are. */
export const openCounts = signal(NO_COUNTS);

/** @typedef {import("../types/alerts").AlertOut} Alert */

/** The newest open alerts, newest first; null until they were read. */
export const newest = signal(/** @type {Alert[] | null} */ (null));

/** Open critical alerts by id. */
const criticals = signal(/** @type {Map<string, Alert>} */ (new Map()));

/** Open critical alerts, newest first. */
export const openCriticals = computed(() => [...criticals.value.values()].sort((a, b) => b.raised_at.localeCompare(a.raised_at)));

const arrivals = new EventTarget();

/** Calls `hear(alerts)` for open alerts that this page had not seen: new ones, and after a lost link or a reload those that were missed. */
export function onArrival(hear) {
  arrivals.addEventListener("arrived", (/** @type {CustomEvent} */ { detail }) => hear(detail));
}

/** The states of the alerts that this page has seen last. */
const known = new Map();
/** The last alerts that came by themselves, each with its place in their order. */
const lately = new Map();
let heard = 0;
let latest = 0;
let counting = null;
let counts = 0;
let counted = 0;

async function load() {
  const asked = (latest += 1);
  const since = heard;
  const [page, critical] = await Promise.all([
    session.get(`/alerts?state=open&limit=${NEWEST}`),
    session.get(`/alerts?state=open&severity=critical&limit=${MOST_CRITICAL}`),
    count(),
  ]);
  if (asked !== latest) return;
  newest.value = page.items;
  criticals.value = new Map(critical.items.map((alert) => [alert.alert_id, alert]));
  arrive([...page.items, ...critical.items]);
  // What came live meanwhile is newer than these answers.
  for (const [alert, at] of [...lately.values()]) if (at > since) alertIs(alert);
}

async function count() {
  const asked = (counts += 1);
  const summary = await session.get("/alerts/summary");
  if (!me.value || asked < counted) return; // a later question was answered first
  counted = asked;
  openCounts.value = summary.open;
}

async function countAgain() {
  counting = null;
  if (!me.value) return;
  await count();
  // There may be more than were read at once: then the next are read once these are acknowledged.
  const { critical, total } = openCounts.value;
  if ((criticals.value.size === 0 && critical > 0) || newest.value?.length < Math.min(total, FEW)) await load();
}

/** Remembers alerts, and tells of open ones that are new to this page. */
function arrive(alerts) {
  const fresh = alerts.filter((alert) => alert.state === "open" && !known.has(alert.alert_id));
  for (const { alert_id, state } of alerts) {
    known.delete(alert_id);
    known.set(alert_id, state);
  }
  for (const [id] of known) {
    if (known.size <= MOST_KNOWN) break;
    known.delete(id);
  }
  if (fresh.length) arrivals.dispatchEvent(new CustomEvent("arrived", { detail: [...new Map(fresh.map((alert) => [alert.alert_id, alert])).values()] }));
}

/** Takes an alert as the live link or an answer of the API gives it. */
export function alertIs(alert) {
  const before = known.get(alert.alert_id);
  lately.delete(alert.alert_id);
  lately.set(alert.alert_id, [alert, (heard += 1)]);
  if (lately.size > NEWEST) lately.delete(lately.keys().next().value);
  if (newest.value) newest.value = merged(newest.value, alert);
  adjust(alert, before);
  if (alert.severity === "critical") {
    const open = new Map(criticals.value);
    if (alert.state === "open") open.set(alert.alert_id, alert);
    else open.delete(alert.alert_id);
    criticals.value = open;
  }
  arrive([alert]);
  counting ??= setTimeout(() => countAgain().catch(() => {}), COUNT_AFTER_MS); // the next alert counts again
}

/** Counts at once what is seen to change; the true count follows. */
function adjust(alert, before) {
  const by = alert.state === "open" ? (before === undefined ? 1 : 0) : before === "open" ? -1 : 0;
  if (by === 0) return;
  const counts = openCounts.value;
  openCounts.value = { ...counts, total: Math.max(0, counts.total + by), [alert.severity]: Math.max(0, (counts[alert.severity] ?? 0) + by) };
}

function merged(list, alert) {
  const at = list.findIndex((each) => each.alert_id === alert.alert_id);
  if (at >= 0) return alert.state === "open" ? list.with(at, alert) : list.toSpliced(at, 1);
  return alert.state !== "open" ? list : [alert, ...list].sort((a, b) => b.raised_at.localeCompare(a.raised_at)).slice(0, NEWEST);
}

/** Acknowledges one alert or many. Returns the alerts as they are now. */
export async function acknowledge(ids) {
  const alerts = ids.length === 1
    ? [await session.post(`/alerts/${ids[0]}/acknowledge`)]
    : (await session.post("/alerts/acknowledge", { alert_ids: ids })).acknowledged;
  alerts.forEach(alertIs);
  return alerts;
}

effect(() => {
  const isHeard = me.value !== null && may("alerts:read");
  void resyncs.value;
  return untracked(() => {
    if (isHeard) return untilRead(load);
    latest += 1;
    clearTimeout(counting);
    counting = null;
    known.clear();
    lately.clear();
    openCounts.value = NO_COUNTS;
    newest.value = null;
    criticals.value = new Map();
    return undefined;
  });
});

listen("alert", alertIs);
