// Reading again what could not be read: a server that restarts is back soon, and nobody should have to reload the page for it.

import { useEffect, useRef } from "./html.js";

const WAITS_MS = [2_000, 4_000, 8_000, 15_000];

/** Whether the same question may be answered later: nothing came, or the server was in trouble or busy. */
export const isPassing = ({ status = 0 }) => !status || status === 429 || status >= 500;

const wait = (tries) => WAITS_MS[Math.min(tries, WAITS_MS.length - 1)];

/** Calls `read` until it succeeds, or fails for a reason that does not pass. Returns a function that ends it. */
export function untilRead(read) {
  let timer = null;
  let isOver = false;
  const attempt = (tries) => read().catch((problem) => {
    if (!isOver && isPassing(problem)) timer = setTimeout(attempt, wait(tries), tries + 1);
  });
  attempt(0);
  return () => {
    isOver = true;
    clearTimeout(timer);
  };
}

/** Returns what a component tells how a reading went: `again(problem, read)` calls `read` later where the problem may pass. */
export function useAgain() {
  const state = useRef({ tries: 0, timer: null });
  useEffect(() => () => clearTimeout(state.current.timer), []);
  return useRef((problem, read) => {
    const now = state.current;
    clearTimeout(now.timer);
    if (!problem) now.tries = 0;
    else if (isPassing(problem)) now.timer = setTimeout(read, wait(now.tries++));
  }).current;
}
