// What the city decides for itself. Who may only read it sees it without a button.

import { may, me } from "../../shell/state.js";
import { CHANNELS, CITY } from "../../texts/pt-BR/city.js";
import { SHELL } from "../../texts/pt-BR/shell.js";
import { html } from "../../ui/html.js";
import { useSettings } from "../../ui/settings.js";
import { Failed, Skeleton } from "../../ui/states.js";
import { Cloud } from "./cloud.js";
import { Identity } from "./identity.js";
import { Limits, Retention } from "./numbers.js";
import { Part } from "./parts.js";
import { Purposes } from "./purposes.js";

export const styles = ["style.css"];

export default function City() {
  const { settings, tenant, problem, read, change } = useSettings(me.value.tenant_id);
  const isLimited = me.value.camera_groups !== null;
  const canChange = may("settings:write") && !isLimited;
  const given = { settings, tenant, change, canChange };
  // Without a field or a button in it, the screen takes the focus itself, so that keys scroll it.
  return html`<section class="screen city-screen" tabindex=${canChange ? undefined : 0}>
    <header><h1>${SHELL.screens.city}</h1></header>
    ${!canChange && html`<p class="muted">${may("settings:write") ? CITY.limited : CITY.readOnly}</p>`}
    ${!settings && (problem ? html`<${Failed} problem=${problem} retry=${read} />` : html`<${Skeleton} lines=${10} />`)}
    ${settings && html`<div class="city-parts">
      <${Identity} ...${given} read=${read} />
      <${Retention} ...${given} />
      <${Purposes} ...${given} />
      <${Limits} ...${given} />
      <${Cloud} ...${given} />
      <${Part} title=${CITY.channels} why=${CITY.channelsWhy}>
        <ul class="city-channels">${settings.channels.map((code) => html`<li key=${code}>${CHANNELS[code] ?? code}</li>`)}</ul>
      <//>
    </div>`}
  </section>`;
}
