// One group: its cameras, and the choice of them.

import { me } from "../../shell/state.js";
import { toast } from "../../shell/toasts.js";
import { cameras, camerasByName, camerasProblem, loadCameras } from "../../stores/cameras.js";
import { loadGroups } from "../../stores/groups.js";
import { inWords } from "../../texts/pt-BR/errors.js";
import { GROUPS } from "../../texts/pt-BR/groups.js";
import { CamerasDialog } from "../../ui/choosing.js";
import { html, useRef, useState } from "../../ui/html.js";
import { Progress, useInTurn } from "../../ui/pacing.js";
import { CameraState } from "../../ui/signs.js";
import { Empty, Failed, Skeleton } from "../../ui/states.js";
import { VirtualList } from "../../ui/virtual-list.js";
import { setMembers } from "./members.js";

const ROW_PX = 50;

export function GroupCameras({ group }) {
  const [isChoosing, setChoosing] = useState(false);
  const sending = useInTurn({ goesOn: true });
  const isSending = sending.progress !== null;
  const title = useRef(null);
  const inside = camerasByName.value.filter((camera) => camera.groups.includes(group.id));
  const canChange = me.value.camera_groups === null;
  const set = async (ids, done) => {
    setChoosing(false);
    const { changed, failed } = await setMembers(group.id, ids, sending.send);
    if (failed.length) toast(GROUPS.failed(failed.length, inWords(failed[0])), "failed");
    else if (changed) toast(done ?? GROUPS.changed(changed));
    await loadGroups().catch(() => {}); // the counts are read again with the next resync
  };
  const takeOut = (camera) => {
    title.current.focus(); // the button goes with its row
    return set(inside.filter(({ id }) => id !== camera.id).map(({ id }) => id), GROUPS.takenOut(camera.name));
  };
  const row = (camera) => html`<div class="groups-camera">
    <a href=${`/cameras/${camera.id}`}>${camera.name}</a><${CameraState} camera=${camera} brief />
    ${canChange && html`<button type="button" disabled=${isSending} onClick=${() => takeOut(camera)} aria-label=${GROUPS.takeOutThis(camera.name)}>${GROUPS.takeOut}</button>`}
  </div>`;
  return html`<section class="panel groups-open" aria-label=${GROUPS.chooseTitle(group.name)}>
    <header><h2 ref=${title} tabindex="-1">${group.name}</h2><span class="muted">${GROUPS.count(inside.length)}</span>
      ${canChange && html`<button type="button" class="primary" disabled=${isSending || !cameras.value} onClick=${() => setChoosing(true)}>${GROUPS.choose}</button>`}
    </header>
    <${Progress} sending=${sending} label=${GROUPS.chooseTitle(group.name)} words=${GROUPS.progress} />
    <${Inside} cameras=${inside} row=${row} name=${group.name} />
    ${isChoosing && html`<${CamerasDialog} title=${GROUPS.chooseTitle(group.name)} chosen=${inside.map(({ id }) => id)} most=${Infinity} canBeAll=${false}
      submit=${GROUPS.put} onClose=${() => setChoosing(false)} onDone=${(ids) => set(ids)} />`}
  </section>`;
}

function Inside({ cameras: inside, row, name }) {
  if (camerasProblem.value && !cameras.value) return html`<${Failed} problem=${camerasProblem.value} retry=${loadCameras} />`;
  if (!cameras.value) return html`<${Skeleton} lines=${3} />`;
  if (!inside.length) return html`<${Empty} text=${GROUPS.empty} />`;
  return html`<${VirtualList} className="groups-cameras" items=${inside} keyOf=${({ id }) => id} row=${row} height=${ROW_PX} label=${GROUPS.chooseTitle(name)} />`;
}
