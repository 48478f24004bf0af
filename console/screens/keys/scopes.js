// What a key may do: boxes in words, grouped by what they are about.

import { may } from "../../shell/state.js";
import { KEYS, SCOPES, scopeInWords } from "../../texts/pt-BR/keys.js";
import { html } from "../../ui/html.js";

const FEW = 3;

/** Scopes that the API gives to no key: one that leaked must not make people, other keys or decisions of the city. */
const NEVER = new Set(["users:write", "api-keys:read", "api-keys:write", "settings:write", "tenants:read", "tenants:write", "audit:export"]);

/** What the user can hand out: [noun, scopes], as far as they hold it themselves. */
export const offered = () => SCOPES
  .map(([noun, words]) => /** @type {[string, string[]]} */ ([noun, Object.keys(words).filter((scope) => may(scope) && !NEVER.has(scope))]))
  .filter(([, scopes]) => scopes.length);

/** `chosen`: a set of scopes; `onChange(scopes)`. */
export function ScopeBoxes({ chosen, onChange }) {
  const toggle = (scope) => {
    const next = new Set(chosen);
    if (!next.delete(scope)) next.add(scope);
    onChange(next);
  };
  return html`<div class="keys-scopes" role="group" aria-label=${KEYS.whatFor}>
    ${offered().map(([noun, scopes]) => html`<fieldset key=${noun}>
      <legend>${noun}</legend>
      ${scopes.map((scope) => html`<label key=${scope} class="choice">
        <input type="checkbox" name=${scope} checked=${chosen.has(scope)} onChange=${() => toggle(scope)} /><span>${scopeInWords(scope)}</span>
      </label>`)}
    </fieldset>`)}
  </div>`;
}

/** Scopes in words; many of them behind their number. */
export function ScopesInWords({ scopes }) {
  const words = SCOPES.flatMap(([, known]) => Object.keys(known)).filter((scope) => scopes.includes(scope)).map(scopeInWords);
  const text = [...words, ...scopes.filter((scope) => scopeInWords(scope) === scope)].join("; ");
  if (scopes.length <= FEW) return text;
  return html`<details><summary>${KEYS.many(scopes.length)}</summary><p>${text}</p></details>`;
}
