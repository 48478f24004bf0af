// The focus survives what live data does to the page. Where its element is taken away, disabled or moved, it goes on to what stands in its
// place: the same button of the next row, or what is nearest; where `data-after` says so, to the content. Without this it would fall to the
// body, and the keyboard to the page's top.

const REACHED = "a[href], button, input, select, textarea, summary, [tabindex='0']";

/** The element that has the focus, its words, and the way from it up to the body. */
let last = null;

/** Follows the focus for as long as the page lives. */
export function keepFocus() {
  document.addEventListener("focusin", (/** @type {any} */ { target }) => (last = { element: target, words: wordsOf(target), way: wayOf(target) }));
  // Who clicks beside everything wants the focus nowhere.
  document.addEventListener("pointerdown", (/** @type {any} */ { target }) => last?.element.contains(target) || (last = null), { capture: true });
  new MutationObserver(check).observe(document.body, { subtree: true, childList: true, attributeFilter: ["disabled", "hidden", "open"] });
}

function check() {
  if (!last || document.activeElement !== document.body || document.querySelector("dialog[open]")) return;
  const { element, words, way } = last;
  if (canTake(element)) {
    element.focus({ preventScroll: true }); // it was moved
    return;
  }
  if (element.closest("[data-after='content']")) return document.getElementById("content")?.focus({ preventScroll: true });
  for (const { node, neighbours } of way) {
    const near = node.isConnected ? [node] : neighbours.filter((each) => each.isConnected);
    for (const each of near) {
      const next = within(each, words);
      if (next) return next.focus({ preventScroll: true });
    }
  }
}

/** Each with its neighbours, the next ones first. */
function wayOf(element) {
  const way = [];
  for (let node = element; node.parentElement && node !== document.body; node = node.parentElement) {
    const all = [...node.parentElement.children];
    const at = all.indexOf(node);
    way.push({ node, neighbours: [...all.slice(at + 1), ...all.slice(0, at).reverse()] });
  }
  return way;
}

/** The words that are seen: those for who does not see tell one row from another. */
const wordsOf = (element) => element.textContent.trim();

const canTake = (element) => element.isConnected && !element.disabled && element.checkVisibility();

/** Returns what takes the focus within `node`: what says the same words as the lost one, or else the first; null where nothing does. */
function within(node, words) {
  if (!node) return null;
  const all = [node, ...node.querySelectorAll(REACHED)].filter((each) => each.matches(REACHED) && canTake(each));
  return all.find((each) => words && wordsOf(each) === words) ?? all[0] ?? (node.id === "content" ? node : null);
}
