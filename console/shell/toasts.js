// Short words about what was done, or why not. They go by themselves, except those of failures.

import { html, signal } from "../ui/html.js";
import { COMMON } from "../texts/pt-BR/common.js";

const STAY_MS = 6_000;
const MOST = 4;
const toasts = signal([]);
let made = 0;

/** Shows `text`; `kind` is "done" or "failed". */
export function toast(text, kind = "done") {
  const id = (made += 1);
  toasts.value = [...toasts.value, { id, text, kind }].slice(-MOST);
  if (kind === "done") setTimeout(() => dismiss(id), STAY_MS);
}

/** Takes all away: what one user did is no news for the next. */
export const clearToasts = () => (toasts.value = []);

const dismiss = (id) => (toasts.value = toasts.value.filter((each) => each.id !== id));

export function Toasts() {
  return html`<div class="toasts" role="status" aria-live="polite">
    ${toasts.value.map(({ id, text, kind }) => html`<p key=${id} class="toast" data-kind=${kind}>
      <span>${text}</span><button type="button" class="quiet" onClick=${() => dismiss(id)} aria-label=${COMMON.dismiss}>×</button>
    </p>`)}
  </div>`;
}
