// The timeline: what was recorded, what was not and why, and what happened, from a year to a minute. It chooses an instant.

import { TIMELINE } from "../../texts/pt-BR/timeline.js";
import { moment } from "../dates.js";
import { html, useLayoutEffect, useMemo, useRef, useState } from "../html.js";
import { Hover } from "./hover.js";
import { useGestures } from "./gestures.js";
import { CauseSign, CAUSES, Lanes, Patterns, AXIS_PX, LANE_PX } from "./lanes.js";
import { around, DAY, HOUR, MINUTE, moved, SPANS_UP_TO, WIDEST, zoomed } from "./scale.js";
import { whatAt } from "./spans.js";
import { summaryOf, whatInWords } from "./words.js";

const STEP = 1.6;
const SPANS = { minute: MINUTE, tenMinutes: 10 * MINUTE, hour: HOUR, day: DAY, week: 7 * DAY, month: 31 * DAY, year: WIDEST };

/**
 * @param {{lanes: {id: string, name: string, recorded: import("./spans.js").Recorded | null, marks?: any[]}[], view: import("./scale.js").View,
 *   at: number, range?: {from: number, to: number} | null, onView: (view: import("./scale.js").View) => void, onSeek: (at: number) => void,
 *   preview?: (id: string, at: number) => any, children?: any}} props
 *   `at`: the instant that is shown; `preview`: the place of a small picture of a camera, where there is one.
 */
export function Timeline({ lanes, view, at, range = null, onView, onSeek, preview, children }) {
  const box = useRef(null);
  const [width, setWidth] = useState(0);
  const [hover, setHover] = useState(null);
  useLayoutEffect(() => {
    const measure = () => setWidth(box.current.clientWidth);
    const seen = new ResizeObserver(measure);
    seen.observe(box.current);
    measure();
    return () => seen.disconnect();
  }, []);
  useGestures(box, { view, width }, { onView, onSeek, onHover: setHover });
  const lines = useMemo(() => html`<${Lanes} lanes=${lanes} view=${view} width=${width} range=${range} />`, [lanes, view, width, range]);
  const place = (instant) => ((instant - view.from) / (view.to - view.from)) * width;
  const isIn = (instant) => view.from <= instant && instant <= view.to;
  const now = Date.now();
  return html`<section class="timeline" aria-label=${TIMELINE.title}>
    <${Patterns} />
    <${Tools} view=${view} at=${at} onView=${onView}>${children}<//>
    <div ref=${box} class="timeline-box" style=${{ blockSize: `${AXIS_PX + lanes.length * LANE_PX}px` }} role="slider" tabindex="0" aria-label=${TIMELINE.slider}
      aria-valuemin=${view.from} aria-valuemax=${view.to} aria-valuenow=${Math.round(Math.min(Math.max(at, view.from), view.to))}
      aria-valuetext=${[moment(at), ...lanes.map((lane) => whatInWords(whatAt(lane.recorded, at), lanes.length > 1 && lane.name)).filter(Boolean)].join(", ")}
      onKeyDown=${(event) => keyed(event, { view, at, onView, onSeek })}>
      ${width > 0 && lines}
      ${isIn(now) && html`<i class="timeline-now" style=${{ insetInlineStart: `${place(now)}px` }} title=${TIMELINE.now} />`}
      ${isIn(at) && html`<i class="timeline-cursor" style=${{ insetInlineStart: `${place(at)}px` }} />`}
      ${lanes.length > 1 && lanes.map((lane, row) => html`<span key=${lane.id} class="timeline-name" style=${{ insetBlockStart: `${AXIS_PX + row * LANE_PX}px` }}>${lane.name}</span>`)}
      ${hover && html`<${Hover} hover=${hover} lanes=${lanes} view=${view} width=${width} preview=${preview} />`}
    </div>
    <${Legend} lanes=${lanes} view=${view} />
    <p class="muted timeline-summary">${summaryOf(lanes, view)}</p>
  </section>`;
}

function Tools({ view, at, onView, children }) {
  const span = view.to - view.from;
  const nearest = Object.entries(SPANS).reduce((best, each) => (Math.abs(Math.log(each[1] / span)) < Math.abs(Math.log(best[1] / span)) ? each : best))[0];
  const middle = (view.from + view.to) / 2;
  const centre = view.from <= at && at <= view.to ? at : middle;
  const show = (event) => onView(around(centre, SPANS[event.target.value]));
  return html`<div class="timeline-tools" role="group" aria-label=${TIMELINE.tools}>
    <button type="button" class="round" onClick=${() => onView(moved(view, -span / 2))} aria-label=${TIMELINE.earlier} title=${TIMELINE.earlier}>‹</button>
    <button type="button" class="round" onClick=${() => onView(zoomed(view, STEP, centre))} aria-label=${TIMELINE.zoomOut} title=${TIMELINE.zoomOut} aria-keyshortcuts="-">−</button>
    <label><span class="visually-hidden">${TIMELINE.span}</span><select aria-label=${TIMELINE.span} onChange=${show}>
      ${Object.keys(SPANS).map((name) => html`<option key=${name} value=${name} selected=${name === nearest}>${TIMELINE.spans[name]}</option>`)}
    </select></label>
    <button type="button" class="round" onClick=${() => onView(zoomed(view, 1 / STEP, centre))} aria-label=${TIMELINE.zoomIn} title=${TIMELINE.zoomIn} aria-keyshortcuts="+">+</button>
    <button type="button" class="round" onClick=${() => onView(moved(view, span / 2))} aria-label=${TIMELINE.later} title=${TIMELINE.later}>›</button>
    ${children}
  </div>`;
}

/** What the signs mean, of those that are to be seen. */
function Legend({ lanes, view }) {
  const isWide = view.to - view.from > SPANS_UP_TO;
  const isSeen = (cause) => !isWide && lanes.some((lane) => lane.recorded?.gaps.some((gap) => gap.cause === cause && gap.from < view.to && gap.to > view.from));
  const isAway = !isWide && lanes.some((lane) => lane.recorded?.archived.some((span) => span.from < view.to && span.to > view.from && span.restoredUntil === null));
  const has = (kind) => lanes.some((lane) => lane.marks?.some((mark) => mark.kind === kind));
  return html`<ul class="timeline-legend" aria-label=${TIMELINE.legend}>
    <li><svg class="timeline-sign" width="22" height="12" aria-hidden="true"><rect class="timeline-recorded" width="22" height="12" /></svg> ${isWide ? TIMELINE.perDay : TIMELINE.recorded}</li>
    ${isAway && html`<li><svg class="timeline-sign" width="22" height="12" aria-hidden="true"><rect class="timeline-away" width="22" height="12" fill="url(#only-archived)" /></svg> ${TIMELINE.archived}</li>`}
    ${CAUSES.filter(isSeen).map((cause) => html`<li key=${cause}><${CauseSign} cause=${cause} /> ${TIMELINE.causes[cause]}</li>`)}
    ${has("alert") && html`<li><svg class="timeline-sign" width="12" height="12" aria-hidden="true"><path class="timeline-mark" data-kind="alert" d="M0 1h12l-6 10z" /></svg> ${TIMELINE.alerts}</li>`}
    ${has("plate") && html`<li><svg class="timeline-sign" width="6" height="12" aria-hidden="true"><path class="timeline-mark" data-kind="plate" d="M1 0h4v12h-4z" /></svg> ${TIMELINE.plates}</li>`}
  </ul>`;
}

/** Keys that are the timeline's own; those of the player go on to it. */
function keyed(event, { view, at, onView, onSeek }) {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const span = view.to - view.from;
  const acts = {
    "+": () => onView(zoomed(view, 1 / STEP, at)),
    "=": () => onView(zoomed(view, 1 / STEP, at)),
    "-": () => onView(zoomed(view, STEP, at)),
    PageUp: () => onSeek(at - span / 10),
    PageDown: () => onSeek(at + span / 10),
    Home: () => onSeek(view.from),
    End: () => onSeek(Math.min(view.to, Date.now())),
  };
  if (!Object.hasOwn(acts, event.key)) return;
  event.preventDefault();
  acts[event.key]();
}
