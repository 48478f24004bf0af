// A long list of which only the rows in sight exist. Rows are of one height, keyed, and keep their focus while others come and go.

import { html, useEffect, useLayoutEffect, useRef, useState } from "./html.js";

const BEYOND = 6;

/**
 * `items`, `keyOf(item)`, `row(item, index)` -> element, `height` of a row in px, `label` of the list for screen readers;
 * `onEnd` is called when the last row comes near, so that the next page can be read.
 * While the list is scrolled, new items on top do not move what is in sight. The row with the focus is there wherever it has been moved.
 */
export function VirtualList({ items, keyOf, row, height, label, onEnd, footer, className = "" }) {
  const box = useRef(null);
  const [view, setView] = useState({ top: 0, room: 0 });
  const [focused, setFocused] = useState(null);
  const first = useRef(null);
  const drawn = useRef(height);
  useEffect(() => {
    const see = () => box.current && setView({ top: box.current.scrollTop, room: box.current.clientHeight });
    const sized = new ResizeObserver(see);
    sized.observe(box.current);
    return () => sized.disconnect();
  }, []);
  useLayoutEffect(() => {
    box.current.scrollTop = (view.top / drawn.current) * height; // a turned phone shows the same rows
    drawn.current = height;
  }, [height]);
  useLayoutEffect(() => {
    const before = first.current;
    first.current = items.length ? keyOf(items[0]) : null;
    if (before === null || before === first.current || box.current.scrollTop < height) return;
    const moved = items.findIndex((item) => keyOf(item) === before);
    if (moved > 0) box.current.scrollTop += moved * height;
  }, [items]);
  const from = Math.max(0, Math.floor(view.top / height) - BEYOND);
  const to = Math.min(items.length, Math.ceil((view.top + view.room) / height) + BEYOND);
  const isAtEnd = items.length > 0 && view.room > 0 && to >= items.length - BEYOND;
  useEffect(() => {
    if (isAtEnd) onEnd?.();
  });
  const scrolled = () => setView({ top: box.current.scrollTop, room: box.current.clientHeight });
  const shown = items.slice(from, to).map((item, index) => [item, from + index]);
  const kept = focused === null || shown.some(([item]) => keyOf(item) === focused) ? -1 : items.findIndex((item) => keyOf(item) === focused);
  if (kept >= 0) shown.push([items[kept], kept]);
  return html`<div ref=${box} class=${`virtual ${className}`} onScroll=${scrolled} tabindex="-1">
    <ul role="list" aria-label=${label} style=${{ height: `${items.length * height}px` }}>
      ${shown.map(([item, index]) => html`<li key=${keyOf(item)} aria-setsize=${items.length} aria-posinset=${index + 1}
        onFocusIn=${() => setFocused(keyOf(item))} onFocusOut=${() => setFocused(null)}
        style=${{ transform: `translateY(${index * height}px)`, height: `${height}px` }}>${row(item, index)}</li>`)}
    </ul>
    ${footer}
  </div>`;
}
