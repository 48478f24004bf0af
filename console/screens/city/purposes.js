// The declared purposes: the city's list of codes, and whether one is required.

import { CITY } from "../../texts/pt-BR/city.js";
import { COMMON } from "../../texts/pt-BR/common.js";
import { CheckField, Field, Form, useDraft } from "../../ui/form.js";
import { html, useRef, useState } from "../../ui/html.js";
import { Part } from "./parts.js";

const CODE = /^[a-z0-9][a-z0-9_-]{0,39}$/;
const WORDS = { ...CITY, stale_revision: COMMON.changedElsewhere };

export function Purposes({ settings, change, canChange }) {
  const { codes, required } = settings.purposes;
  return html`<${Part} title=${CITY.purposes} why=${CITY.purposesWhy}>
    ${canChange
      ? html`<${Edited} purposes=${settings.purposes} change=${change} />`
      : html`${codes.length ? html`<ul class="city-codes">${codes.map((code) => html`<li key=${code}><code>${code}</code></li>`)}</ul>` : html`<p>${CITY.purposesNone}</p>`}
        <p>${required ? CITY.isRequired : CITY.isOptional}</p>`}
  <//>`;
}

function Edited({ purposes, change }) {
  const [draft, edit] = useDraft({ codes: purposes.codes, required: purposes.required });
  const [code, setCode] = useState("");
  const [wrong, setWrong] = useState("");
  const field = useRef(null);
  const add = () => {
    const wanted = code.trim().toLowerCase();
    const error = !CODE.test(wanted) ? CITY.purposeBad : draft.codes.includes(wanted) ? CITY.purposeTwice : "";
    setWrong(error);
    if (error) return false;
    edit({ codes: [...draft.codes, wanted] });
    setCode("");
    field.current.focus();
    return true;
  };
  const onKey = (event) => {
    if (event.key !== "Enter") return;
    event.preventDefault(); // the form is saved by its own button
    add();
  };
  const remove = (gone) => {
    edit({ codes: draft.codes.filter((each) => each !== gone) });
    field.current.focus(); // its button goes
  };
  const submit = () => change({ purposes: draft });
  return html`<${Form} onSubmit=${submit} about=${CITY.purposes} words=${WORDS}>
    ${draft.codes.length
      ? html`<ul class="city-codes">${draft.codes.map((each) => html`<li key=${each}><code>${each}</code>
          <button type="button" class="quiet" onClick=${() => remove(each)} aria-label=${CITY.purposeRemove(each)}>×</button></li>`)}</ul>`
      : html`<p class="muted">${CITY.purposesNone}</p>`}
    <div class="city-add">
      <${Field} label=${CITY.purposeNew} hint=${CITY.purposeHint} error=${wrong}>
        ${(wires) => html`<input ref=${field} ...${wires} value=${code} maxlength="40" autocomplete="off" autocapitalize="none" spellcheck=${false}
          onInput=${(event) => setCode(event.target.value)} onKeyDown=${onKey} />`}
      <//>
      <button type="button" onClick=${add}>${CITY.purposeAdd}</button>
    </div>
    <${CheckField} label=${CITY.required} hint=${CITY.requiredHint} checked=${draft.required} onChange=${(event) => edit({ required: event.target.checked })} />
  <//>`;
}
