// The player's buttons, and its keys.

import { areShortcutsOn } from "../../shell/shortcuts.js";
import { RECORDINGS } from "../../texts/pt-BR/recordings.js";
import { moment } from "../../ui/dates.js";
import { html, useEffect, useRef } from "../../ui/html.js";

export const SPEEDS = [0.25, 0.5, 1, 2, 4, 8, 16];
const STEP_MS = 5_000;
const FAR_MS = 60_000;
const BACK_MS = 10_000;
/** Where a key belongs to what has the focus. */
const TYPED = "input, select, textarea, dialog, [contenteditable]";
const PRESSED = "button, summary, [role=button]";

/** `deck`; `at`: its instant as it is shown; `onSeek(at)`. */
export function Controls({ deck, at, onSeek, children }) {
  const toggle = () => (deck.isPlaying ? deck.pause() : deck.play());
  const by = (ms) => () => onSeek(deck.instant + ms);
  return html`<div class="recordings-controls" role="group" aria-label=${RECORDINGS.controls}>
    <button type="button" class="round" onClick=${by(-STEP_MS)} aria-label=${RECORDINGS.back} title=${RECORDINGS.back} aria-keyshortcuts="ArrowLeft">↺</button>
    <button type="button" class="round" onClick=${() => deck.step(-1)} aria-label=${RECORDINGS.previousFrame} title=${RECORDINGS.previousFrame} aria-keyshortcuts=",">◂</button>
    <button type="button" class="round primary" onClick=${toggle} aria-label=${deck.isPlaying ? RECORDINGS.pause : RECORDINGS.play}
      title=${deck.isPlaying ? RECORDINGS.pauseKey : RECORDINGS.playKey} aria-keyshortcuts="Space">${deck.isPlaying ? "❚❚" : "▶"}</button>
    <button type="button" class="round" onClick=${() => deck.step(1)} aria-label=${RECORDINGS.nextFrame} title=${RECORDINGS.nextFrame} aria-keyshortcuts=".">▸</button>
    <button type="button" class="round" onClick=${by(STEP_MS)} aria-label=${RECORDINGS.on} title=${RECORDINGS.on} aria-keyshortcuts="ArrowRight">↻</button>
    <label><span class="visually-hidden">${RECORDINGS.speed}</span><select aria-label=${RECORDINGS.speed} onChange=${(event) => deck.setRate(Number(event.target.value))}>
      ${SPEEDS.map((rate) => html`<option key=${rate} value=${rate} selected=${rate === deck.rate}>${RECORDINGS.times(rate)}</option>`)}
    </select></label>
    <time class="recordings-clock" datetime=${new Date(at).toISOString()}>${moment(at)}</time>
    ${children}
  </div>`;
}

/** Follows the keys while the screen is open, before those of the console: here J, K and L are the player's. */
export function useKeys({ deck, onSeek, onMark }) {
  const known = useRef(null);
  known.current = { deck, onSeek, onMark };
  useEffect(() => {
    const pressed = (event) => {
      const target = /** @type {Element} */ (event.target);
      if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || target.closest(TYPED)) return;
      if (event.key === " " && target.closest(PRESSED)) return;
      const act = actOf(event, known.current);
      if (!act) return;
      event.preventDefault();
      act();
    };
    addEventListener("keydown", pressed, { capture: true });
    return () => removeEventListener("keydown", pressed, { capture: true });
  }, []);
}

function actOf({ key, shiftKey }, { deck, onSeek, onMark }) {
  const by = (ms) => () => onSeek(deck.instant + ms);
  if (key === " ") return () => (deck.isPlaying ? deck.pause() : deck.play());
  if (key === "ArrowLeft") return by(shiftKey ? -FAR_MS : -STEP_MS);
  if (key === "ArrowRight") return by(shiftKey ? FAR_MS : STEP_MS);
  if (!areShortcutsOn.value) return null;
  const faster = () => {
    if (deck.isPlaying) deck.setRate(SPEEDS.find((rate) => rate > deck.rate) ?? deck.rate);
    else deck.play();
  };
  const acts = {
    j: by(-BACK_MS), k: () => deck.pause(), l: faster, ",": () => deck.step(-1), ".": () => deck.step(1),
    "[": () => onMark("from"), "]": () => onMark("to"),
  };
  const letter = key.toLowerCase();
  return Object.hasOwn(acts, letter) ? acts[letter] : null;
}
