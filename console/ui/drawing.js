// Drawing a zone and a line on a camera's picture: by click and tap, by dragging, and by keyboard. Points are [x, y] in 0..1.

import { DRAWING } from "../texts/pt-BR/rule.js";
import { html, useLayoutEffect, useRef, useState } from "./html.js";

const WIDE = 1_000;
/** The picture's shape while there is none. */
const USUAL = 9 / 16;
const STEP = 0.01;
const LONG_STEP = 0.05;
const MOST_POINTS = 32;
const ARROW = 0.06;
const KEYS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

const within = (value) => Math.round(Math.min(1, Math.max(0, value)) * 10_000) / 10_000;
const between = ([ax, ay], [bx, by]) => [within((ax + bx) / 2), within((ay + by) / 2)];
/** A point may stand where another one does only for a moment: a click that hits the same place twice adds nothing. */
const isSame = ([ax, ay], [bx, by]) => Math.hypot(ax - bx, ay - by) < 0.004;

/**
 * `zone`: [points]; `line`: {points: none, one or both ends, direction: "any" | "a_to_b" | "b_to_a"}; `onChange({zone?, line?})`; without
 * it the drawing is only shown. `url`: the picture, null for a grey ground; `camera`: its name; `children`: what stands below.
 */
export function Drawing({ url, camera, zone, line, onChange, children }) {
  const [shape, setShape] = useState(USUAL);
  const [mode, setMode] = useState(line.points.length && !zone.length ? "line" : "zone");
  const [chosen, setChosen] = useState(-1);
  const [said, say] = useState("");
  const surface = useRef(null);
  const focusNext = useRef(null);
  const points = mode === "zone" ? zone : line.points;
  /** A rule has a zone or a line: to begin one ends the other. */
  const set = (next) => onChange({ zone: mode === "zone" ? next : [], line: { ...line, points: mode === "line" ? next : [] } });
  useLayoutEffect(() => {
    if (focusNext.current === null) return;
    surface.current.querySelectorAll("button.drawing-point")[focusNext.current]?.focus();
    focusNext.current = null;
  });
  const at = ({ clientX, clientY }) => {
    const { left, top, width, height } = surface.current.getBoundingClientRect();
    return [within((clientX - left) / width), within((clientY - top) / height)];
  };
  const choose = (place, next = points) => {
    setChosen(place);
    if (next.length) focusNext.current = place;
  };
  const click = (event) => {
    if (!onChange || event.target.closest("button")) return;
    const point = at(event);
    if (points.some((each) => isSame(each, point))) return;
    if (points.length < (mode === "zone" ? MOST_POINTS : 2)) {
      set([...points, point]);
      choose(points.length);
    } else if (mode === "line") move(nearest(points, point), point);
  };
  const move = (place, point) => set(points.map((each, index) => (index === place ? point : each)));
  const remove = (place) => {
    const next = points.filter((_, index) => index !== place);
    set(next);
    say(DRAWING.removed);
    choose(Math.min(place, next.length - 1), next);
    if (!next.length) surface.current.focus();
  };
  const press = (place) => (event) => {
    const way = KEYS[event.key];
    if (way) {
      const step = event.shiftKey ? LONG_STEP : STEP;
      const next = points[place].map((value, axis) => within(value + way[axis] * step));
      move(place, next);
      say(DRAWING.moved(next));
    } else if (event.key === "Delete" || event.key === "Backspace") remove(place);
    else return;
    event.preventDefault();
  };
  const add = () => {
    const [next, place] = mode === "zone" ? moreOfZone(zone, chosen) : [[[0.3, 0.5], [0.7, 0.5]], 0];
    set(next);
    choose(place, next);
  };
  const change = (next) => {
    setMode(next);
    setChosen(-1);
  };
  const other = mode === "zone" ? line.points : zone;
  return html`<div class="drawing">
    ${onChange && html`<${Tools} mode=${mode} zone=${zone} line=${line} chosen=${points[chosen] ? chosen : -1} onMode=${change} onAdd=${add} onRemove=${remove} onChange=${onChange} />`}
    <div ref=${surface} class="drawing-surface" data-mode=${onChange ? mode : "shown"} role="group" tabindex="-1" aria-label=${DRAWING.label(camera)}
      style=${{ aspectRatio: `${1 / shape}` }} onClick=${click}>
      ${url && html`<img src=${url} alt=${DRAWING.alt(camera)} draggable=${false} onLoad=${({ target }) => target.naturalWidth && setShape(target.naturalHeight / target.naturalWidth)} />`}
      <${Shapes} zone=${zone} line=${line} shape=${shape} />
      ${onChange && points.map((point, place) => html`<${Point} key=${place} point=${point} place=${place} label=${labelOf(mode, points, place)} at=${at}
        onFocus=${() => setChosen(place)} onMove=${(next) => move(place, next)} onKey=${press(place)} />`)}
    </div>
    <p class="visually-hidden" role="status">${said}</p>
    ${children}
    ${onChange && html`<p class="muted">${mode === "zone" ? DRAWING.zoneHow : DRAWING.lineHow} ${other.length > 0 && DRAWING.oneOnly} ${DRAWING.keys}</p>`}
  </div>`;
}

const labelOf = (mode, points, place) => (mode === "zone"
  ? DRAWING.zonePoint(place + 1, points.length, points[place])
  : DRAWING.linePoint("AB"[place], points[place]));

const nearest = (points, [x, y]) => {
  const far = points.map(([px, py]) => Math.hypot(px - x, py - y));
  return far.indexOf(Math.min(...far));
};

/** Returns the zone with one point more, behind the chosen one, and its place; of none, a rectangle in the middle. */
function moreOfZone(zone, chosen) {
  if (zone.length < 2) return [[[0.3, 0.3], [0.7, 0.3], [0.7, 0.7], [0.3, 0.7]], 0];
  const before = zone[chosen] ? chosen : zone.length - 1;
  const point = between(zone[before], zone[(before + 1) % zone.length]);
  return [[...zone.slice(0, before + 1), point, ...zone.slice(before + 1)], before + 1];
}

/** One point: a button, so that it has the focus, the size of a finger, and words. */
function Point({ point: [x, y], place, label, at, onFocus, onMove, onKey }) {
  const [isHeld, setHeld] = useState(false);
  const down = (event) => {
    event.currentTarget.setPointerCapture(event.pointerId);
    event.currentTarget.focus(); // Safari gives a button no focus by a click
    setHeld(true);
  };
  const up = () => setHeld(false);
  return html`<button type="button" class="drawing-point" data-held=${isHeld} aria-label=${label} style=${{ left: `${x * 100}%`, top: `${y * 100}%` }}
    onPointerDown=${down} onPointerMove=${(event) => isHeld && onMove(at(event))} onPointerUp=${up} onPointerCancel=${up} onFocus=${onFocus} onKeyDown=${onKey}>
    <span aria-hidden="true">${place + 1}</span>
  </button>`;
}

/** The zone and the line as they look. Lines have a dark edge, so that they are seen on every picture. */
function Shapes({ zone, line, shape }) {
  const place = ([x, y]) => [x * WIDE, y * WIDE * shape];
  const corners = zone.map((point) => place(point).join()).join(" ");
  const [a, b] = line.points.map(place);
  return html`<svg viewBox=${`0 0 ${WIDE} ${WIDE * shape}`} preserveAspectRatio="none" aria-hidden="true" focusable="false">
    ${zone.length > 2 && html`<polygon class="drawing-zone" points=${corners} />`}
    ${zone.length === 2 && html`<polyline class="drawing-zone" points=${corners} />`}
    ${b && html`<g class="drawing-line">
      <path class="drawing-edge" d=${`M${a}L${b}`} /><path d=${`M${a}L${b}`} />
      ${arrows(a, b, line.direction).map((path) => html`<g key=${path}><path class="drawing-edge" d=${path} /><path d=${path} /></g>`)}
      ${[a, b].map(([x, y], index) => html`<text key=${index} x=${x} y=${y} dx="18" dy="-12">${"AB"[index]}</text>`)}
    </g>`}
  </svg>`;
}

/**
 * The arrows across the middle of a line: to where one crosses it. "a_to_b" is from the side that is on the left of who walks from A to B
 * to the one on the right.
 */
export function arrows([ax, ay], [bx, by], direction) {
  const length = Math.hypot(bx - ax, by - ay) || 1;
  const [x, y] = [(ax + bx) / 2, (ay + by) / 2];
  // On the picture y grows downwards: this is to the right of who walks from A to B.
  const [rx, ry] = [(-(by - ay) / length) * ARROW * WIDE, ((bx - ax) / length) * ARROW * WIDE];
  const arrow = (sign) => {
    const [tx, ty] = [x + rx * sign, y + ry * sign];
    const wing = (side) => `M${tx} ${ty}L${tx - rx * sign * 0.35 + ry * side * 0.25} ${ty - ry * sign * 0.35 - rx * side * 0.25}`;
    return `M${x} ${y}L${tx} ${ty}${wing(1)}${wing(-1)}`;
  };
  return [...(direction !== "b_to_a" ? [arrow(1)] : []), ...(direction !== "a_to_b" ? [arrow(-1)] : [])];
}

function Tools({ mode, zone, line, chosen, onMode, onAdd, onRemove, onChange }) {
  const hasLine = line.points.length === 2;
  const canAdd = mode === "zone" ? zone.length < MOST_POINTS : !hasLine;
  const words = mode === "line" ? DRAWING.startLine : zone.length > 1 ? DRAWING.addPoint : DRAWING.startZone;
  const turned = line.direction === "a_to_b" ? "b_to_a" : "a_to_b";
  return html`<div class="actions drawing-tools">
    ${["zone", "line"].map((each) => html`<button key=${each} type="button" aria-pressed=${mode === each ? "true" : "false"} onClick=${() => onMode(each)}>${DRAWING[each]}</button>`)}
    ${canAdd && html`<button type="button" onClick=${onAdd}>${words}</button>`}
    ${chosen >= 0 && html`<button type="button" onClick=${() => onRemove(chosen)}>${DRAWING.removePoint(chosen + 1)}</button>`}
    ${mode === "zone" && zone.length > 0 && html`<button type="button" onClick=${() => onChange({ zone: [] })}>${DRAWING.clearZone}</button>`}
    ${mode === "line" && line.points.length > 0 && html`<button type="button" onClick=${() => onChange({ line: { ...line, points: [] } })}>${DRAWING.clearLine}</button>`}
    ${mode === "line" && hasLine && html`
      <label class="drawing-direction">${DRAWING.direction} <select onChange=${(event) => onChange({ line: { ...line, direction: event.target.value === "any" ? "any" : "a_to_b" } })}>
        ${DRAWING.directions.map(([code, text]) => html`<option key=${code} value=${code} selected=${(line.direction === "any") === (code === "any")}>${text}</option>`)}
      </select></label>
      ${line.direction !== "any" && html`<button type="button" onClick=${() => onChange({ line: { ...line, direction: turned } })}>${DRAWING.turn}</button>`}`}
  </div>`;
}
