// A text that is shown this once: a first password, a key. It is read, or copied by a button.

import { toast } from "../shell/toasts.js";
import { COMMON } from "../texts/pt-BR/common.js";
import { Field } from "./form.js";
import { html, useRef } from "./html.js";

/** `label`: what it is; `text`: the secret; `hint`: what to do with it. */
export function Secret({ label, text, hint }) {
  const field = useRef(null);
  const copy = async () => {
    field.current.select();
    try {
      await navigator.clipboard.writeText(text);
      toast(COMMON.copied);
    } catch {
      toast(COMMON.copyByKeys, "failed"); // it is selected, so that Ctrl+C takes it
    }
  };
  return html`<div class="secret">
    <${Field} label=${label}>
      ${(wires) => html`<input ref=${field} ...${wires} readonly value=${text} spellcheck=${false}
        onFocus=${(event) => event.target.select()} />`}
    <//>
    <button type="button" class="primary" onClick=${copy} aria-label=${COMMON.copyThis(label)}>${COMMON.copy}</button>
    ${hint && html`<p class="muted">${hint}</p>`}
  </div>`;
}
