// The text of a channel's messages: the usual one, or one of the city's own, with its variables and a look at how it comes out.

import { session } from "../../shell/state.js";
import { newest } from "../../stores/alerts.js";
import { CHANNELS } from "../../texts/pt-BR/channels.js";
import { inWords } from "../../texts/pt-BR/errors.js";
import { CheckField, Field, SelectField, TextField } from "../../ui/form.js";
import { html, useRef, useState } from "../../ui/html.js";

const MOST_ALERTS = 20;

/** `about`: the channel's kind, with its usual template and its variables; `template`: {subject, body}, null for the usual one. */
export function Template({ about, template, onChange }) {
  const body = useRef(null);
  const shown = template ?? about.template;
  const insert = (name) => {
    const { selectionStart: from, selectionEnd: to, value } = body.current;
    onChange({ ...shown, body: `${value.slice(0, from)}{{ ${name} }}${value.slice(to)}` });
    body.current.focus();
  };
  return html`<fieldset><legend>${CHANNELS.template}</legend>
    <${CheckField} label=${CHANNELS.templateOn} hint=${CHANNELS.templateHint} checked=${template !== null} onChange=${(event) => onChange(event.target.checked ? { ...about.template } : null)} />
    ${template && html`
      <${TextField} label=${CHANNELS.subject} value=${template.subject ?? ""} maxlength="500" autocomplete="off" onInput=${(event) => onChange({ ...template, subject: event.target.value })} />
      <${Field} label=${CHANNELS.body}>${(wires) => html`<textarea ...${wires} ref=${body} class="channels-body" maxlength="4000" spellcheck=${false} value=${template.body} onInput=${(event) => onChange({ ...template, body: event.target.value })} />`}<//>
      <div class="channels-variables" role="group" aria-label=${CHANNELS.variables}>
        ${about.variables.map(({ name, meaning, example }) => html`<button type="button" key=${name} title=${[meaning, example].filter(Boolean).join(": ")} onClick=${() => insert(name)}><code>${name}</code></button>`)}
      </div>`}
    <${Preview} kind=${about.kind} template=${template} />
  </fieldset>`;
}

/** How a message about a real alert comes out. */
function Preview({ kind, template }) {
  const [alert, setAlert] = useState("");
  const [state, setState] = useState(null);
  const alerts = (newest.value ?? []).slice(0, MOST_ALERTS).map(({ alert_id: id, title }) => [id, title]);
  const ask = () => session.post("/channels/preview", { kind, template, alert_id: alert || null }).then(setState, (problem) => setState({ problem }));
  return html`<div class="form inline">
      <${SelectField} label=${CHANNELS.previewOf} value=${alert} options=${[["", CHANNELS.example], ...alerts]} onChange=${(event) => setAlert(event.target.value)} />
      <button type="button" onClick=${ask}>${CHANNELS.preview}</button>
    </div>
    <div role="status">${state?.problem && html`<p class="error">${inWords(state.problem, CHANNELS.words)} ${state.problem.message}</p>`}
      ${state && !state.problem && html`<div class="channels-preview" aria-label=${CHANNELS.previewTitle}>${state.subject && html`<strong>${state.subject}</strong>`}<pre>${state.body}</pre></div>`}</div>`;
}
