// Brings what a package stores to the server: at once, in any order, and again after an offline spell.
//
// Every change has a number that only grows; the server never lets an older one replace a newer one. What is not yet
// acknowledged stands in a journal (journal.js), which the next launch of the same attempt sends first. Launches number their
// changes in ranges of their own, so that a journal that comes late replaces nothing that a later launch stored.

import { Journal } from "./journal.js";

const DELAY = 250;
const PAUSES = [1000, 2000, 5000, 10000, 30000];
/** Browsers refuse requests that outlive their page beyond 64 KiB. */
const MOST_KEPT_ALIVE = 60000;

export class Transport {
  /**
   * @param {string} attempt whose journal it is
   * @param {number} seq after which changes are numbered
   * @param {(event: string, detail?: object) => void} listener hears saved, unsaved, refused, stopped
   */
  constructor(attempt, seq, listener) {
    this.journal = new Journal(attempt);
    this.items = this.journal.read();
    this.seq = seq;
    for (const { changes } of Object.values(this.items)) {
      for (const change of Object.values(changes)) this.seq = Math.max(this.seq, change.seq);
    }
    this.listener = listener;
    this.isSending = false;
    this.failures = 0;
    this.timer = null;
    this.isStopped = false;
    addEventListener("online", () => this.flush());
    addEventListener("pagehide", () => this.flush(true));
    document.addEventListener("visibilitychange", () => {
      if (document.visibilityState === "hidden") this.flush(true);
    });
  }

  #keep() {
    this.journal.keep(this.isEmpty ? null : this.items);
  }

  /** Whether the server has everything. */
  get isEmpty() {
    return Object.keys(this.items).length === 0;
  }

  #item(item) {
    return (this.items[item] ??= { changes: {}, ended: false });
  }

  /** Takes a change. */
  set(item, element, value, isUrgent) {
    this.seq += 1;
    this.#item(item).changes[element] = { value, seq: this.seq };
    this.#keep();
    this.#schedule(isUrgent ? 0 : DELAY);
  }

  /** The package said that its session is over. */
  end(item) {
    this.#item(item).ended = true;
    this.#keep();
    this.flush(true);
  }

  #schedule(delay) {
    if (this.timer !== null && delay > 0) return;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      this.timer = null;
      this.flush();
    }, delay);
  }

  /** Sends what is there. When the page goes, it does not wait for what is under way. */
  async flush(isLeaving = false) {
    if (this.isStopped || this.isEmpty || (this.isSending && !isLeaving)) return;
    clearTimeout(this.timer);
    this.timer = null;
    const [item, { changes, ended }] = Object.entries(this.items)[0];
    const list = Object.entries(changes).map(([element, { value, seq }]) => ({ element, value, seq }));
    const body = JSON.stringify({ item, changes: list, ended });
    this.isSending = true;
    let answer = null;
    try {
      answer = await fetch("_/commit", {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body,
        keepalive: new Blob([body]).size < MOST_KEPT_ALIVE,
      });
    } catch {
      // Offline, or the server restarts.
    }
    this.isSending = false;
    await this.#answered(answer, item, list, ended);
  }

  async #answered(answer, item, sent, ended) {
    if (answer?.ok) {
      this.failures = 0;
      this.#forget(item, sent, ended);
      this.listener("saved", await answer.json().catch(() => ({})));
    } else if (answer && [409, 410].includes(answer.status)) {
      this.isStopped = true;
      const problem = await answer.json().catch(() => ({}));
      // A newer launch sends the journal.
      this.listener("stopped", problem);
      return;
    } else if (answer && answer.status >= 400 && answer.status < 500 && ![408, 429].includes(answer.status)) {
      this.#forget(item, sent, ended);
      this.listener("refused", await answer.json().catch(() => ({})));
    } else {
      const pause = PAUSES[Math.min(this.failures, PAUSES.length - 1)];
      this.failures += 1;
      this.listener("unsaved");
      this.#schedule(pause);
      return;
    }
    if (!this.isEmpty) this.#schedule(0);
  }

  #forget(item, sent, ended) {
    const kept = this.items[item];
    if (!kept) return;
    for (const { element, seq } of sent) {
      if (kept.changes[element]?.seq === seq) delete kept.changes[element];
    }
    if (ended) kept.ended = false;
    if (Object.keys(kept.changes).length === 0 && !kept.ended) delete this.items[item];
    this.#keep();
  }

  /** Sends the journal of an earlier launch, and waits for it. A session that did not end is not ended by that. */
  async replay() {
    for (const item of Object.values(this.items)) item.ended = false;
    for (let turn = 0; turn < 100 && !this.isEmpty && !this.isStopped && this.failures === 0; turn += 1) {
      await this.flush();
    }
    return this.isEmpty;
  }
}
