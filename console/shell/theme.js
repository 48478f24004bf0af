// Dark, light, or as the device is: remembered for this browser.

import { effect, signal } from "../ui/html.js";
import { follow, recall, remember } from "./memory.js";

const KEPT = "gtvision.theme";

/** "auto", "dark" or "light". */
export const theme = signal(recall("localStorage", KEPT) ?? "auto");

effect(() => {
  if (theme.value === "auto") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme.value;
});

follow(KEPT, (chosen) => (theme.value = chosen ?? "auto"));

export function setTheme(chosen) {
  theme.value = chosen;
  remember("localStorage", KEPT, chosen);
}
