// What a package stores is text of JavaScript, which may hold what neither JSON nor the database can: halves of surrogate pairs,
// as compression makes them, and U+0000. Each is written as a mark and four hexadecimal digits, and so is the mark itself: what is
// read is what was stored.

const MARK = "\uFFFC";
const UNFIT = /[\0\uFFFC\p{Surrogate}]/gu;
const WRITTEN = /\uFFFC([0-9a-f]{4})/g;

/** Text as it is sent and kept. */
export function encode(text) {
  return text.replace(UNFIT, (unit) => MARK + unit.charCodeAt(0).toString(16).padStart(4, "0"));
}

/** What it was. */
export function decode(text) {
  return text.replace(WRITTEN, (_, digits) => String.fromCharCode(Number.parseInt(digits, 16)));
}

const UTF8 = new TextEncoder();

/** How many bytes a text has on the way. */
export const bytesOf = (text) => UTF8.encode(text).length;
