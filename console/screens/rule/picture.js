// The picture that is drawn on: the newest that there is of a camera, or a grey ground.

import { may } from "../../shell/state.js";
import { nameOf } from "../../stores/cameras.js";
import { DRAWING } from "../../texts/pt-BR/rule.js";
import { Drawing } from "../../ui/drawing.js";
import { html } from "../../ui/html.js";
import { usePicture } from "../../ui/picture.js";

const WIDTH_PX = 1280;

/** `onChange`: as of `Drawing`; without it what was drawn is only shown. */
export function OnPicture({ cameraId, zone, line, onChange }) {
  const { url, problem, retry } = usePicture(may("live:view") ? `/snapshots/${cameraId}?width=${WIDTH_PX}` : null);
  return html`<${Drawing} url=${url} camera=${nameOf(cameraId)} zone=${zone} line=${line} onChange=${onChange}>
    ${problem && html`<p class="muted" role="status">${DRAWING.noPicture}</p>`}
    ${onChange && (url || problem) && html`<div class="actions"><button type="button" onClick=${retry}>${DRAWING.again}</button></div>`}
  <//>`;
}
