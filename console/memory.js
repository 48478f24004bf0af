// What a page keeps in the browser's storage, which may refuse (a policy, a full disk) or hold what nobody can read: then there is nothing.

/** `store` is `localStorage` or `sessionStorage`, by name: reading that property alone may be refused. */
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
    // this page goes on without
  }
}

export function forget(store, key) {
  try {
    globalThis[store].removeItem(key);
  } catch {
    // nothing was kept
  }
}
