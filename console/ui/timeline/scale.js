// The arithmetic of the timeline: which time is shown, where an instant lies in it, and which instants are written below it.

import { offset, startOfDay } from "../dates.js";

export const SECOND = 1_000;
export const MINUTE = 60 * SECOND;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;
export const NARROWEST = MINUTE;
export const WIDEST = 366 * DAY;
/** Above this there is no room for single spans: days are shown by how much of each was recorded. */
export const SPANS_UP_TO = 31 * DAY;
/** How far beyond now the timeline reaches, as a share of what is shown. */
const BEYOND = 0.05;
const APART_PX = 80;
const STEPS = [SECOND, 5 * SECOND, 10 * SECOND, 30 * SECOND, MINUTE, 5 * MINUTE, 10 * MINUTE, 30 * MINUTE, HOUR, 2 * HOUR, 3 * HOUR, 6 * HOUR, 12 * HOUR];
const DAY_STEPS = [1, 2, 7];

/** @typedef {{from: number, to: number}} View what is shown, in milliseconds since 1970 */

/** Returns a view of this length around an instant. @param {number} at @param {number} span @param {number} now @returns {View} */
export function around(at, span, now = Date.now()) {
  const length = Math.min(Math.max(span, NARROWEST), WIDEST);
  return notBeyond({ from: at - length / 2, to: at + length / 2 }, now);
}

/** Returns the view made longer or shorter by `factor`; `at` keeps its place. @param {View} view @returns {View} */
export function zoomed({ from, to }, factor, at, now = Date.now()) {
  const span = Math.min(Math.max((to - from) * factor, NARROWEST), WIDEST);
  const share = (at - from) / (to - from);
  return notBeyond({ from: at - span * share, to: at + span * (1 - share) }, now);
}

/** @param {View} view @param {number} by milliseconds @returns {View} */
export const moved = ({ from, to }, by, now = Date.now()) => notBeyond({ from: from + by, to: to + by }, now);

/** Returns the view moved so that an instant is in it, or itself. @param {View} view @returns {View} */
export function showing(view, at, now = Date.now()) {
  if (view.from <= at && at < view.to) return view;
  return around(at, view.to - view.from, now);
}

/** Whole milliseconds, and little of the future. @returns {View} */
function notBeyond({ from, to }, now) {
  const span = Math.round(to - from);
  const end = Math.min(to, now + span * BEYOND);
  return { from: Math.round(end - span), to: Math.round(end) };
}

/**
 * Returns the instants that are written below a timeline of this width, with what is written: "second", "minute", "day" or "month".
 * @param {View} view @param {number} width px @returns {{at: number, unit: string}[]}
 */
export function ticks({ from, to }, width) {
  const least = ((to - from) * APART_PX) / Math.max(width, APART_PX);
  const step = STEPS.find((each) => each >= least);
  return step ? timesOfDay(from, to, step) : days(from, to, least / DAY);
}

function timesOfDay(from, to, step) {
  const ahead = offset(from);
  const found = [];
  for (let at = Math.ceil((from + ahead) / step) * step - ahead; at < to; at += step) {
    const isMidnight = (at + ahead) % DAY === 0;
    found.push({ at, unit: isMidnight ? "day" : step < MINUTE ? "second" : "minute" });
  }
  return found;
}

function days(from, to, least) {
  const step = DAY_STEPS.find((each) => each >= least) ?? null;
  const months = Math.ceil(least / 30);
  const found = [];
  for (let at = startOfDay(from, 1); at < to; at = startOfDay(at + HOUR, 1)) {
    const local = new Date(at + offset(at));
    if (step === null) {
      if (local.getUTCDate() === 1 && local.getUTCMonth() % months === 0) found.push({ at, unit: "month" });
    } else if (Math.round((at + offset(at)) / DAY) % step === 0) found.push({ at, unit: "day" });
  }
  return found;
}
