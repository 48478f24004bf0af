// The timeline in words, for whoever does not see it.

import { TIMELINE } from "../../texts/pt-BR/timeline.js";
import { day, dayOf, hourOf, moment } from "../dates.js";
import { DAY, MINUTE, SECOND, SPANS_UP_TO } from "./scale.js";

const SAID = 3;

export const causeInWords = (gap) => TIMELINE.details[gap?.detail] ?? TIMELINE.causes[gap?.cause ?? "unknown"] ?? TIMELINE.causes.unknown;

/** "gravado", or why not. @param {import("./spans.js").What | null} what @param {string | false} name */
export function whatInWords(what, name = false) {
  if (!what) return "";
  const words = what.isRecorded ? recordedInWords(what) : what.archived ? TIMELINE.archived : what.gap ? TIMELINE.missing(causeInWords(what.gap)) : TIMELINE.nothing;
  return name ? `${name}: ${words}` : words;
}

const recordedInWords = ({ archived }) => (archived?.restoredUntil ? TIMELINE.restored(moment(archived.restoredUntil)) : TIMELINE.recorded);

/** "10:02", with the day where the two are not of the same. */
const short = (at, other) => (day(at) === day(other) ? hourOf(at) : `${dayOf(at)} ${hourOf(at)}`);

/** "sem gravação de 10:02 a 10:14: câmera sem rede" */
export function gapInWords({ from, to, cause, detail = "" }) {
  return TIMELINE.gap(short(from, from), short(to, from), causeInWords({ cause, detail }));
}

/** "23 h 12 min", "1 min 20 s" */
export function length(ms) {
  if (ms < 10 * MINUTE) {
    const seconds = Math.round(ms / SECOND);
    return [seconds >= 60 && `${Math.floor(seconds / 60)} min`, seconds % 60 && `${seconds % 60} s`].filter(Boolean).join(" ") || TIMELINE.lessThanASecond;
  }
  const minutes = Math.round(ms / MINUTE);
  const [days, hours, rest] = [Math.floor(minutes / 1440), Math.floor((minutes % 1440) / 60), minutes % 60];
  const parts = [days && `${days} d`, hours && `${hours} h`, rest && !days && `${rest} min`].filter(Boolean);
  return parts.join(" ");
}

/** How much of what is shown was recorded, and the longest gaps, camera by camera. */
export function summaryOf(lanes, view) {
  const about = TIMELINE.shown(moment(view.from), moment(view.to));
  const each = lanes.filter((lane) => lane.recorded).map((lane) => {
    const words = view.to - view.from > SPANS_UP_TO || lane.recorded.density ? daysOf(lane.recorded, view) : spansOf(lane.recorded, view);
    return lanes.length > 1 ? `${lane.name}: ${words}` : words;
  });
  return [about, ...each].join(" ");
}

function daysOf({ density }, view) {
  const days = (density ?? []).filter(({ from }) => from + DAY > view.from && from < view.to);
  return TIMELINE.days(days.filter((each) => each.recordedMs > 0).length, days.length);
}

function spansOf({ recorded, gaps, archived }, view) {
  const within = ({ from, to }) => Math.max(0, Math.min(to, view.to) - Math.max(from, view.from));
  const sum = recorded.reduce((total, span) => total + within(span), 0);
  const away = archived.filter(({ restoredUntil }) => restoredUntil === null).reduce((total, span) => total + within(span), 0);
  const seen = gaps.filter((gap) => within(gap) > 0).map((gap) => ({ ...gap, from: Math.max(gap.from, view.from), to: Math.min(gap.to, view.to) }));
  const longest = [...seen].sort((a, b) => within(b) - within(a)).slice(0, SAID).sort((a, b) => a.from - b.from);
  return [TIMELINE.sum(length(sum)), away > 0 && TIMELINE.away(length(away)), TIMELINE.gaps(seen.length), longest.length > 0 && `${longest.map(gapInWords).join("; ")}.`].filter(Boolean).join(" ");
}
