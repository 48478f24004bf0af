// Many requests of one order, one after the other: slower than the edge allows an address, so that the alerts of the same room still come.

import { me } from "../shell/state.js";
import { COMMON } from "../texts/pt-BR/common.js";
import { html, useEffect, useRef, useState } from "./html.js";
import { pause } from "./waiting.js";

const BETWEEN_MS = 100;
/** For a refusal that does not say how long. */
const PAUSE_MS = 10_000;
const OVER = new Error("stopped, or signed out");

/**
 * Calls `make(item, ask)` for each item; `ask(request)` makes a request of it in its turn, and again after a pause where there were too
 * many. `onResult(item, problem)` is called after each, with null where it went well, and `onProgress({done, all, isPaused})` before and
 * after. Nothing more is sent once the signal is aborted or the user, in whose name it goes, has signed out.
 */
export async function inTurn(items, make, { signal, onProgress, onResult }) {
  const user = me.value.id;
  let done = 0;
  const tell = (isPaused = false) => onProgress({ done, all: items.length, isPaused });
  const isSame = () => me.value?.id === user;
  const ask = async (request) => {
    await pause(BETWEEN_MS, signal);
    while (!signal.aborted && isSame()) {
      try {
        return await request();
      } catch (problem) {
        if (problem.status !== 429) throw problem;
        tell(true);
        await pause(problem.retryAfterMs ?? PAUSE_MS, signal);
      }
    }
    throw OVER;
  };
  tell();
  for (const item of items) {
    const problem = await make(item, ask).then(() => null, (error) => error);
    if (problem === OVER || !isSame()) return;
    done += 1;
    onResult(item, problem);
    tell();
  }
}

/**
 * Returns {progress, send, stop}: `send(items, make, onResult)` sends in turn until `stop()`; `progress` is null while nothing is sent.
 * `goesOn`: whether it is sent to its end when its screen is left.
 */
export function useInTurn({ goesOn = false } = {}) {
  const [progress, setProgress] = useState(null);
  const end = useRef(new AbortController());
  useEffect(() => () => goesOn || end.current.abort(), []);
  const send = async (items, make, onResult) => {
    end.current = new AbortController();
    await inTurn(items, make, { signal: end.current.signal, onProgress: setProgress, onResult });
    setProgress(null);
  };
  return { progress, send, stop: () => end.current.abort() };
}

/** How far it is, and the button that stops it. `words(done, all)`. */
export function Progress({ sending: { progress, stop }, label, words }) {
  if (!progress) return null;
  return html`<div class="in-turn">
    <progress max=${progress.all} value=${progress.done} aria-label=${label}></progress>
    <span role="status">${progress.isPaused ? COMMON.pausing : words(progress.done, progress.all)}</span>
    <button type="button" onClick=${stop}>${COMMON.stop}</button>
  </div>`;
}
