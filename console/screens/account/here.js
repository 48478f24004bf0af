// What this browser remembers: colours, sound, shortcuts.

import { isSoundOn, setSound } from "../../shell/announce.js";
import { areShortcutsOn, setShortcuts } from "../../shell/shortcuts.js";
import { may } from "../../shell/state.js";
import { ACCOUNT } from "../../texts/pt-BR/account.js";
import { CheckField } from "../../ui/form.js";
import { html } from "../../ui/html.js";
import { ThemeChoice } from "../../ui/theme-choice.js";
import { Push } from "./push.js";

export function Here() {
  return html`<section class="panel" aria-label=${ACCOUNT.here}><h2>${ACCOUNT.here}</h2>
    <${ThemeChoice} />
    ${may("alerts:acknowledge") && html`<${CheckField} label=${ACCOUNT.sound} hint=${ACCOUNT.soundHint} checked=${isSoundOn.value}
      onChange=${(event) => setSound(event.target.checked)} />`}
    ${may("alerts:read") && html`<${Push} />`}
    <${CheckField} label=${ACCOUNT.shortcuts} hint=${ACCOUNT.shortcutsHint} checked=${areShortcutsOn.value}
      onChange=${(event) => setShortcuts(event.target.checked)} />
    <p><a href="/ajuda">${ACCOUNT.shortcutsTable}</a></p>
  </section>`;
}
