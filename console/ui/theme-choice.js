// Dark, light, or as the device is.

import { setTheme, theme } from "../shell/theme.js";
import { ACCOUNT } from "../texts/pt-BR/account.js";
import { html, useId } from "./html.js";

export function ThemeChoice() {
  const name = useId();
  return html`<fieldset class="theme-choice"><legend>${ACCOUNT.theme}</legend>
    ${Object.entries(ACCOUNT.themes).map(([code, text]) => html`<label key=${code} class="choice">
      <input type="radio" name=${name} checked=${theme.value === code} onChange=${() => setTheme(code)} /><span>${text}</span>
    </label>`)}
  </fieldset>`;
}
