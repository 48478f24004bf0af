// One camera of the screen: its recording at the instant of the clock, or in words why there is none.

import { purposeFor } from "../../shell/purpose.js";
import { may, session } from "../../shell/state.js";
import { COMMON } from "../../texts/pt-BR/common.js";
import { inWords } from "../../texts/pt-BR/errors.js";
import { RECORDINGS, RESTORES } from "../../texts/pt-BR/recordings.js";
import { moment, startOfDay } from "../../ui/dates.js";
import { html, useEffect, useLayoutEffect, useRef, useState } from "../../ui/html.js";
import { Icon } from "../../ui/icons.js";
import { Recorded } from "../../ui/playback/recorded.js";
import { DAY } from "../../ui/timeline/scale.js";
import { causeInWords } from "../../ui/timeline/words.js";
import { TIMELINE } from "../../texts/pt-BR/timeline.js";

/** A page that is hidden for longer gives its streams back. */
const HIDDEN_MS = 10_000;

/** Opens a session for the day of an instant, and asks for a purpose first where the city wants one. */
function open(camera, at) {
  const from = startOfDay(at);
  const query = new URLSearchParams({ camera_id: camera, from: new Date(from).toISOString(), to: new Date(Math.min(startOfDay(at, 1), from + DAY)).toISOString() });
  return purposeFor(() => session.get(`/recordings/playback?${query}`));
}

/**
 * `what`: what there is of it at the clock (null: not known); `coming`: what is under way from the off-site copies for it; `onBring()` asks for
 * it; `onLast()` goes to what was recorded last before; `onSnapshot()`; `isHeard`, `onHear()`: whether its sound is on.
 */
export function RecordedTile({ camera, deck, what, coming, onBring, isHeard, onHear, onSnapshot, onPlayer, onSeek, onLast }) {
  const figure = useRef(null);
  const video = useRef(null);
  const player = useRef(/** @type {Recorded | null} */ (null));
  const [, drawAgain] = useState(0);

  useLayoutEffect(() => {
    const shown = (player.current = new Recorded(video.current, (at) => open(camera.id, at)));
    let said = "";
    shown.addEventListener("changed", () => {
      const now = [shown.status, shown.problem?.code, shown.instant === null, shown.firstFrameMs].join();
      if (now !== said) drawAgain((count) => count + 1);
      said = now;
    });
    onPlayer(camera.id, shown);
    const leave = whileVisible(figure.current, (isVisible) => {
      if (isVisible) deck.add(camera.id, shown);
      else {
        deck.remove(camera.id);
        shown.rest();
      }
    });
    const ended = () => (deck.remove(camera.id), shown.close());
    session.addEventListener("ended", ended);
    return () => {
      leave();
      session.removeEventListener("ended", ended);
      ended();
      onPlayer(camera.id, null);
    };
  }, [camera.id]);
  useEffect(() => void (video.current.muted = !isHeard), [isHeard]);

  const { status = "idle", instant = null, firstFrameMs = null } = player.current ?? {};
  const notice = noticeOf(player.current, what, coming);
  const state = notice?.text ?? (deck.isPlaying ? RECORDINGS.playing : RECORDINGS.paused);
  return html`<figure ref=${figure} class="tile recording" tabindex="0" data-camera=${camera.id} data-status=${status} data-shown=${what?.isRecorded === false ? "gap" : instant === null ? "" : "picture"}
      data-first-frame-ms=${firstFrameMs ?? ""} aria-label=${RECORDINGS.tile(camera.name, state)}>
    <video ref=${video} muted playsinline disablepictureinpicture></video>
    ${notice && html`<div class="notice recording-notice" role="status"><p>${notice.text}</p>
      ${notice.again && html`<button type="button" onClick=${() => player.current.again()}>${notice.again}</button>`}
      ${notice.isAway && html`<button type="button" onClick=${onBring}>${RESTORES.bring}</button>`}
      ${notice.next && html`<button type="button" onClick=${() => onSeek(notice.next)}>${RECORDINGS.goNext}</button>`}
      ${notice.isLast && html`<button type="button" onClick=${onLast}>${RECORDINGS.goLast}</button>`}
    </div>`}
    <figcaption>
      <span class="name">${camera.name}</span>
      ${camera.isRemoved && html`<span class="badge">${COMMON.removedCamera}</span>`}
      <button type="button" class="round" aria-pressed=${isHeard} aria-label=${isHeard ? RECORDINGS.soundOff(camera.name) : RECORDINGS.soundOn(camera.name)} onClick=${onHear}><${Icon} name=${isHeard ? "sound" : "silent"} /></button>
      <button type="button" class="round" aria-label=${RECORDINGS.snapshotOf(camera.name)} title=${RECORDINGS.snapshot} onClick=${onSnapshot}><${Icon} name="picture" /></button>
      ${may("live:view") && !camera.isRemoved && html`<a class="button" href=${`/cameras/${camera.id}`} aria-label=${RECORDINGS.liveOf(camera.name)}>${RECORDINGS.live}</a>`}
    </figcaption>
  </figure>`;
}

/** What stands in place of the picture: {text, again, next, isLast, isAway}; null where there is one. */
function noticeOf(player, what, coming) {
  if (what?.isRecorded === false) {
    const then = what.next ? RECORDINGS.next(moment(what.next)) : what.archived ? "" : RECORDINGS.noNext;
    return { text: `${whyInWords(what, coming)} ${then}`.trim(), next: what.next, isLast: what.next === null, isAway: what.archived !== null && !coming };
  }
  if (!player || player.status === "loading" || player.status === "idle") return { text: RECORDINGS.loading };
  if (player.status === "empty") return { text: RECORDINGS.reasons.no_recording };
  if (player.status !== "failed") return null;
  const { code } = player.problem;
  const text = RECORDINGS.reasons[code] ?? inWords(player.problem);
  return { text, again: code === "ended" ? RECORDINGS.openAgain : code === "lost" ? "" : COMMON.retry };
}

function whyInWords({ archived, gap }, coming) {
  if (archived) return coming ? RESTORES.coming(RESTORES.states[coming.state]) : RESTORES.only;
  return `${gap ? TIMELINE.missing(causeInWords(gap)) : TIMELINE.nothing}.`;
}

/** Says whether an element can be seen, in its page and on the screen; returns what ends it. */
function whileVisible(element, say) {
  let isSeen = false;
  let isShown = false;
  let timer = null;
  const decide = () => {
    clearTimeout(timer);
    const isHidden = document.visibilityState !== "visible";
    if (isHidden && isShown) timer = setTimeout(() => set(false), HIDDEN_MS);
    else set(isSeen && !isHidden);
  };
  const set = (isVisible) => {
    if (isVisible === isShown) return;
    isShown = isVisible;
    say(isVisible);
  };
  const seen = new IntersectionObserver((entries) => {
    isSeen = entries.at(-1).isIntersecting;
    decide();
  });
  seen.observe(element);
  document.addEventListener("visibilitychange", decide);
  return () => {
    clearTimeout(timer);
    seen.disconnect();
    document.removeEventListener("visibilitychange", decide);
  };
}
