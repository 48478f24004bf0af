// Keys: one letter each, where no field is being typed into. They can be turned off, as speech input types letters by accident.

import { signal } from "../ui/html.js";
import { acknowledgeShown } from "./announce.js";
import { follow, recall, remember } from "./memory.js";
import { go } from "./router.js";
import { isOpen, SCREENS } from "./screens.js";
import { may } from "./state.js";

const KEPT = "gtvision.shortcuts";

/** Letter to address of the screen. */
export const LETTERS = { p: "/painel", m: "/mural", a: "/alertas", b: "/placas", c: "/cameras", l: "/listas" };

export const areShortcutsOn = signal(recall("localStorage", KEPT) ?? true);

follow(KEPT, (areOn) => (areShortcutsOn.value = areOn ?? true));

export function setShortcuts(areOn) {
  areShortcutsOn.value = areOn;
  remember("localStorage", KEPT, areOn);
}

export function followKeys() {
  document.addEventListener("keydown", (event) => {
    const isTyping = /** @type {Element} */ (event.target).closest("input, select, textarea, [contenteditable], dialog");
    if (!areShortcutsOn.value || isTyping || event.repeat || event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    if (event.key === "/") {
      const field = document.getElementById("plate-search");
      if (field) {
        event.preventDefault();
        field.focus();
      }
    } else if (event.key === "?") go("/ajuda");
    else if (event.key === "k" && may("alerts:acknowledge")) acknowledgeShown();
    else if (Object.hasOwn(LETTERS, event.key)) {
      const screen = SCREENS.find(({ path }) => path === LETTERS[event.key]);
      if (screen && isOpen(screen)) go(screen.path);
    }
  });
}
