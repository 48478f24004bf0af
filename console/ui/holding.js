// Live lists that stay still under a hand: while the pointer or the focus is on a list, new items wait behind a button that counts them.

import { html, useRef, useState } from "./html.js";

const isCoarse = matchMedia("(pointer: coarse)");

/**
 * `items`, newest first; `keyOf(item)`. Returns {shown, waiting, release, hold}: `shown` is what may be on the screen, `waiting` how many
 * newer ones wait, `release()` shows them, `hold` are the handlers for the list's box. On a touch screen new items always wait, as the
 * finger that comes down cannot be seen.
 */
export function useHeld(items, keyOf) {
  const [isHeld, setHeld] = useState(false);
  const [, redraw] = useState(0);
  const first = useRef(null);
  const at = (isHeld || isCoarse.matches) && first.current !== null ? items.findIndex((item) => keyOf(item) === first.current) : 0;
  const waiting = Math.max(0, at);
  const shown = waiting ? items.slice(waiting) : items;
  first.current = shown.length ? keyOf(shown[0]) : null;
  const release = () => {
    first.current = null;
    redraw((count) => count + 1);
  };
  const hold = {
    onPointerEnter: () => setHeld(true),
    onPointerLeave: (event) => setHeld(event.currentTarget.contains(document.activeElement)),
    onFocusIn: () => setHeld(true),
    onFocusOut: (event) => event.currentTarget.contains(event.relatedTarget) || setHeld(event.currentTarget.matches(":hover")),
  };
  return { shown, waiting, release, hold };
}

/** `words(count)`: "3 novos alertas". Keeps its room while there is nothing to show, so that it moves nothing either. */
export function Waiting({ count, words, release }) {
  return html`<button type="button" class="waiting" data-count=${count} disabled=${count === 0} onClick=${release}>${count ? words(count) : ""}</button>`;
}
