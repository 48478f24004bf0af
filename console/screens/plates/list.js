// The list of reads. Arrow keys go through it; a row says all of a read in its name.

import { PLATES } from "../../texts/pt-BR/plates.js";
import { moment } from "../../ui/dates.js";
import { html } from "../../ui/html.js";
import { Icon } from "../../ui/icons.js";
import { Thumbnail } from "../../ui/picture.js";
import { ShowMinute } from "../../ui/playback/minute.js";
import { percent, Plate, written } from "../../ui/signs.js";
import { nameOf } from "../../stores/cameras.js";
import { likely, picturePath } from "./reads.js";

const SHOWN_ALTERNATES = 2;

/** `chosen`: the id of the read that is shown beside; `hasThumbnails`: whether small pictures may be asked for already. */
export function List({ reads, chosen, onChoose, hasThumbnails }) {
  const keys = (event) => {
    const by = { ArrowUp: "previousElementSibling", ArrowDown: "nextElementSibling" }[event.key];
    const row = event.target.closest("li")?.[by]?.querySelector("button");
    if (!by || !row) return;
    event.preventDefault();
    row.focus();
    if (chosen) onChoose(reads.find(({ id }) => id === row.dataset.read));
  };
  return html`<ol class="plates-list" aria-label=${PLATES.list} onKeyDown=${keys}>
    ${reads.map((read) => html`<${Row} key=${read.id} read=${read} isChosen=${read.id === chosen} onChoose=${onChoose} hasThumbnail=${hasThumbnails && read.hasPicture} />`)}
  </ol>`;
}

function Row({ read, isChosen, onChoose, hasThumbnail }) {
  const camera = nameOf(read.camera);
  const others = likely(read).slice(0, SHOWN_ALTERNATES).map(([text]) => written(text)).join(", ");
  const also = others && PLATES.alsoReadAs(others);
  const says = [written(read.plate), camera, moment(read.at), PLATES.confidenceIs(percent(read.confidence)), also].filter(Boolean).join(", ");
  return html`<li><button type="button" class="plates-row" data-read=${read.id} aria-current=${isChosen ? "true" : undefined} aria-label=${says} onClick=${() => onChoose(read)}>
    ${read.isUnasked
      ? html`<span class="thumbnail" title=${PLATES.unasked}><${Icon} name="picture" /></span>`
      : html`<${Thumbnail} path=${hasThumbnail ? picturePath(read, "thumbnail") : null} />`}
    <span class="plates-what"><${Plate} plate=${read.plate} /><span class="muted">${percent(read.confidence)}</span></span>
    <span class="plates-where"><span>${camera}</span><span class="muted">${moment(read.at)}</span>${also && html`<span class="muted plates-also">${also}</span>`}</span>
  </button><${ShowMinute} brief camera=${read.camera} at=${read.at} about=${`${written(read.plate)}, ${camera}`} /></li>`;
}
