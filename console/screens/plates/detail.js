// The chosen read: its picture with boxes, what is known of it, its neighbours in the list, and a sheet to print.

import { purpose } from "../../shell/purpose.js";
import { withQuery } from "../../shell/router.js";
import { may, me } from "../../shell/state.js";
import { CLASSES, COMMON } from "../../texts/pt-BR/common.js";
import { PLATES } from "../../texts/pt-BR/plates.js";
import { moment } from "../../ui/dates.js";
import { html, useEffect, useRef, useState } from "../../ui/html.js";
import { Icon } from "../../ui/icons.js";
import { Picture } from "../../ui/picture.js";
import { ShowMinute } from "../../ui/playback/minute.js";
import { twin } from "../../ui/plates.js";
import { percent, Plate, written } from "../../ui/signs.js";
import { cameras, nameOf } from "../../stores/cameras.js";
import { boxesOf, picturePath } from "./reads.js";

/** `at`: its place in the list, -1 where the list has moved on; `onOpened(id)`: its picture is here; `onWatch`: null where the user may not. */
export function Detail({ read, isNarrow, query, at, count, hasMore, step, onOpened, onWatch }) {
  const [picture, setPicture] = useState(null);
  const hash = useHash(picture);
  useEffect(() => void (picture && onOpened(read.id)), [picture]);
  const camera = nameOf(read.camera);
  const name = written(read.plate);
  return html`<article class="plates-read">
    <${PrintHead} />
    <header class="plates-head">
      ${!isNarrow && html`<${Plate} plate=${read.plate} />`}
      <p class="plates-title"><strong>${camera}</strong><span class="muted">${moment(read.at)}</span></p>
      <div class="actions no-print">
        <button type="button" class="round" disabled=${at <= 0} onClick=${() => step(-1)} aria-label=${PLATES.previous} title=${PLATES.previous} aria-keyshortcuts="ArrowLeft">←</button>
        ${at >= 0 && html`<span class="muted" role="status">${PLATES.place(at + 1, count, hasMore)}</span>`}
        <button type="button" class="round" disabled=${at < 0 || at >= count - 1} onClick=${() => step(1)} aria-label=${PLATES.next} title=${PLATES.next} aria-keyshortcuts="ArrowRight">→</button>
      </div>
    </header>
    ${read.hasPicture
      ? html`<${Picture} key=${read.id} path=${picturePath(read, "evidence")} alt=${PLATES.picture(name, camera)} boxes=${boxesOf(read, PLATES.plateBox(name))} onLoaded=${setPicture} />`
      : html`<p class="picture missing muted">${COMMON.noPicture}</p>`}
    <div class="actions no-print">
      <button type="button" onClick=${() => window.print()}><${Icon} name="print" /> ${PLATES.print}</button>
      ${onWatch && html`<button type="button" onClick=${onWatch} aria-label=${PLATES.watchPlate(name)}>${PLATES.watch}</button>`}
      <${ShowMinute} camera=${read.camera} at=${read.at} about=${`${name}, ${camera}`} />
      ${query.plate !== read.plate && html`<a class="button" href=${withQuery("/placas", { plate: read.plate })} aria-label=${`${PLATES.searchThis}: ${name}`}>${PLATES.searchThis}</a>`}
      ${may("cameras:read") && cameras.value?.has(read.camera) && html`<a class="button" href=${`/cameras/${read.camera}`} aria-label=${`${PLATES.openCamera}: ${camera}`}>${PLATES.openCamera}</a>`}
    </div>
    <${Facts} read=${read} camera=${camera} hash=${hash} />
    <${PrintFoot} />
  </article>`;
}

function Facts({ read, camera, hash }) {
  const other = twin(read.plate);
  const facts = [
    [PLATES.plateIs, written(read.plate)],
    [PLATES.twin, other && written(other)],
    [PLATES.camera, camera],
    [PLATES.when, moment(read.at)],
    [PLATES.confidence, percent(read.confidence)],
    [PLATES.vehicle, read.vehicle && read.vehicle !== "plate" && (CLASSES[read.vehicle] ?? read.vehicle)],
    [PLATES.alternates, read.alternates.length > 0 && html`<ul class="plates-alternates">${read.alternates.map(([text, share]) => html`<li key=${text}>
      <${Plate} plate=${text} href=${withQuery("/placas", { plate: text })} label=${`${PLATES.searchThis}: ${written(text)}`} /> <span class="muted">${percentOf(share)}</span></li>`)}</ul>`],
    [PLATES.hash, hash && html`<code>${hash}</code>`],
    [PLATES.reading, html`<code>${read.id}</code>`],
  ];
  return html`<dl class="facts plates-facts">${facts.filter(([, fact]) => fact).map(([title, fact]) => html`<div key=${title}><dt>${title}</dt><dd>${fact}</dd></div>`)}</dl>`;
}

const percentOf = (share) => (share < 0.01 ? PLATES.under : percent(share));

/** The SHA-256 of the very bytes that are shown. */
function useHash(blob) {
  const [hash, setHash] = useState("");
  useEffect(() => {
    let isGone = false;
    setHash("");
    blob?.arrayBuffer().then((bytes) => crypto.subtle.digest("SHA-256", bytes)).then(
      (digest) => isGone || setHash([...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, "0")).join("")),
      () => {}, // a sheet without a hash is still a sheet
    );
    return () => (isGone = true);
  }, [blob]);
  return hash;
}

function PrintHead() {
  return html`<div class="plates-print"><strong>${me.value.display_name || me.value.tenant}</strong><h2>${PLATES.printTitle}</h2></div>`;
}

/** Who printed, when, and for what. The instant is written when the browser prints, however that was asked for. */
function PrintFoot() {
  const instant = useRef(null);
  useEffect(() => {
    const write = () => instant.current && (instant.current.textContent = moment(Date.now()));
    addEventListener("beforeprint", write);
    return () => removeEventListener("beforeprint", write);
  }, []);
  const { name, email } = me.value;
  return html`<p class="plates-print">${PLATES.printedBy(name && name !== email ? `${name} (${email})` : email)}<span ref=${instant}></span>${purpose.value && `. ${PLATES.purpose}: ${purpose.value}`}</p>`;
}
