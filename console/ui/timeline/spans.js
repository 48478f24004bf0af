// What was recorded of one camera, as the API tells it, in milliseconds; and what that means at one instant.

/**
 * @typedef {{from: number, to: number}} Span
 * @typedef {Span & {cause: string, detail: string}} Gap
 * @typedef {Span & {storageClass: string, restoredUntil: number | null}} Archived
 * @typedef {{from: number, to: number, writtenTo: number | null, recorded: Span[], gaps: Gap[], archived: Archived[], recordedMs: number,
 *   density: {from: number, recordedMs: number}[] | null}} Recorded
 * @typedef {{isRecorded: boolean, until: number | null, next: number | null, gap: Gap | null, archived: Archived | null}} What `until`: the
 *   end of the recording that is going on; `next`: where the next one begins, null where there is none in what is known; `archived`: the
 *   off-site copy of this instant: all that there is of it where it is not recorded.
 */

/** @param {import("../../types/streaming").TimelineOut} timeline @returns {Recorded} */
export function recordedOf({ from, to, written_to: written, recorded, gaps, archived, recorded_s: seconds, density }) {
  const span = (each) => ({ ...each, from: Date.parse(each.from), to: Date.parse(each.to) });
  return {
    from: Date.parse(from),
    to: Date.parse(to),
    writtenTo: written ? Date.parse(written) : null,
    recorded: recorded.map(span),
    gaps: gaps.map(span),
    archived: archived.map(({ storage_class: storageClass, restored_until: until, ...each }) => ({ ...span(each), storageClass, restoredUntil: until ? Date.parse(until) : null })),
    recordedMs: seconds * 1_000,
    density: density?.map((each) => ({ from: Date.parse(each.from), recordedMs: each.recorded_s * 1_000 })) ?? null,
  };
}

/** Returns what there is at an instant; null where that is not known. @param {Recorded | null} known @returns {What | null} */
export function whatAt(known, at) {
  if (!known || at < known.from || at >= known.to) return null;
  const index = known.recorded.findIndex((span) => span.to > at);
  const span = index < 0 ? null : known.recorded[index];
  const holds = (each) => each.from <= at && at < each.to;
  const archived = known.archived.find(holds) ?? null;
  if (span && span.from <= at) return { isRecorded: true, until: span.to, next: null, gap: null, archived };
  return { isRecorded: false, until: null, next: span?.from ?? null, gap: known.gaps.find(holds) ?? null, archived };
}

/**
 * Returns the spans as they are drawn: what lies outside of the view is left out, and what stands closer than a pixel is one.
 * @template {Span} T @param {T[]} spans @param {{from: number, to: number}} view @param {number} width px @returns {T[]}
 */
export function drawn(spans, view, width) {
  const pixel = (view.to - view.from) / Math.max(width, 1);
  /** @type {T[]} */
  const found = [];
  for (const span of spans) {
    if (span.to <= view.from || span.from >= view.to) continue;
    const last = found.at(-1);
    const isSame = last && /** @type {any} */ (last).cause === /** @type {any} */ (span).cause;
    if (isSame && span.from - last.to < pixel) last.to = Math.max(last.to, span.to);
    else found.push({ ...span });
  }
  return found;
}
