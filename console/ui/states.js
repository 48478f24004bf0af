// What stands where content is not there: still loading, nothing found, failed.

import { COMMON } from "../texts/pt-BR/common.js";
import { inWords } from "../texts/pt-BR/errors.js";
import { html } from "./html.js";

/** Grey lines in the place of what is being loaded: never a blank page. */
export function Skeleton({ lines = 6 }) {
  return html`<div class="skeleton" role="status" aria-label=${COMMON.loading}>${Array.from({ length: lines }, (_, index) => html`<i key=${index} />`)}</div>`;
}

/** Says that there is nothing, and leads somewhere: `children` are the links or buttons. */
export function Empty({ text, children }) {
  return html`<div class="empty"><p>${text}</p>${children && html`<div class="actions">${children}</div>`}</div>`;
}

/** Says why it failed, and offers another try. */
export function Failed({ problem, retry, words }) {
  return html`<div class="empty" role="alert">
    <p class="error">${inWords(problem, words)}</p>
    ${retry && html`<div class="actions"><button type="button" onClick=${retry}>${COMMON.retry}</button></div>`}
  </div>`;
}
