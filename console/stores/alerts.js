// Alerts as they come: true counts of the open ones, the newest, and all critical ones that nobody has acknowledged. A snoozed alert is
// none of these until its time is over. What the live link did not bring is read by the number of the last change, and told as if it came now.

import { listen, may, me, resyncs, session } from "../shell/state.js";
import { untilRead } from "../ui/again.js";
import { computed, effect, signal, untracked } from "../ui/html.js";

const NEWEST = 100;
const MOST_CRITICAL = 200;
const FEW = 20;
const MOST_KNOWN = 5_000;
const COUNT_AFTER_MS = 300;
/** How often what changed is read while the link lives, and how soon after a number was left out: a message may have been lost. */
const LOOK_MS = 15_000;
const SOON_MS = 2_000;
const ORDER = ["info", "warning", "critical"];
/** Of a page of changes; after more pages than this everything is read anew. */
const CHANGES = 200;
const MOST_PAGES = 10;
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

/**
 * Calls `hear(alerts, isNews)` for open alerts that this page had not seen open, or not as grave: new ones, and after a lost link or a reload
 * those that were missed. `isNews(alert)`: whether it became so while this page looked, however long ago it was raised.
 */
export function onArrival(hear) {
  arrivals.addEventListener("arrived", (/** @type {CustomEvent} */ { detail }) => hear(detail.alerts, detail.isNews));
}

export const isSnoozed = (alert) => alert.state === "open" && Boolean(alert.snoozed_until) && Date.parse(alert.snoozed_until) > Date.now();

/** Whether an alert waits for a person: those that are snoozed wait for their time. */
const isOpen = (alert) => alert.state === "open" && !isSnoozed(alert);

/** What this page has seen last of each alert: whether it was open, how grave, and at which change. */
const known = new Map();
/** The last alerts that came by themselves, each with its place in their order. */
const lately = new Map();
let heard = 0;
let latest = 0;
let counting = null;
let counts = 0;
let counted = 0;
/** Every change up to this one has been seen; null before the first reading. */
let cursor = null;
/** The highest change that came live, which is not the cursor: numbers before it may be left out, or their messages lost. */
let highest = 0;
let looking = null;
let cuts = 0;

async function load() {
  const asked = (latest += 1);
  const since = heard;
  const { last } = await session.get("/alerts/changes");
  const [page, critical] = await Promise.all([
    session.get(`/alerts?state=open&awake=true&limit=${NEWEST}`),
    session.get(`/alerts?state=open&awake=true&severity=critical&limit=${MOST_CRITICAL}`),
    count(),
  ]);
  if (asked !== latest) return;
  cursor = last;
  highest = Math.max(highest, last);
  newest.value = page.items.filter(isOpen);
  criticals.value = new Map(critical.items.filter(isOpen).map((alert) => [alert.alert_id, alert]));
  arrive([...page.items, ...critical.items]);
  // What came live meanwhile is newer than these answers.
  for (const [alert, at] of [...lately.values()]) if (at > since) alertIs(alert);
}

async function catchUp() {
  await readOn();
  await count();
}

/** Reads what changed since the cursor. */
async function readOn() {
  const [asked, cut] = [latest, cuts];
  for (let pages = 0; pages < MOST_PAGES; pages += 1) {
    const { items, last } = await session.get(`/alerts/changes?after=${cursor}&limit=${CHANGES}`);
    if (asked !== latest || cut !== cuts) return undefined; // another reading has begun
    take(items);
    const next = Math.max(cursor, items.at(-1)?.change ?? last);
    const isEnd = next === cursor;
    cursor = next;
    if (isEnd) return undefined;
  }
  return load();
}

function look() {
  clearTimeout(looking);
  looking = null;
  if (cursor !== null) readOn().catch(() => {}); // the next look reads it
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

/** Remembers alerts, and tells of open ones that were not open, or not as grave, on this page before. `isChange`: whether they have just changed. */
function arrive(alerts, isChange = false) {
  const fresh = new Map();
  const news = new Set();
  for (const alert of alerts) {
    const { alert_id: id, change = 0, severity } = alert;
    const before = known.get(id);
    if (before && before.change > change) continue; // an answer that is older than what came live
    if (isOpen(alert) && (!before?.isOpen || ORDER.indexOf(severity) > ORDER.indexOf(before.severity))) {
      fresh.set(id, alert);
      if (before || isChange) news.add(alert);
    }
    known.delete(id);
    known.set(id, { isOpen: isOpen(alert), severity, change });
  }
  for (const [id] of known) {
    if (known.size <= MOST_KNOWN) break;
    known.delete(id);
  }
  if (fresh.size) arrivals.dispatchEvent(new CustomEvent("arrived", { detail: { alerts: [...fresh.values()], isNews: (alert) => news.has(alert) } }));
}

/** Takes an alert as the live link or an answer of the API gives it. */
export const alertIs = (alert) => take([alert]);

function take(alerts) {
  const news = alerts.filter((alert) => !((known.get(alert.alert_id)?.change ?? 0) > (alert.change ?? 0)));
  for (const alert of news) {
    lately.delete(alert.alert_id);
    lately.set(alert.alert_id, [alert, (heard += 1)]);
    if (lately.size > NEWEST) lately.delete(lately.keys().next().value);
    if (newest.value) newest.value = merged(newest.value, alert);
    adjust(alert, known.get(alert.alert_id)?.isOpen);
    const open = new Map(criticals.value);
    const was = open.delete(alert.alert_id);
    if (alert.severity === "critical" && isOpen(alert)) open.set(alert.alert_id, alert);
    if (was || open.size !== criticals.value.size) criticals.value = open;
  }
  arrive(news, true);
  if (news.length) counting ??= setTimeout(() => countAgain().catch(() => {}), COUNT_AFTER_MS); // the next alert counts again
}

/** Counts at once what is seen to change; the true count follows. */
function adjust(alert, wasOpen = false) {
  const by = Number(isOpen(alert)) - Number(wasOpen);
  if (by === 0) return;
  const now = openCounts.value;
  openCounts.value = { ...now, total: Math.max(0, now.total + by), [alert.severity]: Math.max(0, (now[alert.severity] ?? 0) + by) };
}

function merged(list, alert) {
  const at = list.findIndex((each) => each.alert_id === alert.alert_id);
  if (at >= 0) return isOpen(alert) ? list.with(at, alert) : list.toSpliced(at, 1);
  return !isOpen(alert) ? list : [alert, ...list].sort((a, b) => b.raised_at.localeCompare(a.raised_at)).slice(0, NEWEST);
}

/** Acknowledges one alert or many. Returns the alerts as they are now. */
export async function acknowledge(ids, comment = "") {
  if (ids.length > 1 || comment) return changeMany("acknowledge", ids, comment);
  const alert = await session.post(`/alerts/${ids[0]}/acknowledge`);
  alertIs(alert);
  return [alert];
}

/** Says of alerts that what they were about is over. Returns them as they are now. */
export const resolve = (ids, comment = "") => changeMany("resolve", ids, comment);

async function changeMany(verb, ids, comment) {
  const answer = await session.post(`/alerts/${verb}`, { alert_ids: ids, ...(comment && { comment }) });
  const alerts = answer.acknowledged ?? answer.resolved;
  take(alerts);
  return alerts;
}

effect(() => {
  const isHeard = me.value !== null && may("alerts:read");
  void resyncs.value;
  return untracked(() => {
    cuts += 1;
    if (isHeard) {
      const end = untilRead(newest.value === null ? load : catchUp);
      const looks = setInterval(look, LOOK_MS);
      return () => (clearInterval(looks), end());
    }
    latest += 1;
    clearTimeout(counting);
    clearTimeout(looking);
    counting = looking = null;
    cursor = null;
    highest = 0;
    known.clear();
    lately.clear();
    openCounts.value = NO_COUNTS;
    newest.value = null;
    criticals.value = new Map();
    return undefined;
  });
});

listen("alert", (alert) => {
  const { change = 0 } = alert;
  if (change === cursor + 1) cursor = change;
  if (change > highest + 1) looking ??= setTimeout(look, SOON_MS);
  highest = Math.max(highest, change);
  alertIs(alert);
});
