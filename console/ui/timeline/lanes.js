// The drawing of the timeline: one lane for each camera. A cause has a colour and a pattern of its own.

import { dayOf, clock, hourOf, monthOf } from "../dates.js";
import { html } from "../html.js";
import { DAY, ticks } from "./scale.js";
import { drawn } from "./spans.js";

export const LANE_PX = 34;
export const AXIS_PX = 24;
const LEAST_PX = 2;
const LEAST_DAY_PX = 4;
/** Plates that are closer than this cover one another. */
const PLATE_PX = 5;
const UNITS = { second: clock, minute: hourOf, day: dayOf, month: monthOf };
/** Lines of each pattern in a square of eight pixels. */
const PATTERNS = {
  camera: "M-2 2 2-2M0 8 8 0M6 10 10 6",
  network: "M-2 6 2 10M0 0 8 8M6-2 10 2",
  node: "M2 0V8M6 0V8",
  disk: "M0 2H8M0 6H8",
  operator: "M2 2h2v2H2zM6 6h2v2H6z",
  planned: "M4 0V8M0 4H8",
  retention: "M1 1h1v1H1zM5 5h1v1H5z",
  unknown: "M0 0 8 8M0 8 8 0",
};
export const CAUSES = Object.keys(PATTERNS);

/** The patterns, once in the page. What only an off-site copy holds is dashed. */
export function Patterns() {
  return html`<svg class="timeline-patterns" width="0" height="0" aria-hidden="true"><defs>
    ${CAUSES.map((cause) => html`<pattern key=${cause} id=${`gap-${cause}`} class="timeline-gap" data-cause=${cause} width="8" height="8" patternUnits="userSpaceOnUse">
      <rect width="8" height="8" /><path d=${PATTERNS[cause]} />
    </pattern>`)}
    <pattern id="only-archived" class="timeline-archived" width="10" height="8" patternUnits="userSpaceOnUse"><rect width="10" height="8" /><path d="M0 4H6" /></pattern>
  </defs></svg>`;
}

/** The sign of a cause, as in the legend. */
export function CauseSign({ cause }) {
  return html`<svg class="timeline-sign" width="22" height="12" aria-hidden="true"><rect width="22" height="12" fill=${`url(#gap-${cause in PATTERNS ? cause : "unknown"})`} /></svg>`;
}

/** `lanes`: {id, name, recorded, marks}. */
export function Lanes({ lanes, view, width, range }) {
  const place = (at) => ((at - view.from) / (view.to - view.from)) * width;
  const height = AXIS_PX + lanes.length * LANE_PX;
  return html`<svg class="timeline-lanes" width=${width} height=${height} aria-hidden="true">
    ${ticks(view, width).map(({ at, unit }) => html`<g key=${at} class="timeline-tick" data-unit=${unit}>
      <line x1=${place(at)} x2=${place(at)} y1=${AXIS_PX - 6} y2=${height} /><text x=${place(at) + 3} y=${AXIS_PX - 9}>${UNITS[unit](at)}</text>
    </g>`)}
    ${lanes.map((lane, row) => html`<g key=${lane.id} class="timeline-lane" data-camera=${lane.id} transform=${`translate(0 ${AXIS_PX + row * LANE_PX})`}>
      <rect class="timeline-ground" y="3" width=${width} height=${LANE_PX - 6} />
      ${lane.recorded && (lane.recorded.density
        ? html`<${Days} density=${lane.recorded.density} view=${view} place=${place} />`
        : html`<${Spans} recorded=${lane.recorded} view=${view} width=${width} place=${place} />`)}
      ${apart(lane.marks ?? [], view, place).map((mark) => html`<${Mark} key=${mark.id} mark=${mark} x=${place(mark.at)} />`)}
    </g>`)}
    ${range && html`<rect class="timeline-range" x=${place(range.from)} width=${Math.max(LEAST_PX, place(range.to) - place(range.from))} y=${AXIS_PX} height=${height - AXIS_PX} />`}
  </svg>`;
}

/** @param {{recorded: import("./spans.js").Recorded, view: import("./scale.js").View, width: number, place: (at: number) => number}} props */
function Spans({ recorded: { recorded, gaps, archived }, view, width, place }) {
  const box = (span) => ({ x: place(span.from), width: Math.max(LEAST_PX, place(span.to) - place(span.from)), y: 5, height: LANE_PX - 10 });
  const away = archived.filter(({ restoredUntil }) => restoredUntil === null);
  return html`
    ${drawn(recorded, view, width).map((span) => html`<rect key=${span.from} class="timeline-recorded" ...${box(span)} />`)}
    ${drawn(gaps, view, width).map((gap) => html`<rect key=${gap.from} class="timeline-missing" data-cause=${gap.cause} fill=${`url(#gap-${gap.cause in PATTERNS ? gap.cause : "unknown"})`} ...${box(gap)} />`)}
    ${drawn(away, view, width).map((span) => html`<rect key=${span.from} class="timeline-away" fill="url(#only-archived)" ...${box(span)} />`)}`;
}

/** A bar for each day: as high as the part of the day that was recorded, and to be seen where that is little. */
function Days({ density, view, place }) {
  const high = LANE_PX - 10;
  return density.filter(({ from }) => from + DAY > view.from && from < view.to).map(({ from, recordedMs }) => {
    const share = Math.min(1, recordedMs / DAY);
    const width = Math.max(1, place(from + DAY) - place(from) - 1);
    const tall = recordedMs > 0 ? Math.max(LEAST_DAY_PX, high * share) : 0;
    return html`<g key=${from} class="timeline-day" data-share=${share.toFixed(2)}>
      <rect class="timeline-day-ground" x=${place(from)} width=${width} y="5" height=${high} />
      <rect class="timeline-recorded" x=${place(from)} width=${width} y=${5 + high - tall} height=${tall} />
    </g>`;
  });
}

/** Returns the marks of a view, in the order of their times; of plates that would cover one another, the first. */
function apart(marks, view, place) {
  let last = -Infinity;
  return marks.filter(({ kind, at }) => {
    if (at < view.from || at > view.to) return false;
    if (kind !== "plate") return true;
    if (place(at) - last < PLATE_PX) return false;
    last = place(at);
    return true;
  });
}

/** An alert is a triangle above, a plate a tick below: the kind has a shape, the severity a colour. */
function Mark({ mark, x }) {
  const shape = mark.kind === "alert" ? `M${x - 6} 0h12l-6 10z` : `M${x - 2} ${LANE_PX - 11}h4v11h-4z`;
  return html`<path class="timeline-mark" data-kind=${mark.kind} data-severity=${mark.severity} d=${shape} />`;
}
