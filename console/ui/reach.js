// Which cameras a person or a key may see: all of them, or those of some groups.

import { me } from "../shell/state.js";
import { groupName, groups } from "../stores/groups.js";
import { COMMON } from "../texts/pt-BR/common.js";
import { GroupBoxes } from "./choosing.js";
import { html, useId } from "./html.js";
import { inOrder } from "./order.js";

/** The groups by name, in words. `ids`: null for every camera. */
export function reachInWords(ids) {
  if (ids === null) return COMMON.allCameras;
  if (!ids.length) return COMMON.noCamera;
  return ids.map(groupName).sort(inOrder).join(", ");
}

/** What one may give to others: who is limited to groups gives no more than these. */
export const startingReach = () => (me.value.camera_groups === null ? null : []);

/** `ids`: null for every camera; `onChange(ids)`. */
export function ReachFields({ ids, onChange, legend = COMMON.mayReach }) {
  const name = useId();
  const choice = (text, isChosen, value) => html`<label class="choice">
    <input type="radio" name=${name} checked=${isChosen} onChange=${() => onChange(value)} /><span>${text}</span>
  </label>`;
  return html`<fieldset class="reach">
    <legend>${legend}</legend>
    ${me.value.camera_groups === null && choice(COMMON.allCameras, ids === null, null)}
    ${me.value.camera_groups === null && choice(COMMON.onlyGroups, ids !== null, ids ?? [])}
    ${ids !== null && (groups.value?.length || ids.length
      ? html`<${GroupBoxes} chosen=${ids} onChange=${onChange} legend=${COMMON.groups} />`
      : html`<p class="muted">${COMMON.noGroups} <a href="/grupos">${COMMON.makeGroup}</a></p>`)}
    ${ids?.length === 0 && html`<p class="muted">${COMMON.noCameraYet}</p>`}
  </fieldset>`;
}
