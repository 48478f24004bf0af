// Between the instants of a recording and the places in its video, which leaves the gaps out.

/** A difference between two neighbours that is no gap. */
const JOINED_MS = 1_500;

/** Follows the fragments of a playlist, as their starts are corrected while they are loaded. */
export class Positions {
  #details;

  /** @param {{fragments: {start: number, duration: number, programDateTime: number | null}[]}} details */
  constructor(details) {
    this.#details = details;
  }

  /** Takes a playlist over that has grown. */
  grown(details) {
    this.#details = details;
  }

  get #fragments() {
    return this.#details.fragments;
  }

  /** The first and the last instant (ms); null where nothing was recorded. */
  get first() {
    return this.#fragments[0]?.programDateTime ?? null;
  }

  get last() {
    const end = this.#fragments.at(-1);
    return end ? end.programDateTime + end.duration * 1_000 : null;
  }

  /** Returns the second of the video at which an instant is shown, or else what was recorded next; null where nothing was. */
  positionOf(instant) {
    const found = this.#fragments.find(({ programDateTime: began, duration }) => began + duration * 1_000 > instant);
    if (!found) return null;
    return found.start + Math.max(0, instant - found.programDateTime) / 1_000;
  }

  /** Whether an instant was recorded, as far as this playlist goes. */
  holds(instant) {
    const found = this.#fragments.find(({ programDateTime: began, duration }) => began + duration * 1_000 > instant);
    return Boolean(found) && found.programDateTime <= instant + JOINED_MS;
  }

  /** Returns the instant that is shown at a second of the video; null where nothing was recorded. */
  instantAt(position) {
    const fragments = this.#fragments;
    const found = fragments.findLast(({ start }) => start <= position + 0.001) ?? fragments[0];
    if (!found) return null;
    return found.programDateTime + Math.min(Math.max(0, position - found.start), found.duration) * 1_000;
  }
}
