// What the device is like, followed while it changes: a turned phone, a window that is made narrow.

import { useEffect, useState } from "./html.js";

/** Where a screen has one column. The same width as in the shell's stylesheet. */
export const NARROW = "(max-width: 60rem)";

/** Where a row of a list has a line more, as on a phone that is held upright. */
export const SMALL = "(max-width: 48rem)";

/** Whether the media query holds now. */
export function useMedia(query) {
  const [holds, setHolds] = useState(() => matchMedia(query).matches);
  useEffect(() => {
    const list = matchMedia(query);
    // A sheet of paper is narrower than the screen: what is printed is what stood there.
    const see = () => matchMedia("print").matches || setHolds(list.matches);
    see();
    list.addEventListener("change", see);
    return () => list.removeEventListener("change", see);
  }, [query]);
  return holds;
}
