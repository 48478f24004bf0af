// A field of words to look for: the search begins when the typing rests, not with each letter.

import { Field } from "./form.js";
import { html, useEffect, useRef, useState } from "./html.js";

const REST_MS = 300;

/** `value`: the words of now, as from the address; `onSearch(words)`. */
export function SearchField({ label, value, onSearch, ...input }) {
  const [words, setWords] = useState(value);
  const resting = useRef(null);
  const typed = useRef(value);
  useEffect(() => {
    if (value !== typed.current) setWords((typed.current = value)); // Back, or a link
  }, [value]);
  useEffect(() => () => clearTimeout(resting.current), []);
  const type = (event) => {
    const next = event.target.value;
    setWords(next);
    clearTimeout(resting.current);
    resting.current = setTimeout(() => onSearch((typed.current = next.trim())), REST_MS);
  };
  return html`<${Field} label=${label}>
    ${(wires) => html`<input type="search" ...${wires} ...${input} value=${words} onInput=${type} autocomplete="off" spellcheck=${false} />`}
  <//>`;
}
