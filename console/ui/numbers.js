// A form of whole numbers, each with a word on what it is: days of retention, limits.

import { CITY } from "../texts/pt-BR/city.js";
import { COMMON } from "../texts/pt-BR/common.js";
import { Form, TextField, useDraft } from "./form.js";
import { html } from "./html.js";

const WORDS = { ...CITY, stale_revision: COMMON.changedElsewhere };

/**
 * `kinds`: name -> [title, hint, fewest, most]; `values`: name -> number or null; `onChange(changes)` gets what differs; `about`: what all
 * of it is; `more(name)`: further words; `canBeEmpty`: whether no number means no limit.
 */
export function Numbers({ kinds, values, onChange, about, more = (_name) => "", canBeEmpty = false, onCancel }) {
  const [draft, edit] = useDraft(values);
  const submit = async () => {
    const changes = {};
    for (const name of Object.keys(kinds)) {
      const value = draft[name] === "" || draft[name] === null ? null : Number(draft[name]);
      if (value !== values[name]) changes[name] = value;
    }
    if (Object.keys(changes).length) await onChange(changes);
  };
  return html`<${Form} onSubmit=${submit} about=${about} words=${WORDS} onCancel=${onCancel}>
    <div class="numbers">
      ${Object.entries(kinds).map(([name, [title, hint, fewest, most]]) => html`<${TextField} key=${name} label=${title} hint=${[hint, more(name)].filter(Boolean).join(" ")}
        type="number" inputmode="numeric" step="1" min=${fewest} max=${most} required=${!canBeEmpty} placeholder=${canBeEmpty ? CITY.noLimit : undefined}
        value=${draft[name] ?? ""} onInput=${(event) => edit({ [name]: event.target.value })} />`)}
    </div>
  <//>`;
}
