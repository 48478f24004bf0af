// One rule: its form with the drawing, the simulation, on and off, its versions. Who may not change it reads it.

import { go } from "../../shell/router.js";
import { may, session } from "../../shell/state.js";
import { toast } from "../../shell/toasts.js";
import { inWords } from "../../texts/pt-BR/errors.js";
import { RULE, SIMULATION } from "../../texts/pt-BR/rule.js";
import { RULES } from "../../texts/pt-BR/rules.js";
import { confirm } from "../../ui/dialog.js";
import { Form, useDraft } from "../../ui/form.js";
import { html, useMemo, useState } from "../../ui/html.js";
import { useLoaded } from "../../ui/loading.js";
import { ruleText } from "../../ui/rule-names.js";
import { Severity } from "../../ui/signs.js";
import { Empty, Failed, Skeleton } from "../../ui/states.js";
import { conditionOf, draftOf, drawnOn, readable, ruleOf } from "./draft.js";
import { Fields } from "./fields.js";
import { OnPicture } from "./picture.js";
import { Simulation } from "./simulation.js";
import { Versions } from "./versions.js";

export const styles = ["style.css"];

const BACK = html`<a class="button" href="/regras">← ${RULE.back}</a>`;

export default function Screen({ params: { id } }) {
  if (!id) return html`<${Rule} key="new" rule=${null} />`;
  return html`<${Known} key=${id} id=${id} />`;
}

function Known({ id }) {
  const read = useLoaded(() => session.get(`/rules/${id}`), [id]);
  if (!read.value) {
    const isGone = read.problem?.status === 404;
    return html`<section class="screen"><header>${BACK}<h1>${RULES.title}</h1></header>
      ${isGone && html`<${Empty} text=${RULE.gone} />`}
      ${!isGone && (read.problem ? html`<${Failed} problem=${read.problem} retry=${read.reload} />` : html`<${Skeleton} />`)}</section>`;
  }
  return may("rules:write") ? html`<${Rule} rule=${read.value} onChanged=${read.set} />` : html`<${Shown} rule=${read.value} />`;
}

function Rule({ rule, onChanged }) {
  const given = useMemo(() => draftOf(rule), [rule]);
  const [draft, edit, isChanged, sent] = useDraft(given, { isKept: true });
  const condition = readable(draft);
  const save = async (_values, _form, key) => {
    const body = ruleOf(draft);
    if (rule) {
      const saved = await session.patch(`/rules/${rule.rule_id}`, body);
      sent(draft);
      onChanged(saved);
      toast(RULE.saved);
      return;
    }
    const made = await session.post("/rules", { ...body, enabled: false }, { key });
    toast(RULE.savedOff);
    go(`/regras/${made.rule_id}`, { replace: true });
  };
  return html`<section class="screen rule">
    <header>${BACK}<h1>${rule ? rule.name : RULE.fresh}</h1>${rule && html`<${Acts} rule=${rule} onChanged=${onChanged} />`}</header>
    <div class="rule-columns">
      <section class="panel" aria-label=${rule ? rule.name : RULE.fresh}>
        <${Form} onSubmit=${save} submit=${rule ? undefined : RULE.saveNew} words=${RULE.words}>
          <${Fields} draft=${draft} edit=${edit} onDrawingGone=${() => toast(RULE.drawingGone)} />
          ${condition && html`<p class="rule-words"><strong>${RULE.looksFor}:</strong> ${ruleText(condition)}</p>`}
          ${rule && isChanged && html`<p class="muted">${RULE.unsaved}</p>`}
        <//>
      </section>
      <div class="rule-side">
        ${may("detections:read") && html`<${Simulation} read=${() => ({ condition: conditionOf(draft), cooldown_s: Number(draft.cooldown) })} known=${JSON.stringify([condition, draft.cooldown])}>
          ${!rule && html`<p class="muted">${SIMULATION.saveFirst}</p>`}
          ${rule && !rule.enabled && !isChanged && html`<div class="actions"><${SwitchButton} rule=${rule} onChanged=${onChanged} /></div>`}
        <//>`}
        ${rule && html`<${Versions} rule=${rule} />`}
      </div>
    </div>
  </section>`;
}

function SwitchButton({ rule, onChanged }) {
  const turn = async () => {
    try {
      const changed = await session.patch(`/rules/${rule.rule_id}`, { enabled: !rule.enabled });
      onChanged(changed);
      toast(changed.enabled ? RULES.isOn(rule.name) : RULES.isOff(rule.name));
    } catch (problem) {
      toast(inWords(problem), "failed");
    }
  };
  return html`<button type="button" class=${rule.enabled ? "" : "primary"} onClick=${turn}>${rule.enabled ? RULE.switchOff : RULE.switchOn}</button>`;
}

function Acts({ rule, onChanged }) {
  const remove = async () => {
    if (!(await confirm({ title: RULE.removeTitle(rule.name), text: RULE.removeText, action: RULE.remove }))) return;
    try {
      await session.delete(`/rules/${rule.rule_id}`);
      toast(RULE.removed(rule.name));
      go("/regras", { replace: true });
    } catch (problem) {
      toast(inWords(problem), "failed");
    }
  };
  return html`<span class="badge" data-state=${rule.enabled ? "on" : ""}>${rule.enabled ? RULES.on : RULES.off}</span>
    <div class="actions">
      <${SwitchButton} rule=${rule} onChanged=${onChanged} />
      <button type="button" class="danger" onClick=${remove}>${RULE.remove}</button>
    </div>`;
}

/** The rule for who may only read it. */
function Shown({ rule }) {
  const draft = draftOf(rule);
  const cameraId = drawnOn(draft);
  const isDrawn = draft.zone.length > 0 || draft.line.points.length > 0;
  return html`<section class="screen rule">
    <header>${BACK}<h1>${rule.name}</h1><span class="badge" data-state=${rule.enabled ? "on" : ""}>${rule.enabled ? RULES.on : RULES.off}</span></header>
    <div class="rule-columns">
      <section class="panel" aria-label=${rule.name}>
        <${Severity} level=${rule.severity} />
        <p>${ruleText(rule.condition)}</p>
        ${cameraId && isDrawn && html`<${OnPicture} cameraId=${cameraId} zone=${draft.zone} line=${draft.line} />`}
      </section>
      <div class="rule-side"><${Versions} rule=${rule} /></div>
    </div>
  </section>`;
}
