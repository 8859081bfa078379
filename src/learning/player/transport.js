// Brings what a package stores to the server: at once, in any order, and again after an offline spell.
//
// Every change has a number that only grows; the server never lets an older one replace a newer one. What is not yet
// acknowledged stands in a journal (journal.js), which the next launch of the same attempt sends first. Launches number their
// changes in ranges of their own, so that a journal that comes late replaces nothing that a later launch stored.
//
// The server takes a commit as a whole or not at all. One that it refuses is sent again in halves, until the one change that it
// means stands alone: only that is given up.

import { Journal } from "./journal.js";
import { bytesOf, encode } from "./text.js";

const DELAY = 250;
const PAUSES = [1000, 2000, 5000, 10000, 30000];
/** What goes with one commit: so many changes, where the end of the session counts as one, and so many bytes of JSON. */
const MOST_CHANGES = 1000;
const MOST_BYTES = 512 << 10;
/** Browsers refuse requests that outlive their page beyond 64 KiB, all together. */
const MOST_KEPT_ALIVE = 60000;
/** Of a commit without its changes, beside the name of its item. */
const ENVELOPE = 40;

/** Whether the server says that it will never take it. Else it was not reached, but something on the way. */
function isRefusal(status, detail) {
  if ([400, 413, 422].includes(status)) return true;
  return status >= 400 && status < 500 && ![408, 429].includes(status) && detail.code !== undefined;
}

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
    this.most = MOST_CHANGES;
    this.keptAlive = 0;
    this.sending = null;
    this.failures = 0;
    this.timer = null;
    this.isKeeping = false;
    this.isStopped = false;
    this.isOver = false;
    addEventListener("online", () => this.flush());
    addEventListener("pagehide", () => this.#leave());
    document.addEventListener("visibilitychange", () => {
      if (document.visibilityState === "hidden") this.#leave();
    });
  }

  /** Whether the server has everything. */
  get isEmpty() {
    return Object.keys(this.items).length === 0;
  }

  #item(item) {
    return (this.items[item] ??= { changes: {}, ended: false });
  }

  #keep() {
    this.isKeeping = false;
    this.journal.keep(this.isEmpty ? null : this.items);
  }

  /** Keeps the journal when the script that runs is done: of a thousand changes, once. */
  #keepSoon() {
    if (this.isKeeping) return;
    this.isKeeping = true;
    queueMicrotask(() => this.isKeeping && this.#keep());
  }

  /** Takes a change. */
  set(item, element, value, isUrgent) {
    if (this.isOver) return;
    this.seq += 1;
    this.#item(item).changes[element] = { value: encode(value), seq: this.seq };
    this.#keepSoon();
    this.#schedule(isUrgent ? 0 : DELAY);
  }

  /** The package said that its session is over. */
  end(item) {
    if (this.isOver) return;
    this.#item(item).ended = true;
    this.#keepSoon();
    this.#leave();
  }

  /** The attempt is over: it takes nothing more. */
  close() {
    this.isOver = true;
    this.items = {};
    this.#keep();
  }

  #schedule(delay) {
    if (this.timer !== null && delay > 0) return;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      this.timer = null;
      this.flush();
    }, delay);
  }

  get #isDone() {
    return this.isStopped || this.isOver || this.isEmpty;
  }

  /** Sends the oldest of what is there, unless something is under way; answers when that is answered. */
  flush() {
    if (this.sending) return this.sending;
    if (this.#isDone) return Promise.resolve();
    clearTimeout(this.timer);
    this.timer = null;
    const names = Object.keys(this.items);
    const hasChanges = (name) => Object.keys(this.items[name].changes).length > 0;
    const item = names.find(hasChanges) ?? names[0];
    // After an end the attempt may take nothing more.
    const mayEnd = !names.some((name) => name !== item && hasChanges(name));
    this.sending = this.#send(this.#cut(item, MOST_BYTES, mayEnd)).finally(() => (this.sending = null));
    return this.sending;
  }

  /** The page may go: sends everything, and waits for nothing. */
  #leave() {
    if (this.isKeeping) this.#keep();
    if (this.#isDone) return;
    clearTimeout(this.timer);
    this.timer = null;
    let isAll = true;
    for (const item of Object.keys(this.items)) {
      const commit = this.#cut(item, MOST_KEPT_ALIVE - this.keptAlive, true, true);
      if (commit.changes.length > 0 || commit.ended) this.#send(commit);
      isAll &&= commit.isAll;
    }
    // What is too large may arrive, or the next launch sends it.
    if (!isAll) this.flush();
  }

  /** What of an item goes with one commit, the oldest first; at least one change, unless it `mustFit`. */
  #cut(item, room, mayEnd, mustFit = false) {
    const { changes, ended } = this.items[item];
    const waiting = Object.entries(changes).map(([element, { value, seq }]) => ({ element, value, seq }));
    waiting.sort((one, other) => one.seq - other.seq);
    const cut = [];
    let bytes = ENVELOPE + bytesOf(JSON.stringify(item));
    for (const change of waiting) {
      const more = bytesOf(JSON.stringify(change)) + 1;
      const fits = bytes + more <= room || (cut.length === 0 && !mustFit);
      if (cut.length === this.most || (!fits && !mustFit)) break;
      if (!fits) continue;
      cut.push(change);
      bytes += more;
    }
    const isAll = cut.length === waiting.length;
    const ends = ended && mayEnd && isAll && cut.length < this.most;
    return { item, changes: cut, ended: ends, isAll: isAll && ends === ended };
  }

  async #send({ item, changes, ended }) {
    const body = JSON.stringify({ item, changes, ended });
    const bytes = bytesOf(body);
    const keepalive = this.keptAlive + bytes <= MOST_KEPT_ALIVE;
    if (keepalive) this.keptAlive += bytes;
    let answer = null;
    try {
      answer = await fetch("_/commit", { method: "POST", headers: { "Content-Type": "application/json" }, body, keepalive });
    } catch {
      // Offline.
    }
    if (keepalive) this.keptAlive -= bytes;
    await this.#answered(answer, item, changes, ended);
  }

  async #answered(answer, item, sent, ended) {
    const detail = (await answer?.json().catch(() => null)) ?? {};
    if (this.isStopped || this.isOver) return;
    if (answer?.ok && detail.stored !== undefined) {
      this.#forget(item, sent, ended);
      if (detail.is_over) this.close();
      this.listener("saved", detail);
    } else if (answer && [409, 410].includes(answer.status)) {
      // A newer launch sends the journal.
      this.isStopped = true;
      this.listener("stopped", detail);
    } else if (answer && isRefusal(answer.status, detail)) {
      const parts = sent.length + (ended ? 1 : 0);
      if (parts > 1) {
        this.most = Math.max(1, Math.min(this.most, parts >> 1));
      } else {
        this.#forget(item, sent, ended);
        this.listener("refused", detail);
      }
    } else {
      const pause = PAUSES[Math.min(this.failures, PAUSES.length - 1)];
      this.failures += 1;
      this.listener("unsaved");
      this.#schedule(pause);
      return;
    }
    this.failures = 0;
    if (!this.#isDone) this.#schedule(0);
  }

  /** These were taken, or given up. */
  #forget(item, sent, ended) {
    // What follows is hardly refused, too.
    this.most = Math.min(MOST_CHANGES, this.most * 2);
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
    for (const [name, item] of Object.entries(this.items)) {
      item.ended = false;
      if (Object.keys(item.changes).length === 0) delete this.items[name];
    }
    while (!this.#isDone && this.failures === 0) await this.flush();
  }
}
