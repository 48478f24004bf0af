// A channel's form, drawn from what the API says of its kind. Secrets go in and never come out.

import { session } from "../../shell/state.js";
import { toast } from "../../shell/toasts.js";
import { KINDS } from "../../texts/pt-BR/alerts.js";
import { CHANNELS } from "../../texts/pt-BR/channels.js";
import { SEVERITIES } from "../../texts/pt-BR/common.js";
import { inWords } from "../../texts/pt-BR/errors.js";
import { BoxesOf } from "../../ui/boxes-of.js";
import { confirm, Dialog } from "../../ui/dialog.js";
import { CheckField, Form, SelectField, TextField } from "../../ui/form.js";
import { html, useState } from "../../ui/html.js";
import { NIGHTS, WeekFields } from "../../ui/week.js";
import { Template } from "./template.js";

const QUIET = { ...NIGHTS, except_critical: true };
const NEW = { name: "", enabled: true, settings: {}, secrets_set: [], min_severity: "warning", kinds: [], rate_per_minute: "", quiet_hours: null, template: null };

/** The API takes no day for every day. */
const quietOf = (channel) => (channel?.quiet_hours ? { ...channel.quiet_hours, days: channel.quiet_hours.days.length ? channel.quiet_hours.days : NIGHTS.days } : null);

/** `channel`: null for a new one; `kinds`: what the API knows of each kind; `onSaved(channel)`, `onSecret(text)`: a secret to show once. */
export function ChannelDialog({ channel, kinds, onSaved, onSecret, onClose }) {
  const [draft, setDraft] = useState({ kind: kinds[0].kind, ...NEW, ...channel, quiet_hours: quietOf(channel), secrets: {} });
  const [wrong, setWrong] = useState(""); // name of the field that the API did not take
  const edit = (changes) => setDraft((before) => ({ ...before, ...changes }));
  const about = kinds.find(({ kind }) => kind === draft.kind);
  const save = async (_values, _form, key) => {
    const body = asked(draft, about.fields);
    setWrong("");
    try {
      onSaved(channel ? await session.patch(`/channels/${channel.channel_id}`, body) : await session.post("/channels", { kind: draft.kind, ...body }, { key }));
    } catch (problem) {
      setWrong(problem.code === "invalid_channel" ? about.fields.find(({ name }) => problem.message.startsWith(`${name} `))?.name ?? "" : "");
      throw problem;
    }
  };
  const rotate = async () => {
    if (!(await confirm({ title: CHANNELS.rotateTitle(channel.name), text: CHANNELS.rotateText, action: CHANNELS.rotate, danger: false }))) return;
    await session.post(`/channels/${channel.channel_id}/secret`).then(({ secret }) => onSecret(secret), (problem) => toast(inWords(problem), "failed"));
  };
  const choose = (event) => edit({ kind: event.target.value, settings: {}, secrets: {}, template: null });
  return html`<${Dialog} title=${channel ? CHANNELS.changeThis(channel.name) : CHANNELS.make} onClose=${onClose} wide firm>
    <${Form} onSubmit=${save} submit=${channel ? undefined : CHANNELS.makeIt} words=${CHANNELS.words} onCancel=${onClose}>
      <div class="channels-fields">
        ${!channel && html`<${SelectField} label=${CHANNELS.kind} value=${draft.kind} options=${kinds.map(({ kind, name }) => [kind, name])} onChange=${choose} />`}
        <${TextField} label=${CHANNELS.name} value=${draft.name} placeholder=${CHANNELS.nameExample} maxlength="100" required autocomplete="off" onInput=${(event) => edit({ name: event.target.value })} />
        ${about.fields.map((field) => html`<${Setting} key=${`${draft.kind} ${field.name}`} field=${field} draft=${draft} isWrong=${wrong === field.name} onEdit=${edit} />`)}
      </div>
      ${channel?.kind === "webhook" && html`<div class="actions"><button type="button" onClick=${rotate}>${CHANNELS.rotate}</button><small class="muted">${CHANNELS.secretWhy}</small></div>`}
      <div class="channels-fields">
        <${SelectField} label=${CHANNELS.severity} value=${draft.min_severity} options=${Object.entries(SEVERITIES).reverse()} onChange=${(event) => edit({ min_severity: event.target.value })} />
        <${TextField} label=${CHANNELS.rate} hint=${CHANNELS.rateHint} type="number" min="1" max="6000" step="1" value=${draft.rate_per_minute ?? ""} onInput=${(event) => edit({ rate_per_minute: event.target.value })} />
        <${CheckField} label=${CHANNELS.isOn} hint=${CHANNELS.isOnHint} checked=${draft.enabled} onChange=${(event) => edit({ enabled: event.target.checked })} />
      </div>
      <details open=${draft.kinds.length > 0}><summary>${CHANNELS.kinds}</summary>
        <${BoxesOf} legend=${CHANNELS.kinds} hint=${CHANNELS.kindsHint} options=${Object.entries(KINDS)} chosen=${draft.kinds} onChange=${(chosen) => edit({ kinds: chosen })} /></details>
      <${Quiet} hours=${draft.quiet_hours} onChange=${(hours) => edit({ quiet_hours: hours })} />
      <${Template} about=${about} template=${draft.template} onChange=${(template) => edit({ template })} />
    <//>
  <//>`;
}

/** What is sent: numbers as numbers, and of the secrets those that were typed. */
function asked({ name, enabled, settings, secrets, min_severity, kinds, rate_per_minute: rate, quiet_hours, template }, fields) {
  const known = fields.filter(({ type }) => type !== "secret").map(({ name: field, type }) => [field, type, settings[field]]);
  const given = known.filter(([, , value]) => value !== undefined && value !== "").map(([field, type, value]) => [field, type === "number" ? Number(value) : value]);
  if (quiet_hours?.days.length === 0) throw { code: "no_days" };
  const typed = Object.fromEntries(Object.entries(secrets).filter(([, value]) => value));
  return {
    name: name.trim(), enabled, settings: Object.fromEntries(given), min_severity, kinds, quiet_hours, template,
    ...(rate ? { rate_per_minute: Number(rate) } : {}), ...(Object.keys(typed).length ? { secrets: typed } : {}),
  };
}

function Setting({ field, draft, isWrong, onEdit }) {
  const error = isWrong && CHANNELS.wrong;
  const { name, label, type, required, help } = field;
  if (type === "secret") {
    const isKept = draft.secrets_set.includes(name);
    return html`<${TextField} label=${label} hint=${help || CHANNELS.keptHint} error=${error} type="password" autocomplete="new-password" required=${required && !isKept} placeholder=${isKept ? CHANNELS.kept : ""}
      value=${draft.secrets[name] ?? ""} onInput=${(event) => onEdit({ secrets: { ...draft.secrets, [name]: event.target.value } })} />`;
  }
  const value = draft.settings[name] ?? "";
  const set = (given) => onEdit({ settings: { ...draft.settings, [name]: given } });
  if (type === "choice") {
    const options = [...(required && value ? [] : [["", ""]]), ...field.choices.map((each) => [each, each])];
    return html`<${SelectField} label=${label} hint=${help} value=${value} options=${options} required=${required} onChange=${(event) => set(event.target.value)} />`;
  }
  return html`<${TextField} label=${label} hint=${help} error=${error} type=${type === "number" ? "number" : "text"} step=${type === "number" ? "1" : undefined} required=${required} autocomplete="off" spellcheck=${false}
    value=${value} onInput=${(event) => set(event.target.value)} />`;
}

function Quiet({ hours, onChange }) {
  return html`<fieldset><legend>${CHANNELS.quiet}</legend>
    <${CheckField} label=${CHANNELS.quietOn} hint=${CHANNELS.quietHint} checked=${hours !== null} onChange=${(event) => onChange(event.target.checked ? QUIET : null)} />
    ${hours && html`<${WeekFields} value=${hours} onChange=${onChange}>
        <${CheckField} label=${CHANNELS.exceptCritical} checked=${hours.except_critical} onChange=${(event) => onChange({ ...hours, except_critical: event.target.checked })} /><//>`}
  </fieldset>`;
}
