// A camera's tile: its picture, and in words what it shows or why it shows nothing.

import { listen, session } from "../shell/state.js";
import { CAMERA_STATES, COMMON } from "../texts/pt-BR/common.js";
import { PLAYER } from "../texts/pt-BR/player.js";
import { html, useLayoutEffect, useRef, useState } from "./html.js";
import { stateInWords } from "./signs.js";
import { CameraView } from "./view.js";

/** The look of the dot for a view's status; where it plays, or is about to, the camera's own state. */
const DOTS = { offline: "offline", disabled: "disabled", unplayable: "offline", forbidden: "disabled", unknown: "unknown" };

/**
 * A view of a live camera. Enter or a double click opens it, Delete takes it away; other props go to its element.
 * @param {{camera: {id: string, name: string, state: string, cause?: string | null, since?: string | null, revision?: number,
 *   enabled?: boolean}, onOpen?: (camera: any) => void, onRemove?: (camera: any) => void, children?: any, [prop: string]: any}} props
 */
export function Tile({ camera, onOpen, onRemove, children, class: looks = "", ...rest }) {
  const figure = useRef(null);
  const video = useRef(null);
  const canvas = useRef(null);
  const view = useRef(/** @type {CameraView | null} */ (null));
  const [, drawAgain] = useState(0);

  useLayoutEffect(() => {
    const shown = (view.current = new CameraView({ video: video.current, canvas: canvas.current, session, cameraId: camera.id }));
    shown.addEventListener("changed", () => drawAgain((count) => count + 1));
    const seen = new IntersectionObserver((entries) => shown.visible(entries.at(-1).isIntersecting));
    seen.observe(figure.current);
    const deafen = listen("detection", (frame) => frame.camera_id === camera.id && shown.detected(frame));
    return () => {
      deafen();
      seen.disconnect();
      shown.close();
    };
  }, [camera.id]);
  // Before the words show: whoever reads "sem sinal" may count on no picture being asked for.
  useLayoutEffect(() => view.current.camera(camera), [camera]);

  const { status = "connecting", protocol = null, reason = "", firstFrameMs = null } = view.current ?? {};
  const words = inWords(status, reason, camera);
  const pressed = (event) => {
    if (event.target !== figure.current) return; // a key for what lies in the tile
    if (event.key === "Enter" && onOpen) onOpen(camera);
    else if (event.key === "Delete" && onRemove) onRemove(camera);
    else return;
    event.preventDefault();
  };
  const why = [reason, firstFrameMs && PLAYER.firstFrame(firstFrameMs)].filter(Boolean).join(", ");
  return html`<figure ...${rest} ref=${figure} class=${`tile ${looks}`} tabindex="0" data-camera=${camera.id} data-status=${status}
      data-protocol=${protocol ?? ""} data-first-frame-ms=${firstFrameMs ?? ""} aria-label=${PLAYER.tile(camera.name, words.replaceAll(" · ", ", "))}
      onKeyDown=${pressed} onDblClick=${() => onOpen?.(camera)}>
    <video ref=${video} muted playsinline autoplay disablepictureinpicture></video>
    <canvas ref=${canvas} aria-hidden="true"></canvas>
    ${status !== "playing" && html`<p class="notice">${words}</p>`}
    <figcaption>
      <span class="camera-state" data-state=${DOTS[status] ?? camera.state}><span class="dot" aria-hidden="true"></span></span>
      <span class="name">${camera.name}</span>
      <span class="state">${brief(status, camera)}</span>
      ${protocol && html`<span class="badge protocol" title=${why}>${protocol}<span class="visually-hidden">: ${reason}</span></span>`}
      ${children}
      ${onRemove && html`<button type="button" class="remove" aria-label=${PLAYER.remove(camera.name)} title=${COMMON.remove}
        onClick=${() => onRemove(camera)}>×</button>`}
    </figcaption>
  </figure>`;
}

/** What the tile shows, or why it shows nothing, with cause and since when. */
function inWords(status, reason, camera) {
  if (status === "playing") return CAMERA_STATES[camera.state] ?? "";
  if (camera.state === "offline" && camera.enabled !== false) return stateInWords(camera);
  return reason || PLAYER.connecting;
}

function brief(status, camera) {
  if (status === "connecting") return PLAYER.briefly.connecting;
  return PLAYER.briefly[status] ?? CAMERA_STATES[camera.enabled === false ? "disabled" : camera.state] ?? "";
}
