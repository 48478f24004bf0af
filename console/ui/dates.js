// Instants as people of the city read them: in the city's time zone, in Portuguese.

import { me } from "../shell/state.js";

const zone = () => me.value?.timezone || undefined;
const makers = new Map();

function format(options) {
  const key = JSON.stringify([options, zone()]);
  if (!makers.has(key)) makers.set(key, new Intl.DateTimeFormat("pt-BR", { ...options, timeZone: zone() }));
  return makers.get(key);
}

/** Whether there is an instant: an address may hold any text where one belongs. */
const isInstant = (given) => Boolean(given) && !Number.isNaN(new Date(given).getTime());

/** "29/11/2026, 08:41:07" */
export const moment = (instant) => (isInstant(instant) ? format({ dateStyle: "short", timeStyle: "medium" }).format(new Date(instant)) : "");

/** "08:41:07" */
export const clock = (instant) => (isInstant(instant) ? format({ timeStyle: "medium" }).format(new Date(instant)) : "");

/** "29/11/2026" */
export const day = (instant) => (isInstant(instant) ? format({ dateStyle: "short" }).format(new Date(instant)) : "");

/** "08:41" */
export const hourOf = (instant) => (isInstant(instant) ? format({ hour: "2-digit", minute: "2-digit" }).format(new Date(instant)) : "");

/** "28/11" */
export const dayOf = (instant) => (isInstant(instant) ? format({ day: "2-digit", month: "2-digit" }).format(new Date(instant)) : "");

/** "nov. de 2026" */
export const monthOf = (instant) => (isInstant(instant) ? format({ month: "short", year: "numeric" }).format(new Date(instant)) : "");

/** "08:41" today, "28/11 08:41" before: for what happened lately. */
export function lately(instant) {
  if (!isInstant(instant)) return "";
  return day(instant) === day(Date.now()) ? hourOf(instant) : `${dayOf(instant)} ${hourOf(instant)}`;
}

/** @type {[string, number][]} */
const STEPS = [["d", 86_400], ["h", 3_600], ["min", 60], ["s", 1]];

/** "3 h", "12 min": how long ago, in its largest unit. */
export function ago(instant, now = Date.now()) {
  const seconds = Math.max(0, Math.round((now - new Date(instant).getTime()) / 1000));
  const [unit, size] = STEPS.find(([, length]) => seconds >= length) ?? STEPS.at(-1);
  return `${Math.floor(seconds / size)} ${unit}`;
}

/** Returns the instant (ISO, UTC) of a `datetime-local` value, which is in the city's time zone; "" for none. */
export function instantOf(local) {
  if (!local || !isInstant(`${local}Z`)) return "";
  const asUtc = new Date(`${local}Z`).getTime();
  // Twice: the second look is with the offset of about the right instant, which matters where daylight saving begins or ends.
  const first = asUtc - offset(asUtc);
  return new Date(asUtc - offset(first)).toISOString();
}

/** Returns an instant as the value of a `datetime-local` field, in the city's time zone. */
export function localOf(instant) {
  if (!isInstant(instant)) return "";
  const time = new Date(instant).getTime();
  return new Date(time + offset(time)).toISOString().slice(0, 16);
}

/** Returns when the day of an instant begins in the city, or one so many days later, in milliseconds since 1970. */
export function startOfDay(instant, days = 0) {
  const time = new Date(instant).getTime();
  const local = new Date(time + offset(time));
  const midnight = Date.UTC(local.getUTCFullYear(), local.getUTCMonth(), local.getUTCDate() + days);
  return midnight - offset(midnight - offset(midnight));
}

/** Milliseconds by which the city's clocks are ahead of UTC at `time`. */
export function offset(time) {
  const options = { year: "numeric", month: "numeric", day: "numeric", hour: "numeric", minute: "numeric", second: "numeric", hourCycle: "h23" };
  const parts = Object.fromEntries(format(options).formatToParts(new Date(time)).map((part) => [part.type, Number(part.value)]));
  return Date.UTC(parts.year, parts.month - 1, parts.day, parts.hour, parts.minute, parts.second) - Math.floor(time / 1000) * 1000;
}
