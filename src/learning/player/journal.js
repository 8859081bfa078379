// What the server does not have yet, kept for the next launch of the attempt: in the browser, or, since browsers that block
// third-party cookies allow frames of other sites no storage, by the front end, which hands it over as the name of the frame.

import { tell } from "./notice.js";

export class Journal {
  /** @param {string} attempt whose journal it is */
  constructor(attempt) {
    this.attempt = attempt;
    this.key = `provost:journal:${attempt}`;
    this.last = null;
  }

  /** What an earlier launch left behind. */
  read() {
    this.last = stored(this.key) ?? window.name;
    try {
      const { attempt, items } = JSON.parse(this.last);
      return attempt === this.attempt ? items : {};
    } catch {
      return {};
    }
  }

  /** Keeps it; nothing, once the server has everything. */
  keep(items) {
    const text = items && JSON.stringify({ attempt: this.attempt, items });
    if (text === this.last) return;
    this.last = text;
    try {
      if (text) localStorage.setItem(this.key, text);
      else localStorage.removeItem(this.key);
    } catch {
      // It is full, or forbidden. The name stays when the page loads again.
      window.name = text ?? "";
      tell("journal", { journal: text });
    }
  }
}

function stored(key) {
  try {
    return localStorage.getItem(key);
  } catch {
    return null;
  }
}
