// Who is told of the alerts of a rule or a list: who the policy says, or some channels.

import { TOLD } from "../texts/pt-BR/when.js";
import { useChannels } from "./channels.js";
import { html } from "./html.js";

/** Returns the chosen channels as the API takes them. Throws where there are none: nobody chooses that no one be told. */
export function toldOf(chosen) {
  if (chosen?.length === 0) throw { code: "no_channels" };
  return chosen;
}

/** `chosen`: ids of channels, null for those of the policy; `onChange(ids | null)`. */
export function ToldField({ chosen, onChange }) {
  const channels = useChannels();
  const known = channels.value ?? [];
  const gone = (chosen ?? []).filter((id) => channels.value && !known.some((each) => each.channel_id === id));
  const toggle = (id) => onChange(chosen.includes(id) ? chosen.filter((each) => each !== id) : [...chosen, id]);
  const box = (id, name) => html`<label key=${id} class="choice"><input type="checkbox" checked=${chosen.includes(id)} onChange=${() => toggle(id)} /> ${name}</label>`;
  return html`<fieldset><legend>${TOLD.title}</legend>
    <label class="choice"><input type="radio" checked=${chosen === null} onChange=${() => onChange(null)} /> ${TOLD.every}</label>
    <label class="choice"><input type="radio" checked=${chosen !== null} onChange=${() => onChange(chosen ?? [])} /> ${TOLD.some}</label>
    ${channels.problem && html`<p class="muted">${TOLD.unread}</p>`}
    ${channels.value?.length === 0 && html`<p class="muted">${TOLD.none}</p>`}
    ${chosen !== null && html`<div class="told-channels">
      ${known.map(({ channel_id: id, name, enabled }) => box(id, enabled ? name : `${name} (${TOLD.off})`))}
      ${gone.map((id) => box(id, TOLD.gone))}
    </div>`}
    ${chosen?.length === 0 && known.length > 0 && html`<p class="muted">${TOLD.nobody}</p>`}
  </fieldset>`;
}
