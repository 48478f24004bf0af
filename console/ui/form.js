// Forms: fields with their labels, hints and errors, and a form that sends once and says what went wrong.

import { inWords } from "../texts/pt-BR/errors.js";
import { COMMON } from "../texts/pt-BR/common.js";
import { html, useId, useLayoutEffect, useRef, useState } from "./html.js";

/** A label with its control: `children` gets the ids to wire. `hint` and `error` are read with the control. */
export function Field({ label, hint, error, children }) {
  const id = useId();
  const says = [hint && `${id}-hint`, error && `${id}-error`].filter(Boolean).join(" ") || undefined;
  return html`<div class="field">
    <label for=${id}>${label}</label>
    ${children({ id, "aria-describedby": says, "aria-invalid": error ? "true" : undefined })}
    ${hint && html`<small id=${`${id}-hint`} class="muted">${hint}</small>`}
    ${error && html`<small id=${`${id}-error`} class="error">${error}</small>`}
  </div>`;
}

/**
 * One line of text; every other property goes to the input: name, type, required… A field that no state follows begins with
 * `defaultValue` (a box with `defaultChecked`): `value` is set again whenever its screen is drawn, over what was typed.
 */
export function TextField({ label, hint, error, ...input }) {
  return html`<${Field} label=${label} hint=${hint} error=${error}>${(wires) => html`<input ...${wires} ...${input} />`}<//>`;
}

/** `options`: [value, text] pairs. */
export function SelectField({ label, hint, error, options, value, ...select }) {
  return html`<${Field} label=${label} hint=${hint} error=${error}>
    ${(wires) => html`<select ...${wires} ...${select}>
      ${options.map(([code, text]) => html`<option key=${code} value=${code} selected=${code === value}>${text}</option>`)}
    </select>`}
  <//>`;
}

/** A box to tick. */
export function CheckField({ label, hint, ...input }) {
  const id = useId();
  return html`<div class="field check">
    <input id=${id} type="checkbox" aria-describedby=${hint ? `${id}-hint` : undefined} ...${input} />
    <label for=${id}>${label}</label>
    ${hint && html`<small id=${`${id}-hint`} class="muted">${hint}</small>`}
  </div>`;
}

/**
 * A form that is sent once at a time. `onSubmit(values, form, key)` gets the fields by name and an idempotency key, the same for each
 * try until one succeeds; what it throws is shown in words. `words`: texts for codes that mean something of its own here; `about`: what it
 * saves, for who hears the button and does not see where it stands; `isReady`: whether there is something to send. The button is not
 * `disabled` meanwhile, as it would lose the focus.
 */
export function Form({ onSubmit, submit = COMMON.save, about, words, onCancel, isReady = true, inline = false, danger = false, children }) {
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState(null);
  const key = useRef(crypto.randomUUID());
  const send = async (event) => {
    event.preventDefault();
    if (busy || !isReady) return;
    const form = event.currentTarget;
    setBusy(true);
    setProblem(null);
    try {
      await onSubmit(Object.fromEntries(new FormData(form)), form, key.current);
      key.current = crypto.randomUUID();
    } catch (error) {
      setProblem(error);
    } finally {
      setBusy(false);
    }
  };
  return html`<form class=${inline ? "form inline" : "form"} onSubmit=${send}>
    ${children}
    ${problem && html`<p class="error" role="alert">${inWords(problem, words)}<${WrongFields} problem=${problem} /></p>`}
    <div class="actions">
      <button type="submit" class=${danger ? "danger" : "primary"} aria-disabled=${busy || !isReady} aria-label=${about && `${submit}: ${about}`}>${submit}</button>
      ${onCancel && html`<button type="button" onClick=${onCancel}>${COMMON.cancel}</button>`}
    </div>
  </form>`;
}

/** The names of the fields that the API did not take, where it says so. */
function WrongFields({ problem }) {
  const names = [...new Set((problem.errors ?? []).map((error) => error.loc?.at(-1) ?? error.field).filter(Boolean))];
  return names.length ? html` <code>${names.join(", ")}</code>` : null;
}

/**
 * What is being edited: begins as `given`, and begins anew when that becomes another. Returns the draft, a function that changes
 * some of its fields, whether it differs from what was given, and a function to say which draft was saved. `isKept`: one that was changed,
 * since the last that was saved, does not begin anew.
 */
export function useDraft(given, { isKept = false } = {}) {
  const [draft, setDraft] = useState(given);
  const known = JSON.stringify(given);
  const saved = useRef(known);
  // Before anything can be typed over.
  useLayoutEffect(() => {
    const untouched = saved.current;
    saved.current = known;
    setDraft((now) => (isKept && JSON.stringify(now) !== untouched ? now : given));
  }, [known]);
  const sent = (now) => (saved.current = JSON.stringify(now));
  return [draft, (changes) => setDraft((before) => ({ ...before, ...changes })), JSON.stringify(draft) !== known, sent];
}
