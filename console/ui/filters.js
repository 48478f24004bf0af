// The fields by which a list is filtered: in a line, on a phone behind one word, as they would take the whole screen there.

import { COMMON } from "../texts/pt-BR/common.js";
import { html } from "./html.js";
import { NARROW, useMedia } from "./media.js";

/** `count`: how many of them are set, which is said while they are folded. */
export function Filters({ count, children }) {
  const isNarrow = useMedia(NARROW);
  return html`<details class="filters-box" open=${!isNarrow}>
    <summary>${COMMON.filters(count)}</summary>
    <div class="filters">${children}</div>
  </details>`;
}
