// Values in the browser's storage. Where it is refused (by a policy or a full disk) or damaged, a page works as if nothing were stored.

/** `store` is "localStorage" or "sessionStorage". It is passed by name because even reading that property may throw. */
export function recall(store, key) {
  try {
    return JSON.parse(globalThis[store].getItem(key));
  } catch {
    return null;
  }
}

export function remember(store, key, value) {
  try {
    globalThis[store].setItem(key, JSON.stringify(value));
  } catch {
    // the page works without the stored value
  }
}

/** Calls `hear(value)` when another window of this browser has changed what localStorage keeps under `key`. */
export function follow(key, hear) {
  addEventListener("storage", (event) => event.key === key && hear(recall("localStorage", key)));
}

export function forget(store, key) {
  try {
    globalThis[store].removeItem(key);
  } catch {
    // nothing was stored
  }
}
