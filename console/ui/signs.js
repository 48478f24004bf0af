// Small signs: a plate, a severity, a camera's state. Each says in text what its colour says.

import { CAMERA_STATES, CAUSES, COMMON, SEVERITIES } from "../texts/pt-BR/common.js";
import { lately } from "./dates.js";
import { html } from "./html.js";
import { MERCOSUL, OLD } from "./plates.js";

const SHAPES = { critical: "▲", warning: "◆", info: "●" };

/** "ABC-1234" for old plates; those of Mercosul have no hyphen. */
export const written = (plate) => (OLD.test(plate) ? `${plate.slice(0, 3)}-${plate.slice(3)}` : plate);

export const percent = (share) => (share == null ? "" : `${Math.round(share * 100)} %`);

/** A plate as it looks on a car: a link where it leads somewhere. */
export function Plate({ plate, href, label }) {
  const plain = html`<span class=${MERCOSUL.test(plate) ? "plate mercosul" : "plate"}>${written(plate)}</span>`;
  return href ? html`<a class="plate-link" href=${href} aria-label=${label}>${plain}</a>` : plain;
}

export function Severity({ level }) {
  return html`<span class="severity" data-severity=${level}><span aria-hidden="true">${SHAPES[level] ?? "●"}</span> ${SEVERITIES[level] ?? level}</span>`;
}

/** The state in words, with its cause and since when, where there is one. */
export function stateInWords(camera) {
  const state = camera.enabled === false ? "disabled" : camera.state;
  const cause = state === "online" || state === "disabled" ? "" : CAUSES[camera.cause] ?? "";
  const since = camera.since && state !== "online" ? COMMON.since(lately(camera.since)) : "";
  return [CAMERA_STATES[state] ?? state, since, cause].filter(Boolean).join(" · ");
}

/** `brief`: without cause and time. */
export function CameraState({ camera, brief = false }) {
  const state = camera.enabled === false ? "disabled" : camera.state;
  return html`<span class="camera-state" data-state=${state}><span class="dot" aria-hidden="true"></span>${brief ? CAMERA_STATES[state] ?? state : stateInWords(camera)}</span>`;
}
