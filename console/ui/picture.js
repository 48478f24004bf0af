// A picture of evidence: loaded with the session's token, the boxes drawn on it, as large as one likes.

import { session } from "../shell/state.js";
import { COMMON } from "../texts/pt-BR/common.js";
import { purposeFor } from "../shell/purpose.js";
import { isPassing } from "./again.js";
import { html, useEffect, useRef, useState } from "./html.js";
import { Failed } from "./states.js";

const ZOOMS = [1, 1.5, 2, 3, 4, 6];

/** Reads a picture of the API as long as the component lives. Returns {url, blob, problem, retry}. `declared`: whether a missing purpose is asked for. */
export function usePicture(path, { declared = true } = {}) {
  const [state, setState] = useState({ url: null, blob: null, problem: null });
  const [tries, setTries] = useState(0);
  useEffect(() => {
    let url = null;
    let isGone = false;
    setState({ url: null, blob: null, problem: null });
    if (!path) return undefined;
    const read = () => session.blob(path);
    (declared ? purposeFor(read) : read()).then(
      (blob) => isGone || setState({ url: (url = URL.createObjectURL(blob)), blob, problem: null }),
      (problem) => isGone || setState({ url: null, blob: null, problem }),
    );
    return () => {
      isGone = true;
      if (url) URL.revokeObjectURL(url);
    };
  }, [path, tries]);
  return { ...state, retry: () => setTries((count) => count + 1) };
}

/** Whether another try may succeed: the trouble passes by itself, or the user can name another purpose. */
const mayPass = (problem) => isPassing(problem) || problem.code === "purpose_required" || problem.code === "purpose_unknown";

/**
 * `boxes`: [{box: [x1, y1, x2, y2] in 0..1, kind: "plate" | "object", label?}]. Zooms by buttons and double click; scrolls when larger.
 * `onLoaded(blob)` gets the picture's bytes, or null while there are none.
 */
export function Picture({ path, alt, boxes = [], onLoaded }) {
  const { url, blob, problem, retry } = usePicture(path);
  useEffect(() => onLoaded?.(blob), [blob]);
  const [zoom, setZoom] = useState(0);
  const frame = useRef(null);
  const step = (by) => setZoom((now) => Math.min(ZOOMS.length - 1, Math.max(0, now + by)));
  useEffect(() => {
    // Towards the plate, as that is what one looks at.
    const target = boxes.find(({ kind }) => kind === "plate") ?? boxes[0];
    if (!target || zoom === 0 || !frame.current) return;
    const [x1, y1, x2, y2] = target.box;
    const { scrollWidth, scrollHeight, clientWidth, clientHeight } = frame.current;
    frame.current.scrollTo(((x1 + x2) / 2) * scrollWidth - clientWidth / 2, ((y1 + y2) / 2) * scrollHeight - clientHeight / 2);
  }, [zoom, url]);
  if (problem) return html`<div class="picture"><${Failed} problem=${problem} retry=${mayPass(problem) && retry} words=${{ not_found: COMMON.noPicture }} /></div>`;
  if (!url) return html`<div class="picture loading" role="status" aria-label=${COMMON.loading}></div>`;
  return html`<div class="picture">
    <div class="frame" ref=${frame} tabindex="0" role="group" aria-label=${alt} onDblClick=${() => setZoom(zoom ? 0 : 3)}>
      <div class="sheet" style=${{ width: `${ZOOMS[zoom] * 100}%` }}>
        <img src=${url} alt=${alt} />
        ${boxes.map(({ box: [x1, y1, x2, y2], kind, label }, index) => html`<i key=${index} class="box" data-kind=${kind} title=${label}
          style=${{ left: `${x1 * 100}%`, top: `${y1 * 100}%`, width: `${(x2 - x1) * 100}%`, height: `${(y2 - y1) * 100}%` }} />`)}
      </div>
    </div>
    <div class="zoom">
      <button type="button" onClick=${() => step(-1)} disabled=${zoom === 0} aria-label=${COMMON.zoomOut}>−</button>
      <button type="button" onClick=${() => step(1)} disabled=${zoom === ZOOMS.length - 1} aria-label=${COMMON.zoomIn}>+</button>
    </div>
  </div>`;
}

/** A small picture in a list: read when it comes into sight; a grey field where it cannot be had. */
export function Thumbnail({ path, alt = "" }) {
  const place = useRef(null);
  const [seen, setSeen] = useState(false);
  useEffect(() => {
    const observer = new IntersectionObserver(([entry]) => entry.isIntersecting && setSeen(true), { rootMargin: "200px" });
    observer.observe(place.current);
    return () => observer.disconnect();
  }, []);
  const { url } = usePicture(seen ? path : null, { declared: false });
  return html`<span ref=${place} class="thumbnail">${url && html`<img src=${url} alt=${alt} />`}</span>`;
}
