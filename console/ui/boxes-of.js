// A group of boxes to tick, of which none may mean all.

import { html } from "./html.js";

/** `options`: [value, words] pairs; `chosen`: the values; `onChange(values)` keeps the order of the options. */
export function BoxesOf({ legend, hint, options, chosen, onChange }) {
  const toggle = (value) => onChange(options.map(([each]) => each).filter((each) => (each === value) !== chosen.includes(each)));
  return html`<fieldset class="boxes-of"><legend>${legend}</legend>
    ${hint && html`<small class="muted">${hint}</small>`}
    <div>${options.map(([value, words]) => html`<label key=${value} class="choice"><input type="checkbox" checked=${chosen.includes(value)} onChange=${() => toggle(value)} /><span>${words}</span></label>`)}</div>
  </fieldset>`;
}
