// Dialogs: native ones, which keep the focus inside, close by Esc, and give the focus back to what opened them.

import { COMMON } from "../texts/pt-BR/common.js";
import { html, signal, useId, useLayoutEffect, useRef } from "./html.js";

/**
 * Shows its children until `onClose` is called by Esc, the button or a click outside. `firm`: a click outside leaves it open, as where
 * much has been typed, or something is shown that is not shown again.
 */
export function Dialog({ title, onClose, wide = false, firm = false, children }) {
  const dialog = useRef(null);
  const id = useId();
  // Before it is drawn: a key that is typed next belongs to its first field already.
  useLayoutEffect(() => {
    const opener = /** @type {HTMLElement | null} */ (document.activeElement);
    const shown = dialog.current;
    shown.showModal();
    shown.querySelector(".body :is(input, select, textarea, button)")?.focus();
    return () => {
      shown.close(); // nothing else takes the focus while it is open
      if (opener?.isConnected) opener.focus?.();
    };
  }, []);
  const outside = (event) => !firm && isOutside(event, dialog.current) && onClose();
  const cancelled = (event) => {
    event.preventDefault(); // the owner takes it away
    onClose();
  };
  return html`<dialog ref=${dialog} class=${wide ? "wide" : ""} aria-labelledby=${id} onMouseDown=${outside} onCancel=${cancelled}>
    <header><h2 id=${id}>${title}</h2><button type="button" onClick=${onClose}>${COMMON.close}</button></header>
    <div class="body">${children}</div>
  </dialog>`;
}

/** The target is the dialog itself for the page around it, its padding and its scrollbar: only the pointer tells them apart. */
function isOutside({ target, clientX: x, clientY: y }, dialog) {
  const { left, right, top, bottom } = dialog.getBoundingClientRect();
  return target === dialog && (x < left || x > right || y < top || y > bottom);
}

const asked = signal(null);

/**
 * Asks before what cannot be undone. Returns whether the user agreed.
 * `action`: the word on the button, a verb; `danger`: whether something is lost by it.
 */
export function confirm({ title, text, action, danger = true }) {
  asked.value?.answer(false);
  return new Promise((resolve) => {
    asked.value = { title, text, action, danger, answer: (yes) => ((asked.value = null), resolve(yes)) };
  });
}

/** Takes an open question back, as after signing out: it was the answer of another user that counted. */
export const dropQuestion = () => asked.value?.answer(false);

/** The place in the page at which `confirm` asks. */
export function Confirmation() {
  const question = asked.value;
  if (!question) return null;
  return html`<${Dialog} key=${question.title} title=${question.title} onClose=${() => question.answer(false)}>
    <p>${question.text}</p>
    <div class="actions">
      <button type="button" class=${question.danger ? "danger" : "primary"} onClick=${() => question.answer(true)}>${question.action}</button>
      <button type="button" onClick=${() => question.answer(false)}>${COMMON.cancel}</button>
    </div>
  <//>`;
}
