// A rule as its form holds it, and as the API takes it.

import { toldOf } from "../../ui/told.js";

const EMPTY = {
  classes: [], camera_ids: [], group_ids: [], min_confidence: 0.5, zone: null, line: null, dwell_s: null, count: null, colours: [], plate: null, schedule: null,
};
const FRESH = { name: "", severity: "warning", condition: EMPTY, cooldown_s: 60, channel_ids: null };
const KINDS_OF_PLATE = ["any", "none"];
const PREFIX = /^[A-Z0-9]{1,7}$/;

/** The API keeps sets, whose order is not always the same. */
const sorted = (values) => [...values].sort();

const text = (value) => (value === null || value === undefined ? "" : String(value));

/** Returns what the form holds of a rule; of none, what a new one begins with. */
export function draftOf(rule) {
  const { name, severity, condition: given, cooldown_s: cooldown, channel_ids: channels } = rule ?? FRESH;
  const condition = { ...EMPTY, ...given };
  const { line, plate, count, camera_ids: cameras, group_ids: groups } = condition;
  const isPrefix = Boolean(plate) && !KINDS_OF_PLATE.includes(plate);
  return {
    name, severity, channel_ids: channels?.length ? channels : null,
    classes: sorted(condition.classes), colours: sorted(condition.colours),
    place: cameras.length ? "cameras" : groups.length ? "groups" : "all", camera_ids: sorted(cameras), group_ids: sorted(groups),
    confidence: text(Math.round(condition.min_confidence * 100)),
    plate: isPrefix ? "prefix" : text(plate), prefix: isPrefix ? plate : "",
    zone: condition.zone?.points ?? [],
    line: line ? { points: [line.a, line.b], direction: line.direction } : { points: [], direction: "any" },
    dwell: text(condition.dwell_s),
    isCounted: count !== null, at_least: text(count?.at_least ?? 5), within: text(count?.within_s ?? 600),
    schedule: condition.schedule, cooldown: text(cooldown),
  };
}

const turn = ([ax, ay], [bx, by], [cx, cy]) => Math.sign((bx - ax) * (cy - ay) - (by - ay) * (cx - ax));

/** Whether two sides of a zone cross each other. */
function isCrossed(zone) {
  const sides = zone.map((point, place) => [point, zone[(place + 1) % zone.length]]);
  return sides.some(([a, b]) => sides.some(([c, d]) => turn(a, b, c) * turn(a, b, d) < 0 && turn(c, d, a) * turn(c, d, b) < 0));
}

/** Returns the condition that the form describes. Throws a problem where it is not one. */
export function conditionOf(draft) {
  const { place, zone, line, plate } = draft;
  const prefix = draft.prefix.replace(/[\s-]/g, "").toUpperCase();
  if (place === "cameras" ? !draft.camera_ids.length : place === "groups" && !draft.group_ids.length) throw { code: "no_place" };
  if (zone.length && zone.length < 3) throw { code: "zone_open" };
  if (isCrossed(zone)) throw { code: "zone_crossed" };
  if (line.points.length === 1) throw { code: "line_open" };
  if (plate === "prefix" && !PREFIX.test(prefix)) throw { code: "no_prefix" };
  if (draft.schedule && !draft.schedule.days.length) throw { code: "no_days" };
  const [a, b] = line.points;
  return {
    classes: draft.classes,
    camera_ids: place === "cameras" ? draft.camera_ids : [],
    group_ids: place === "groups" ? draft.group_ids : [],
    min_confidence: Number(draft.confidence) / 100,
    zone: zone.length ? { points: zone } : null,
    line: b ? { a, b, direction: line.direction } : null,
    dwell_s: draft.dwell === "" || b ? null : Number(draft.dwell),
    count: draft.isCounted ? { at_least: Number(draft.at_least), within_s: Number(draft.within) } : null,
    colours: draft.colours,
    plate: plate === "prefix" ? prefix : plate || null,
    schedule: draft.schedule,
  };
}

/** Returns the whole rule as the API takes it. Throws a problem where the form is not one. */
export const ruleOf = (draft) => ({
  name: draft.name.trim(), severity: draft.severity, condition: conditionOf(draft), cooldown_s: Number(draft.cooldown), channel_ids: toldOf(draft.channel_ids),
});

/** Returns the condition as far as the form is one, or null. */
export function readable(draft) {
  try {
    return conditionOf(draft);
  } catch {
    return null;
  }
}

/** The one camera on whose picture can be drawn, or null. */
export const drawnOn = ({ place, camera_ids: ids }) => (place === "cameras" && ids.length === 1 ? ids[0] : null);
