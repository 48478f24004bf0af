// The fields by which a list is filtered: in a line, on a phone behind one word, as they would take the whole screen there.

import { COMMON } from "../texts/pt-BR/common.js";
import { html, useState } from "./html.js";

const narrow = matchMedia("(max-width: 60rem)");

/** `count`: how many of them are set, which is said while they are folded. */
export function Filters({ count, children }) {
  const [isOpen] = useState(!narrow.matches);
  return html`<details class="filters-box" open=${isOpen}>
    <summary>${COMMON.filters(count)}</summary>
    <div class="filters">${children}</div>
  </details>`;
}
