// The city's rules: what each looks for, and whether it is switched on.

import { may, session } from "../../shell/state.js";
import { toast } from "../../shell/toasts.js";
import { inWords } from "../../texts/pt-BR/errors.js";
import { RULES } from "../../texts/pt-BR/rules.js";
import { html, useRef, useState } from "../../ui/html.js";
import { useLoaded } from "../../ui/loading.js";
import { ruleText } from "../../ui/rule-names.js";
import { Severity } from "../../ui/signs.js";
import { Empty, Failed, Skeleton } from "../../ui/states.js";
import { Table } from "../../ui/table.js";

export const styles = ["style.css"];

export default function Rules() {
  const rules = useLoaded(async () => (await session.get("/rules")).items); // on one page: a city has few
  const canWrite = may("rules:write");
  const latest = useRef(null);
  latest.current = rules.value;
  const switched = (rule) => rules.set(latest.current.map((each) => (each.rule_id === rule.rule_id ? rule : each)));
  const columns = [
    { title: RULES.name, name: true, cell: (rule) => html`<a href=${`/regras/${rule.rule_id}`}>${rule.name}</a>` },
    { title: RULES.level, cell: (rule) => html`<${Severity} level=${rule.severity} />` },
    { title: RULES.looksFor, cell: (rule) => ruleText(rule.condition) },
    { title: RULES.version, cell: (rule) => rule.version },
    { title: RULES.state, cell: (rule) => html`<${Switch} key=${rule.rule_id} rule=${rule} canWrite=${canWrite} onSwitched=${switched} />` },
  ];
  return html`<section class="screen rules">
    <header><h1>${RULES.title}</h1>${canWrite && html`<a class="button primary" href="/regras/nova">${RULES.make}</a>`}</header>
    <p class="muted">${RULES.why}</p>
    ${!rules.value && (rules.problem ? html`<${Failed} problem=${rules.problem} retry=${rules.reload} />` : html`<${Skeleton} />`)}
    ${rules.value?.length === 0 && html`<${Empty} text=${canWrite ? RULES.none : RULES.noneToRead} />`}
    ${rules.value?.length > 0 && html`<${Table} caption=${RULES.caption} columns=${columns} rows=${rules.value} keyOf=${(rule) => rule.rule_id} />`}
  </section>`;
}

/** Turns a rule on and off where it stands; for who may only read, the state in words. */
function Switch({ rule, canWrite, onSwitched }) {
  const [wanted, setWanted] = useState(null); // while it is being changed
  const isOn = wanted ?? rule.enabled;
  const word = isOn ? RULES.on : RULES.off;
  if (!canWrite) return html`<span class="badge" data-state=${isOn ? "on" : ""}>${word}</span>`;
  const change = async (event) => {
    if (wanted !== null) return;
    const enabled = event.currentTarget.checked;
    setWanted(enabled);
    try {
      onSwitched(await session.patch(`/rules/${rule.rule_id}`, { enabled }));
      toast(enabled ? RULES.isOn(rule.name) : RULES.isOff(rule.name));
    } catch (problem) {
      toast(inWords(problem), "failed");
    } finally {
      setWanted(null);
    }
  };
  return html`<label class="rules-switch"><input type="checkbox" role="switch" checked=${isOn} onChange=${change} aria-label=${RULES.switchThis(rule.name)} /> <span aria-hidden="true">${word}</span></label>`;
}
