// How a hand moves the timeline: the wheel and two fingers zoom, dragging moves it, a click chooses an instant.

import { useEffect, useRef } from "../html.js";
import { moved, zoomed } from "./scale.js";

/** A hand that moves less than this while it presses has clicked. */
const STILL_PX = 5;
const WHEEL = 0.0015;

/**
 * Follows the pointers on an element. `now`: what is shown, {view, width}; `onView(view)`, `onSeek(at)`, `onHover({x, at} | null)`.
 */
export function useGestures(element, now, { onView, onSeek, onHover }) {
  const known = useRef(null);
  known.current = { ...now, onView, onSeek, onHover };
  useEffect(() => {
    const hand = new Hand(element.current, () => known.current);
    return () => hand.leave();
  }, []);
}

class Hand {
  #element;
  #now;
  #ends = new AbortController();
  /** Places of the pointers that press, by their ids. */
  #pressed = new Map();
  #start = null;
  #isStill = true;

  constructor(element, now) {
    this.#element = element;
    this.#now = now;
    const { signal } = this.#ends;
    const follow = (type, act) => element.addEventListener(type, act, { signal, passive: false });
    follow("wheel", (event) => this.#wheel(event));
    follow("pointerdown", (event) => this.#down(event));
    follow("pointermove", (event) => this.#move(event));
    follow("pointerup", (event) => this.#up(event, true));
    follow("pointercancel", (event) => this.#up(event, false));
    follow("pointerleave", () => this.#pressed.size || this.#now().onHover(null));
  }

  leave() {
    this.#ends.abort();
  }

  #x(event) {
    return event.clientX - this.#element.getBoundingClientRect().left;
  }

  #at(x, { from, to } = this.#now().view) {
    return from + (x / this.#now().width) * (to - from);
  }

  #wheel(event) {
    event.preventDefault();
    const { view, width, onView } = this.#now();
    const isAcross = event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY);
    if (isAcross) onView(moved(view, ((event.deltaX || event.deltaY) / width) * (view.to - view.from)));
    else onView(zoomed(view, Math.exp(event.deltaY * (event.deltaMode ? 30 : 1) * WHEEL), this.#at(this.#x(event))));
  }

  #down(event) {
    if (event.button !== 0) return;
    try {
      this.#element.setPointerCapture(event.pointerId);
    } catch {
      // a pointer that is gone already
    }
    this.#isStill = this.#pressed.size === 0;
    this.#pressed.set(event.pointerId, this.#x(event));
    this.#start = { view: this.#now().view, places: [...this.#pressed.values()] };
  }

  #move(event) {
    const x = this.#x(event);
    if (!this.#pressed.has(event.pointerId)) {
      if (event.pointerType === "mouse") this.#now().onHover({ x, at: this.#at(x) });
      return;
    }
    this.#pressed.set(event.pointerId, x);
    const { view, places } = this.#start;
    const [first, second] = [...this.#pressed.values()];
    if (this.#isStill && Math.abs(first - places[0]) < STILL_PX && second === undefined) return;
    this.#isStill = false;
    const { width, onView, onHover } = this.#now();
    onHover(null);
    if (second === undefined) return onView(moved(view, ((places[0] - first) / width) * (view.to - view.from)));
    const factor = Math.abs(places[1] - places[0]) / Math.max(1, Math.abs(second - first));
    return onView(zoomed(view, factor, this.#at((places[0] + places[1]) / 2, view)));
  }

  #up(event, isDone) {
    if (!this.#pressed.delete(event.pointerId)) return;
    if (isDone && this.#isStill && this.#pressed.size === 0) this.#now().onSeek(this.#at(this.#x(event)));
    this.#start = { view: this.#now().view, places: [...this.#pressed.values()] };
  }
}
