// In which time and where a plate is watched, in words; one that is switched off, has ended or not begun says so.

import { groupName } from "../../stores/groups.js";
import { ENTRIES } from "../../texts/pt-BR/watchlist.js";
import { hoursInWords } from "../../texts/pt-BR/when.js";
import { moment } from "../../ui/dates.js";
import { html } from "../../ui/html.js";

export function Validity({ entry: { valid_from: from, valid_until: until, enabled } }) {
  if (enabled === false) return html`<span class="badge" data-state="off">${ENTRIES.off}</span>`;
  const now = Date.now();
  if (until && Date.parse(until) <= now) return html`<span class="badge" data-state="off">${ENTRIES.expired(moment(until))}</span>`;
  const end = until ? ENTRIES.upTo(moment(until)) : "";
  if (from && Date.parse(from) > now) return html`<span class="badge">${ENTRIES.pending(moment(from))}</span>${end && ` ${end}`}`;
  return [from && ENTRIES.since(moment(from)), end].filter(Boolean).join(", ") || ENTRIES.always;
}

/** Hours and places, where it isn't watched always and everywhere. */
export function Limits({ entry: { hours, camera_ids: cameras = [], group_ids: groups = [] } }) {
  const words = [hours && hoursInWords(hours), cameras.length > 0 && ENTRIES.inCameras(cameras.length), groups.length > 0 && ENTRIES.inGroups(groups.map(groupName))];
  return words.filter(Boolean).map((text) => html`<div key=${text} class="muted">${text}</div>`);
}
