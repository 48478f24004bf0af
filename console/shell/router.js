// Addresses: every screen has one, Back works, and what is looked for is in the query, so that a reload or a link shows the same.

import { signal } from "../ui/html.js";

/** Screens whose address was another one: links that somebody kept still lead there. */
const MOVED = { "/recordings": "/gravacoes", "/storage": "/armazenamento" };

/** The present address: path and query. */
export const address = signal(here());

function here() {
  const path = MOVED[location.pathname];
  if (path) history.replaceState(null, "", path + location.search);
  return { path: readable(location.pathname), query: Object.fromEntries(new URLSearchParams(location.search)) };
}

/** A path that is not valid text is one that no screen has. */
function readable(path) {
  try {
    return decodeURI(path);
  } catch {
    return path;
  }
}

/** Goes to another address of the console. `replace`: without an entry in the history. */
export function go(to, { replace = false } = {}) {
  history[replace ? "replaceState" : "pushState"](null, "", to);
  address.value = here();
}

/** Changes parts of the query, without an entry in the history; empty values are left out. */
export function setQuery(changes) {
  go(withQuery(address.value.path, { ...address.value.query, ...changes }), { replace: true });
}

/** Returns the address of `path` with this query; empty values are left out. */
export function withQuery(path, query) {
  const kept = Object.entries(query).filter(([, value]) => value !== "" && value !== null && value !== undefined);
  const text = new URLSearchParams(kept).toString();
  return text ? `${path}?${text}` : path;
}

/** Returns the parameters of `path` where it fits `pattern` ("/cameras/:id"), else null. */
export function match(pattern, path) {
  const wanted = pattern.split("/");
  const given = path.split("/");
  if (wanted.length !== given.length) return null;
  const params = {};
  for (const [index, part] of wanted.entries()) {
    if (part.startsWith(":")) params[part.slice(1)] = given[index];
    else if (part !== given[index]) return null;
  }
  return params;
}

/** Follows the browser's Back and every link of the page to an address of the console. */
export function followLinks() {
  addEventListener("popstate", () => (address.value = here()));
  document.addEventListener("click", (event) => {
    const link = /** @type {HTMLAnchorElement | null} */ (/** @type {Element} */ (event.target).closest("a[href]"));
    const isPlain = event.button === 0 && !event.ctrlKey && !event.metaKey && !event.shiftKey && !event.altKey;
    if (!link || !isPlain || event.defaultPrevented || link.target || link.hasAttribute("download")) return;
    const to = new URL(link.href, location.href);
    if (to.origin !== location.origin || to.pathname.startsWith("/api/") || (to.hash && to.pathname === location.pathname)) return;
    event.preventDefault();
    go(to.pathname + to.search);
  });
}
