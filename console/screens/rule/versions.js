// How a rule was before: each version in words, the newest first.

import { session } from "../../shell/state.js";
import { VERSIONS } from "../../texts/pt-BR/rule.js";
import { RULES } from "../../texts/pt-BR/rules.js";
import { moment } from "../../ui/dates.js";
import { html } from "../../ui/html.js";
import { useLoaded } from "../../ui/loading.js";
import { ruleText } from "../../ui/rule-names.js";
import { Failed, Skeleton } from "../../ui/states.js";

export function Versions({ rule }) {
  const versions = useLoaded(async () => (await session.get(`/rules/${rule.rule_id}/versions`)).items, [rule.rule_id, rule.version]);
  return html`<section class="panel" aria-label=${VERSIONS.title}>
    <header><h2>${VERSIONS.title}</h2></header>
    ${!versions.value && (versions.problem ? html`<${Failed} problem=${versions.problem} retry=${versions.reload} />` : html`<${Skeleton} lines=${2} />`)}
    ${versions.value?.length === 0 && html`<p class="muted">${VERSIONS.none}</p>`}
    <ol class="rule-versions">${[...(versions.value ?? [])].sort((a, b) => b.version - a.version).map((each) => html`<li key=${each.version}>
      <strong>${VERSIONS.number(each.version)}</strong>${each.version === rule.version && html` <span class="badge">${VERSIONS.current}</span>`} <span class="muted">${moment(each.changed_at)}, ${each.enabled ? RULES.on : RULES.off}</span>
      <p>${ruleText(each.condition)}</p>
    </li>`)}</ol>
  </section>`;
}
