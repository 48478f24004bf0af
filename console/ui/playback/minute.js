// The way from anything that has a camera and an instant to its recording.

import { withQuery } from "../../shell/router.js";
import { may } from "../../shell/state.js";
import { RECORDINGS } from "../../texts/pt-BR/recordings.js";
import { html } from "../html.js";

export const PATH = "/gravacoes";
/** What led to it is seen as well. */
const BEFORE_MS = 10_000;

/** Returns the address of the recordings of cameras, at an instant (ISO or ms) where one is given. */
export function recordingsAt(ids, instant = null) {
  const at = instant === null ? "" : new Date(new Date(instant).getTime() - BEFORE_MS).toISOString();
  return withQuery(PATH, { camera: [ids].flat().join(), at });
}

/** "Ver o minuto": leads to the recording of a moment; nothing where the user may not see it. `about`: what it is, for who hears it. */
export function ShowMinute({ camera, at, about, brief = false }) {
  if (!camera || !at || !may("recordings:read")) return null;
  return html`<a class=${brief ? "button round minute-link" : "button minute-link"} href=${recordingsAt(camera, at)} aria-label=${RECORDINGS.minuteOf(about)} title=${RECORDINGS.minute}>
    ${brief ? html`<span aria-hidden="true">⏵</span>` : RECORDINGS.minute}</a>`;
}
