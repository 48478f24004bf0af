// What the pointer is over: the instant, what there is, and a small picture where there is one.

import { moment } from "../dates.js";
import { html, useEffect, useState } from "../html.js";
import { AXIS_PX, LANE_PX } from "./lanes.js";
import { whatAt } from "./spans.js";
import { whatInWords } from "./words.js";

const NEAR_PX = 6;
const QUIET_MS = 120;
const WIDE_PX = 200;

export function Hover({ hover: { x, at }, lanes, view, width, preview }) {
  const picture = usePreview(lanes, at, preview);
  const pixel = (view.to - view.from) / width;
  const near = lanes.flatMap((lane) => lane.marks ?? []).filter((mark) => Math.abs(mark.at - at) < NEAR_PX * pixel).slice(0, 3);
  const left = Math.min(Math.max(x - WIDE_PX / 2, 0), Math.max(0, width - WIDE_PX));
  return html`<div class="timeline-hover" style=${{ insetInlineStart: `${left}px`, insetBlockEnd: `${lanes.length * LANE_PX + AXIS_PX + 4}px` }}>
    ${picture && html`<${Cell} key=${picture.src} picture=${picture} />`}
    <strong>${moment(at)}</strong>
    ${lanes.map((lane) => html`<span key=${lane.id}>${whatInWords(whatAt(lane.recorded, at), lanes.length > 1 && lane.name)}</span>`)}
    ${near.map((mark) => html`<span key=${mark.id}>${mark.text}</span>`)}
  </div>`;
}

/** The picture of the first camera that has a recording there, once the pointer rests. */
function usePreview(lanes, at, preview) {
  const [picture, setPicture] = useState(null);
  const id = lanes.find((lane) => whatAt(lane.recorded, at)?.isRecorded)?.id ?? null;
  useEffect(() => {
    if (!preview || !id) return void setPicture(null);
    const timer = setTimeout(() => setPicture(preview(id, at)), QUIET_MS);
    return () => clearTimeout(timer);
  }, [id, at]);
  return id && picture;
}

/** One cell of a sheet of small pictures; a sheet that is not there leaves its place. */
function Cell({ picture: { src, column, row, columns } }) {
  const [isMissing, setMissing] = useState(false);
  if (isMissing) return null;
  return html`<span class="timeline-cell"><img src=${src} alt="" onError=${() => setMissing(true)}
    style=${{ inlineSize: `${columns * 100}%`, insetInlineStart: `${-column * 100}%`, insetBlockStart: `${-row * 100}%` }} /></span>`;
}
