// Live lists that stay still under a hand: while the pointer or the focus is on a list, new items wait behind a button that counts them.

import { html, useRef, useState } from "./html.js";

const isCoarse = matchMedia("(pointer: coarse)");

/**
 * `items`, newest first; `keyOf(item)`. Returns {shown, waiting, release, hold}: `shown` is what may be on the screen, `waiting` how many
 * others wait, `release()` shows them, `hold` are the handlers for the list's box. On a touch screen new items always wait, as the
 * finger that comes down cannot be seen.
 */
export function useHeld(items, keyOf) {
  const [isHeld, setHeld] = useState(false);
  const [, redraw] = useState(0);
  const before = useRef([]);
  const shown = isHeld || isCoarse.matches ? unmoved(items, before.current, keyOf) : items;
  const waiting = items.length - shown.length;
  before.current = shown;
  const release = () => {
    before.current = [];
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

/** Returns the items without new ones before the last that was on the screen already: also one that comes late would move the rest. */
function unmoved(items, before, keyOf) {
  if (items === before) return items;
  const known = new Set(before.map(keyOf));
  const last = items.findLastIndex((item) => known.has(keyOf(item)));
  return items.filter((item, at) => at > last || known.has(keyOf(item)));
}

/** `words(count)`: "3 novos alertas". Keeps its room while there is nothing to show, so that it moves nothing either. */
export function Waiting({ count, words, release }) {
  return html`<button type="button" class="waiting" data-count=${count} disabled=${count === 0} onClick=${release}>${count ? words(count) : "\u00a0"}</button>`;
}
