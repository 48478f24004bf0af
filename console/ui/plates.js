// Brazilian plates as people type them: both eras, their twins, and what a text in a search field is.

export const OLD = /^[A-Z]{3}[0-9]{4}$/;
export const MERCOSUL = /^[A-Z]{3}[0-9][A-Z][0-9]{2}$/;
/** The 5th character of an old plate, 0 to 9, as the new era writes it. */
const TWINS = "ABCDEFGHIJ";
const ERA_AT = 4;
const LENGTH = 7;
const FEWEST = 2;

/** Returns the text as the API keeps plates: capitals and digits, without hyphens, dots and spaces. */
export const bare = (text) => text.replace(/[\s.\-–]/g, "").toUpperCase();

export const isPlate = (text) => OLD.test(text) || MERCOSUL.test(text);

/** Returns how the other era writes the same vehicle's plate, or "". */
export function twin(plate) {
  const [before, sign, after] = [plate.slice(0, ERA_AT), plate[ERA_AT], plate.slice(ERA_AT + 1)];
  if (OLD.test(plate)) return before + TWINS[sign] + after;
  return MERCOSUL.test(plate) && TWINS.includes(sign) ? before + TWINS.indexOf(sign) + after : "";
}

/** The same for every way in which one vehicle's plate is written. */
export const vehicleOf = (plate) => (MERCOSUL.test(plate) && twin(plate)) || plate;

/**
 * Returns what was typed into a search: {kind, plate}. `kind` is "plate", "beginning", "none" (nothing was typed), or why it can't be
 * searched: "short", "long", "signs" (* or ?; `plate` is what stands before) or "other".
 */
export function readPlate(text) {
  const plate = bare(text);
  if (!plate) return { kind: "none", plate };
  if (isPlate(plate)) return { kind: "plate", plate };
  if (/[*?%_]/.test(plate)) return { kind: "signs", plate: /^[A-Z0-9]*/.exec(plate)[0] };
  if (!/^[A-Z0-9]+$/.test(plate)) return { kind: "other", plate };
  if (plate.length < FEWEST) return { kind: "short", plate };
  return { kind: plate.length > LENGTH ? "long" : "beginning", plate };
}
