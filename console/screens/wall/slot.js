// One place of the wall: a camera's tile with its handles, or an empty place that asks for a camera.

import { go } from "../../shell/router.js";
import { may } from "../../shell/state.js";
import { WALL } from "../../texts/pt-BR/wall.js";
import { html, useState } from "../../ui/html.js";
import { Icon } from "../../ui/icons.js";
import { recordingsAt } from "../../ui/playback/minute.js";
import { Tile } from "../../ui/tile.js";

const KIND = "application/x-gtvision-camera";

/** `isFixed`: whether the patrol decides what stands here. `onDropped(id)`: a camera came, perhaps from the wall of another window. */
export function Slot({ camera, place, columns, isFixed, onMove, onDropped, onChoose, onRemove }) {
  const [isOver, setOver] = useState(false);
  const drop = isFixed ? {} : {
    onDragOver: (event) => event.dataTransfer.types.includes(KIND) && (event.preventDefault(), setOver(true)),
    onDragLeave: () => setOver(false),
    onDrop: (event) => {
      event.preventDefault();
      setOver(false);
      onDropped(event.dataTransfer.getData(KIND));
    },
  };
  if (!camera) {
    return html`<div class="wall-slot" data-over=${isOver} ...${drop}>
      ${!isFixed && html`<button type="button" class="wall-empty" onClick=${onChoose} aria-label=${WALL.empty(place + 1)}>+</button>`}
    </div>`;
  }
  const moved = (event) => {
    const by = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -columns, ArrowDown: columns }[event.key];
    if (!event.shiftKey || !by || isFixed) return;
    event.preventDefault();
    onMove(place, place + by);
  };
  return html`<div class="wall-slot" data-camera=${camera.id} data-over=${isOver} onKeyDown=${moved} ...${drop}>
    <${Tile} camera=${camera} onOpen=${() => go(`/cameras/${camera.id}`)} />
    ${(!isFixed || may("recordings:read")) && html`<div class="wall-handles">
      ${may("recordings:read") && html`<a class="button" href=${recordingsAt(camera.id)} aria-label=${WALL.recordings(camera.name)} title=${WALL.recordings(camera.name)}><span aria-hidden="true">⏵</span></a>`}
      ${!isFixed && html`
      <button type="button" draggable=${true} onDragStart=${(event) => event.dataTransfer.setData(KIND, camera.id)} aria-label=${WALL.move(camera.name)} title=${WALL.move(camera.name)}><${Icon} name="grip" /></button>
      <button type="button" onClick=${onChoose} aria-label=${WALL.replace(camera.name)} title=${WALL.replace(camera.name)}>⇄</button>
      <button type="button" onClick=${onRemove} aria-label=${WALL.takeOff(camera.name)} title=${WALL.takeOff(camera.name)}>×</button>`}
    </div>`}
  </div>`;
}
