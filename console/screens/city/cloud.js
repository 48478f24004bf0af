// AI in the cloud: whether pictures may leave the city's machines, and what it may cost.

import { CITY } from "../../texts/pt-BR/city.js";
import { COMMON } from "../../texts/pt-BR/common.js";
import { confirm } from "../../ui/dialog.js";
import { CheckField, Form, TextField, useDraft } from "../../ui/form.js";
import { html } from "../../ui/html.js";
import { Facts, Part } from "./parts.js";

const WORDS = { ...CITY, stale_revision: COMMON.changedElsewhere };
const MOST_USD = 1_000_000;

export function Cloud({ settings, tenant, change, canChange }) {
  const { allow_cloud: isAllowed, daily_usd: budget } = settings.ai_budget;
  const facts = [[CITY.allowCloud, isAllowed ? CITY.allowed : CITY.notAllowed], [CITY.budget, budget.toLocaleString("pt-BR")]];
  return html`<${Part} title=${CITY.ai} why=${CITY.aiWhy}>
    ${canChange
      ? html`<${Edited} budget=${settings.ai_budget} ceiling=${tenant.ceiling["ai_budget.daily_usd"]} change=${change} />`
      : html`<${Facts} facts=${facts} />`}
  <//>`;
}

function Edited({ budget, ceiling, change }) {
  const [draft, edit] = useDraft({ allow_cloud: budget.allow_cloud, daily_usd: budget.daily_usd });
  const submit = async () => {
    const changes = {};
    if (draft.allow_cloud !== budget.allow_cloud) changes.allow_cloud = draft.allow_cloud;
    if (Number(draft.daily_usd) !== budget.daily_usd) changes.daily_usd = Number(draft.daily_usd);
    const question = { title: CITY.allowTitle, text: CITY.allowText, action: CITY.allow };
    if (changes.allow_cloud && !(await confirm(question))) return;
    if (Object.keys(changes).length) await change({ ai_budget: changes });
  };
  const hint = [CITY.budgetHint, ceiling !== undefined && CITY.ceiling(ceiling)].filter(Boolean).join(" ");
  return html`<${Form} onSubmit=${submit} about=${CITY.ai} words=${WORDS}>
    <${CheckField} label=${CITY.allowCloud} hint=${CITY.allowCloudHint} checked=${draft.allow_cloud} onChange=${(event) => edit({ allow_cloud: event.target.checked })} />
    <${TextField} label=${CITY.budget} hint=${hint} type="number" inputmode="decimal" step="0.01" min="0" max=${MOST_USD} required
      value=${draft.daily_usd} onInput=${(event) => edit({ daily_usd: event.target.value })} />
  <//>`;
}
