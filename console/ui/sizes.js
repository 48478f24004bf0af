// Sizes in bytes as people read them.

/** @type {[string, number][]} */
const UNITS = [["TB", 1e12], ["GB", 1e9], ["MB", 1e6]];

/** "1,5 TB", "120 GB", "0 MB" */
export function sizeOf(bytes) {
  const [unit, one] = UNITS.find(([, least]) => bytes >= least) ?? UNITS.at(-1);
  const size = bytes / one;
  return `${size.toLocaleString("pt-BR", { maximumFractionDigits: size < 10 ? 1 : 0 })} ${unit}`;
}
