// In which time a plate is watched, in words; one that has ended or not begun says so.

import { ENTRIES } from "../../texts/pt-BR/watchlist.js";
import { moment } from "../../ui/dates.js";
import { html } from "../../ui/html.js";

export function Validity({ entry: { valid_from: from, valid_until: until } }) {
  const now = Date.now();
  if (until && Date.parse(until) <= now) return html`<span class="badge" data-state="off">${ENTRIES.expired(moment(until))}</span>`;
  const end = until ? ENTRIES.upTo(moment(until)) : "";
  if (from && Date.parse(from) > now) return html`<span class="badge">${ENTRIES.pending(moment(from))}</span>${end && ` ${end}`}`;
  return [from && ENTRIES.since(moment(from)), end].filter(Boolean).join(", ") || ENTRIES.always;
}
