// Pasted lines: what each says, and why one can't be added.

import { PASTE } from "../../texts/pt-BR/watchlist.js";
import { bare, isPlate, vehicleOf } from "../../ui/plates.js";

const MOST_REASON = 500;

/**
 * Returns the lines that hold something: {line, plate, reason, error}. A reason follows a semicolon or a tab, as spreadsheets copy it;
 * `error` says in words why a line can't be added, or is "".
 */
export function readLines(text) {
  const seen = new Map();
  return text.split(/\r?\n/).flatMap((whole, index) => {
    if (!whole.trim()) return [];
    const [first, ...rest] = whole.split(/[;\t]/);
    const [plate, reason, line] = [bare(unquoted(first)), unquoted(rest.join("; ")), index + 1];
    const error = problemOf(plate, reason, seen);
    if (!error) seen.set(vehicleOf(plate), line);
    return [{ line, plate: error && !isPlate(plate) ? first.trim() : plate, reason, error }];
  });
}

function problemOf(plate, reason, seen) {
  if (!isPlate(plate)) return PASTE.notPlate;
  if (seen.has(vehicleOf(plate))) return PASTE.repeated(seen.get(vehicleOf(plate)));
  return reason.length > MOST_REASON ? PASTE.longReason : "";
}

const unquoted = (text) => text.trim().replace(/^"(.*)"$/, "$1").trim();
