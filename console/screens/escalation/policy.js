// A policy's form: of which alerts, and who is told at which minute.

import { may, session } from "../../shell/state.js";
import { KINDS } from "../../texts/pt-BR/alerts.js";
import { SEVERITIES } from "../../texts/pt-BR/common.js";
import { ESCALATION } from "../../texts/pt-BR/escalation.js";
import { BoxesOf } from "../../ui/boxes-of.js";
import { ChannelBoxes } from "../../ui/channels.js";
import { Dialog } from "../../ui/dialog.js";
import { CheckField, Form, SelectField, TextField } from "../../ui/form.js";
import { html, useState } from "../../ui/html.js";
import { readAll, useLoaded } from "../../ui/loading.js";

const FIRST = { after_min: 0, channel_ids: [], group_ids: [] };
const NEW = { name: "", enabled: true, order: 100, severities: [], kinds: [], watchlist_ids: [], rule_ids: [], steps: [FIRST], repeat_h: 4 };
const NEXT_MIN = 15;
const MOST_STEPS = 20;
const REPEATS = /** @type {[string, string][]} */ ([["", ESCALATION.never], ...[1, 2, 4, 6, 8, 12].map((hours) => [String(hours), ESCALATION.every(hours)])]);

/** Throws a problem where a step tells nobody, or comes before the one before. */
function check(steps) {
  if (steps.some((step) => !step.channel_ids.length && !step.group_ids.length)) throw { code: "empty_step" };
  if (steps.some((step, index) => index > 0 && step.after_min <= steps[index - 1].after_min)) throw { code: "steps_order" };
}

/** `policy`: {} for a new one. */
export function PolicyDialog({ policy, channels, groups, onSaved, onClose }) {
  const [draft, setDraft] = useState({ ...NEW, ...policy });
  const edit = (changes) => setDraft((before) => ({ ...before, ...changes }));
  const setStep = (index, changes) => edit({ steps: draft.steps.with(index, { ...draft.steps[index], ...changes }) });
  const add = () => edit({ steps: [...draft.steps, { ...FIRST, after_min: Number(draft.steps.at(-1).after_min) + NEXT_MIN }] });
  const save = async (_values, _form, key) => {
    const { policy_id: id, ...fields } = draft;
    const body = { ...fields, name: draft.name.trim(), order: Number(draft.order), steps: draft.steps.map((step) => ({ ...step, after_min: Number(step.after_min) })) };
    check(body.steps);
    await (id ? session.patch(`/escalation/policies/${id}`, body) : session.post("/escalation/policies", body, { key }));
    onSaved();
  };
  return html`<${Dialog} title=${policy.policy_id ? ESCALATION.changeThis(policy.name) : ESCALATION.make} onClose=${onClose} wide firm>
    <${Form} onSubmit=${save} submit=${policy.policy_id ? undefined : ESCALATION.makeIt} words=${ESCALATION.words} onCancel=${onClose}>
      <div class="numbers">
        <${TextField} label=${ESCALATION.name} value=${draft.name} placeholder=${ESCALATION.nameExample} maxlength="120" required autocomplete="off" onInput=${(event) => edit({ name: event.target.value })} />
        <${TextField} label=${ESCALATION.order} hint=${ESCALATION.orderHint} type="number" min="0" max="10000" required value=${draft.order} onInput=${(event) => edit({ order: event.target.value })} />
        <${SelectField} label=${ESCALATION.repeat} value=${String(draft.repeat_h ?? "")} options=${REPEATS} onChange=${(event) => edit({ repeat_h: Number(event.target.value) || null })} />
        <${CheckField} label=${ESCALATION.isOn} checked=${draft.enabled} onChange=${(event) => edit({ enabled: event.target.checked })} />
      </div>
      <${About} draft=${draft} onEdit=${edit} />
      ${draft.steps.map((step, index) => html`<fieldset key=${index}><legend>${ESCALATION.step(index + 1)}</legend>
        <div class="form inline">
          <${TextField} label=${ESCALATION.after} hint=${index === 0 ? ESCALATION.afterFirst : ""} type="number" min="0" max="10080" required readonly=${index === 0} value=${step.after_min} onInput=${(event) => setStep(index, { after_min: event.target.value })} />
          ${index > 0 && html`<button type="button" onClick=${() => edit({ steps: draft.steps.toSpliced(index, 1) })} aria-label=${ESCALATION.removeStep(index + 1)}>${ESCALATION.remove}</button>`}
        </div>
        ${channels.length === 0 && html`<p class="muted">${ESCALATION.needsChannel}</p>`}
        <${ChannelBoxes} legend=${ESCALATION.channels} channels=${channels} chosen=${step.channel_ids} onChange=${(ids) => setStep(index, { channel_ids: ids })} />
        ${groups.length > 0 && html`<${BoxesOf} legend=${ESCALATION.groups} options=${groups.map((each) => [each.group_id, each.name])} chosen=${step.group_ids} onChange=${(ids) => setStep(index, { group_ids: ids })} />`}
      </fieldset>`)}
      ${draft.steps.length < MOST_STEPS && html`<div class="actions"><button type="button" onClick=${add}>${ESCALATION.addStep}</button></div>`}
    <//>
  <//>`;
}

/** Of which alerts it is; without a choice, of all. */
function About({ draft, onEdit }) {
  const lists = useLoaded(async () => (may("watchlists:read") ? (await readAll("/watchlists")).map((each) => [each.watchlist_id, each.name]) : []));
  const rules = useLoaded(async () => (may("rules:read") ? (await readAll("/rules")).map((each) => [each.rule_id, each.name]) : []));
  const choices = [
    ["severities", ESCALATION.severities, Object.entries(SEVERITIES)], ["kinds", ESCALATION.kinds, Object.entries(KINDS)],
    ["watchlist_ids", ESCALATION.watchlists, lists.value ?? []], ["rule_ids", ESCALATION.rules, rules.value ?? []],
  ];
  return html`<details open=${choices.some(([name]) => draft[name].length > 0)}><summary>${ESCALATION.more}</summary>
    ${choices.filter(([, , options]) => options.length).map(([name, legend, options]) => html`<${BoxesOf} key=${name} legend=${legend} hint=${ESCALATION.allHint} options=${options} chosen=${draft[name]} onChange=${(chosen) => onEdit({ [name]: chosen })} />`)}
  </details>`;
}
