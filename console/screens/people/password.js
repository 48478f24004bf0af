// A first password: generated here, so that nobody thinks up one for somebody else.

const LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"; // none that are taken for another when read aloud
const GROUPS = 4;
const LENGTH = 5;
const EVEN = 256 - (256 % LETTERS.length);

/** Returns four groups of five letters and digits, 99 bits, as the API gives where it generates one. */
export function generatedPassword() {
  const letters = [];
  while (letters.length < GROUPS * LENGTH) {
    const bytes = crypto.getRandomValues(new Uint8Array(32));
    for (const byte of bytes) if (byte < EVEN) letters.push(LETTERS[byte % LETTERS.length]); // a byte above would prefer the first letters
  }
  return Array.from({ length: GROUPS }, (_, index) => letters.slice(index * LENGTH, (index + 1) * LENGTH).join("")).join("-");
}
