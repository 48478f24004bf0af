// Putting plates on watchlists: the same fields wherever a plate is added or its entry changed.

import { ENTRIES } from "../texts/pt-BR/watchlist.js";
import { instantOf, localOf } from "./dates.js";
import { SelectField, TextField } from "./form.js";
import { html } from "./html.js";

/** Fields for how, why and in which time a plate is watched. `entry`: as it is now, where there is one. */
export function EntryFields({ entry }) {
  return html`
    <${TextField} label=${ENTRIES.reason} name="reason" maxlength="500" defaultValue=${entry?.reason ?? ""} placeholder=${ENTRIES.reasonExample} autocomplete="off" />
    <${SelectField} label=${ENTRIES.match} name="match" value=${entry?.match ?? "era"} options=${Object.entries(ENTRIES.matches)} hint=${ENTRIES.matchHint} />
    <${TextField} label=${ENTRIES.from} name="valid_from" type="datetime-local" defaultValue=${localOf(entry?.valid_from)} hint=${ENTRIES.openStart} />
    <${TextField} label=${ENTRIES.until} name="valid_until" type="datetime-local" defaultValue=${localOf(entry?.valid_until)} hint=${ENTRIES.openEnd} />`;
}

/**
 * Returns what the fields say as the API takes it. With `entry`, only what differs from it, so that seconds that the fields don't show
 * stay. Throws a problem where the time would never come.
 */
export function entryOf(values, entry) {
  const ends = ["valid_from", "valid_until"].filter((end) => values[end] !== localOf(entry?.[end]));
  const validity = Object.fromEntries(ends.map((end) => [end, instantOf(values[end]) || null]));
  const { valid_from: from, valid_until: until } = { ...entry, ...validity };
  if (ends.includes("valid_until") && until && Date.parse(until) <= Date.now()) throw { code: "past" };
  if (ends.length && from && until && new Date(from) >= new Date(until)) throw { code: "reversed" };
  const rest = Object.fromEntries(["match", "reason"].filter((name) => values[name] !== entry?.[name]).map((name) => [name, values[name]]));
  return { ...rest, ...validity };
}

/** Words for what `entryOf` throws and the API refuses. */
export const ENTRY_WORDS = { past: ENTRIES.past, reversed: ENTRIES.reversed, invalid_plate: ENTRIES.notPlate };
