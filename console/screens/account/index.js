// "Minha conta": who I am, what this browser remembers, my password, my second factor and where I am signed in.

import { session, me } from "../../shell/state.js";
import { ACCOUNT } from "../../texts/pt-BR/account.js";
import { ROLES } from "../../texts/pt-BR/common.js";
import { SHELL } from "../../texts/pt-BR/shell.js";
import { html, useState } from "../../ui/html.js";
import { reachInWords } from "../../ui/reach.js";
import { Sessions } from "../../ui/sessions.js";
import { Here } from "./here.js";
import { Password } from "./password.js";
import { SecondFactor } from "./second-factor.js";

export const styles = ["style.css"];

export default function Account() {
  const [changes, setChanges] = useState(0); // a new password ends the other sessions
  return html`<section class="screen account">
    <header><h1>${SHELL.screens.account}</h1>
      <button type="button" onClick=${() => session.logout().catch(() => {})}>${ACCOUNT.logout}</button>
    </header>
    <div class="account-panels">
      <${Who} />
      <${Here} />
      <${Password} onChanged=${() => setChanges(changes + 1)} />
      <${SecondFactor} />
    </div>
    <section class="panel" aria-label=${ACCOUNT.sessions}><h2>${ACCOUNT.sessions}</h2>
      <${Sessions} key=${changes} userId=${me.value.id} mayEnd=${true} />
    </section>
  </section>`;
}

function Who() {
  const { name, email, role, tenant, display_name: shown, camera_groups: reach, timezone } = me.value;
  const facts = [
    [ACCOUNT.name, name],
    [ACCOUNT.email, email],
    [ACCOUNT.role, ROLES[role] ?? role],
    [ACCOUNT.city, shown || tenant],
    [ACCOUNT.cameras, reachInWords(reach)],
    [ACCOUNT.timezone, timezone],
  ];
  return html`<section class="panel" aria-label=${ACCOUNT.who}><h2>${ACCOUNT.who}</h2>
    <dl class="facts">${facts.filter(([, text]) => text).map(([term, text]) => html`<div key=${term}><dt>${term}</dt><dd>${text}</dd></div>`)}</dl>
    <p class="muted">${ACCOUNT.rights}</p>
  </section>`;
}
