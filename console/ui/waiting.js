// Waiting that ends with a signal, and leaves no listener behind.

/**
 * Resolves after `ms`, or at once when `signal` is aborted.
 * @param {number} ms @param {AbortSignal} signal @returns {Promise<void>}
 */
export function pause(ms, signal) {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const end = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    signal.addEventListener("abort", end);
  });
}

/**
 * Returns what the promise comes to; rejects with the signal's reason when that is aborted first.
 * @template T @param {Promise<T>} promise @param {AbortSignal} signal @returns {Promise<T>}
 */
export function orAborted(promise, signal) {
  return new Promise((resolve, reject) => {
    const aborted = () => reject(signal.reason);
    if (signal.aborted) aborted();
    signal.addEventListener("abort", aborted);
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", aborted));
  });
}

/**
 * Resolves when `check` holds, which is asked at each event of this type; rejects when the signal is aborted first.
 * @param {EventTarget} target @param {string} type @param {() => boolean} check @param {AbortSignal} signal @returns {Promise<void>}
 */
export async function when(target, type, check, signal) {
  if (check()) return;
  let look = () => {};
  const held = new Promise((/** @type {(value: void) => void} */ resolve) => {
    look = () => check() && resolve();
    target.addEventListener(type, look);
  });
  try {
    await orAborted(held, signal);
  } finally {
    target.removeEventListener(type, look);
  }
}
