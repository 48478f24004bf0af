// Giving the user a file.

/** @param {Blob} file @param {string} name */
export function save(file, name) {
  const url = URL.createObjectURL(file);
  follow(url, name);
  URL.revokeObjectURL(url);
}

/** Lets the browser fetch a file. @param {string} url @param {string} name */
export function follow(url, name) {
  Object.assign(document.createElement("a"), { href: url, download: name }).click();
}

/** Returns a text as a part of a file's name. @param {string} text */
export const asFileName = (text) => text.normalize("NFD").replace(/\p{M}/gu, "").replace(/[^A-Za-z0-9._-]+/g, "-").replace(/^[-.]+|[-.]+$/g, "");
