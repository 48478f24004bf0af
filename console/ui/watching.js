// Putting plates on watchlists: the same fields wherever a plate is added or its entry changed.

import { groups } from "../stores/groups.js";
import { SEVERITIES } from "../texts/pt-BR/common.js";
import { ENTRIES } from "../texts/pt-BR/watchlist.js";
import { CamerasField, GroupBoxes } from "./choosing.js";
import { instantOf, localOf } from "./dates.js";
import { CheckField, SelectField, TextField } from "./form.js";
import { html, useState } from "./html.js";
import { NIGHTS, WeekFields } from "./week.js";

/** What an entry is where nothing else was said. */
const USUAL = { enabled: true, legal_basis: "", priority: null, hours: null, camera_ids: [], group_ids: [] };

/** Fields for how, why, where and in which time a plate is watched. `entry`: as it is now, where there is one. */
export function EntryFields({ entry }) {
  const known = { ...USUAL, ...entry };
  const isMore = Object.entries(USUAL).some(([name, usual]) => JSON.stringify(known[name]) !== JSON.stringify(usual));
  return html`
    <${TextField} label=${ENTRIES.reason} name="reason" maxlength="500" defaultValue=${entry?.reason ?? ""} placeholder=${ENTRIES.reasonExample} autocomplete="off" />
    <${MatchField} match=${entry?.match ?? "era"} />
    <div class="numbers">
      <${TextField} label=${ENTRIES.from} name="valid_from" type="datetime-local" defaultValue=${localOf(entry?.valid_from)} hint=${ENTRIES.openStart} />
      <${TextField} label=${ENTRIES.until} name="valid_until" type="datetime-local" defaultValue=${localOf(entry?.valid_until)} hint=${ENTRIES.openEnd} />
    </div>
    <details open=${isMore}><summary>${ENTRIES.more}</summary><div class="form">
      <${TextField} label=${ENTRIES.legalBasis} name="legal_basis" maxlength="500" defaultValue=${known.legal_basis} placeholder=${ENTRIES.legalExample} autocomplete="off" />
      <${SelectField} label=${ENTRIES.priority} name="priority" value=${known.priority ?? ""} options=${[["", ENTRIES.asTheList], ...Object.entries(SEVERITIES)]} />
      <${Limits} entry=${known} />
      <${CheckField} label=${ENTRIES.enabled} hint=${ENTRIES.enabledHint} name="enabled" defaultChecked=${known.enabled} />
    </div></details>`;
}

/** How closely a plate is compared, with a word on what the choice means. */
function MatchField({ match: given }) {
  const [match, setMatch] = useState(given);
  return html`<${SelectField} label=${ENTRIES.match} name="match" value=${match} options=${Object.entries(ENTRIES.matches)} hint=${ENTRIES.matchHints[match]}
    onChange=${(event) => setMatch(event.target.value)} />`;
}

/** Hours, cameras and groups; the form gets them as one hidden field. */
function Limits({ entry }) {
  const [limits, setLimits] = useState({ hours: entry.hours, camera_ids: entry.camera_ids, group_ids: entry.group_ids });
  const edit = (changes) => setLimits((before) => ({ ...before, ...changes }));
  const hasGroups = groups.value?.length > 0 || limits.group_ids.length > 0;
  return html`<input type="hidden" name="limits" value=${JSON.stringify(limits)} />
    <${CamerasField} chosen=${limits.camera_ids} onChange=${(ids) => edit({ camera_ids: ids })} />
    ${hasGroups && html`<${GroupBoxes} legend=${ENTRIES.groups} chosen=${limits.group_ids} onChange=${(ids) => edit({ group_ids: ids })} />`}
    <${CheckField} label=${ENTRIES.hours} checked=${limits.hours !== null} onChange=${(event) => edit({ hours: event.target.checked ? NIGHTS : null })} />
    ${limits.hours && html`<${WeekFields} value=${limits.hours} onChange=${(hours) => edit({ hours })} />`}`;
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
  return { ...rest, ...validity, ...(values.limits ? changedFrom({ ...USUAL, ...entry }, values) : {}) };
}

/** What the further fields say and `known` does not; a form without them says nothing of them. */
function changedFrom(known, values) {
  const limits = JSON.parse(values.limits);
  if (limits.hours && !limits.hours.days.length) throw { code: "no_days" };
  const given = { ...limits, legal_basis: values.legal_basis.trim(), priority: values.priority || null, enabled: "enabled" in values };
  return Object.fromEntries(Object.entries(given).filter(([name, value]) => JSON.stringify(value) !== JSON.stringify(known[name])));
}

/** Words for what `entryOf` throws and the API refuses. */
export const ENTRY_WORDS = { past: ENTRIES.past, reversed: ENTRIES.reversed, invalid_plate: ENTRIES.notPlate, no_days: ENTRIES.noDays };
