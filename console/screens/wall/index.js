// The video wall: cameras in places, moved by hand or by keys, saved under names, on one monitor or several.

import { setQuery } from "../../shell/router.js";
import { may } from "../../shell/state.js";
import { cameras, camerasProblem, loadCameras } from "../../stores/cameras.js";
import { WALL } from "../../texts/pt-BR/wall.js";
import { CamerasDialog } from "../../ui/choosing.js";
import { html, useEffect, useState } from "../../ui/html.js";
import { LatestReads, NewestAlerts } from "../../ui/live-lists.js";
import { Empty, Failed, Skeleton } from "../../ui/states.js";
import { MOST, placesOf, useArrangement, usePatrol, withChosen, withPut, withSwapped } from "./arrangement.js";
import { Slot } from "./slot.js";
import { Toolbar } from "./toolbar.js";

export const styles = ["style.css"];

export default function Wall({ query }) {
  if (camerasProblem.value && !cameras.value) return html`<section class="screen"><h1>${WALL.title}</h1><${Failed} problem=${camerasProblem.value} retry=${loadCameras} /></section>`;
  if (!cameras.value) return html`<section class="screen"><h1>${WALL.title}</h1><${Skeleton} /></section>`;
  if (cameras.value.size === 0) {
    return html`<section class="screen"><h1>${WALL.title}</h1>${may("cameras:write")
      ? html`<${Empty} text=${WALL.none}><a class="button primary" href="/cameras?new=1">${WALL.addCamera}</a><//>`
      : html`<${Empty} text=${WALL.noneForYou} />`}</section>`;
  }
  return html`<${Arranged} key=${query.monitor ?? "1"} screen=${query.monitor ?? "1"} isBare=${query.monitor > 1} hasSide=${query.side !== "0" && !(query.monitor > 1)} />`;
}

function Arranged({ screen, isBare, hasSide }) {
  const [arrangement, change] = useArrangement(screen);
  const page = usePatrol(arrangement.patrol_s);
  const [choosing, setChoosing] = useState(null);
  const isFull = useFullScreen();
  useAlone(isBare || isFull);
  const { places, pages } = placesOf(arrangement, page, cameras.value);
  const isPatrol = Boolean(arrangement.patrol_s);
  const put = (place, id) => change({ cameras: withPut(arrangement, place, id) });
  const swap = (from, to) => {
    if (to >= 0 && to < places.length && from !== to) change({ cameras: withSwapped(arrangement, from, to) });
  };
  const dropped = (id, place) => {
    const from = places.indexOf(id);
    if (from >= 0) swap(from, place);
    else if (cameras.value.has(id)) put(place, id);
  };
  const chosen = (ids) => {
    if (choosing === "all") change({ cameras: withChosen(arrangement, ids) });
    else if (ids.length) put(choosing, ids[0]);
    setChoosing(null);
  };
  const columns = Math.sqrt(arrangement.tiles);
  return html`<section class="screen wall" data-side=${hasSide} data-bare=${isBare || isFull}>
    <${Toolbar} arrangement=${arrangement} change=${change} onChoose=${() => setChoosing("all")} patrolPage=${isPatrol && pages > 1 ? [(page % pages) + 1, pages] : null}
      onFull=${toggleFull} hasSide=${hasSide} onSide=${isBare ? null : () => setQuery({ side: hasSide ? "0" : "" })} screen=${screen} />
    <div class="wall-grid" data-tiles=${arrangement.tiles} style=${{ "--columns": columns }} aria-label=${WALL.title} role="group">
      ${places.map((id, place) => html`<${Slot} key=${id ?? `empty-${place}`} camera=${id && cameras.value.get(id)} place=${place} columns=${columns} isFixed=${isPatrol}
        onMove=${swap} onDropped=${(id) => dropped(id, place)} onChoose=${() => setChoosing(place)} onRemove=${() => put(place, null)} />`)}
    </div>
    ${hasSide && html`<aside class="wall-side">
      ${may("alerts:read") && html`<${NewestAlerts} />`}
      ${may("detections:read") && html`<${LatestReads} />`}
    </aside>`}
    ${choosing !== null && html`<${CamerasDialog} title=${choosing === "all" ? WALL.choose : WALL.chooseOne} single=${choosing !== "all"} most=${MOST}
      chosen=${choosing === "all" ? arrangement.cameras.filter((id) => cameras.value.has(id)) : []} canBeAll=${isPatrol} onClose=${() => setChoosing(null)} onDone=${chosen} />`}
  </section>`;
}

/** The whole page goes to full screen, as the banner of critical alerts has to be seen there too. */
function toggleFull() {
  if (document.fullscreenElement) document.exitFullscreen();
  else document.documentElement.requestFullscreen?.().catch(() => {}); // a browser may refuse; the wall stays as it is
}

function useFullScreen() {
  const [isFull, setFull] = useState(Boolean(document.fullscreenElement));
  useEffect(() => {
    const changed = () => setFull(Boolean(document.fullscreenElement));
    document.addEventListener("fullscreenchange", changed);
    return () => document.removeEventListener("fullscreenchange", changed);
  }, []);
  return isFull;
}

/** Takes the frame away while the wall stands alone, for the eyes and for the keyboard; the banner and toasts stay. */
function useAlone(isAlone) {
  useEffect(() => {
    if (!isAlone) return undefined;
    document.documentElement.dataset.alone = "";
    return () => delete document.documentElement.dataset.alone;
  }, [isAlone]);
}
