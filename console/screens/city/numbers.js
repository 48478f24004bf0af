// Retention and limits.

import { may } from "../../shell/state.js";
import { CITY, KEPT, QUOTAS } from "../../texts/pt-BR/city.js";
import { html } from "../../ui/html.js";
import { Numbers } from "../../ui/numbers.js";
import { Facts, Part } from "./parts.js";

const shown = (value) => value.toLocaleString("pt-BR");

/** How many days each kind of data is kept. */
export function Retention({ settings, change, canChange }) {
  const facts = Object.entries(KEPT).map(([name, [title]]) => [title, `${shown(settings.retention[name])} ${CITY.days}`]);
  const days = Object.fromEntries(Object.entries(KEPT).map(([name, [title, ...rest]]) => [name, [`${title} (${CITY.days})`, ...rest]]));
  return html`<${Part} title=${CITY.retention} why=${CITY.retentionWhy}>
    ${canChange
      ? html`<${Numbers} kinds=${days} values=${settings.retention} about=${CITY.retention} onChange=${(retention) => change({ retention })} />`
      : html`<${Facts} facts=${facts} />`}
  <//>`;
}

/** The most that a city may use. The platform's ceiling is said beside each. */
export function Limits({ settings, tenant, change, canChange }) {
  const ceiling = (name) => (tenant.ceiling[`quotas.${name}`] === undefined ? "" : CITY.ceiling(tenant.ceiling[`quotas.${name}`]));
  const facts = Object.entries(QUOTAS).map(([name, [title]]) => [title, settings.quotas[name] === null ? CITY.noLimit : shown(settings.quotas[name])]);
  return html`<${Part} title=${CITY.limits} why=${canChange && may("tenants:write") ? `${CITY.limitsWhy} ${CITY.limitsPlatform}` : CITY.limitsWhy}>
    ${canChange
      ? html`<${Numbers} kinds=${QUOTAS} values=${settings.quotas} about=${CITY.limits} more=${ceiling} canBeEmpty onChange=${(quotas) => change({ quotas })} />`
      : html`<${Facts} facts=${facts} />`}
  <//>`;
}
