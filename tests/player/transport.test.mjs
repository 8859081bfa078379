// How the player sends what packages store, to a server that is made up.
import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

const kept = new Map();
const listeners = {};
globalThis.addEventListener = (event, listener) => (listeners[event] = listener);
globalThis.document = { addEventListener() {}, getElementById: () => null, visibilityState: "visible" };
globalThis.window = globalThis;
globalThis.parent = globalThis;
globalThis.localStorage = {
  getItem: (key) => kept.get(key) ?? null,
  setItem: (key, value) => kept.set(key, value),
  removeItem: (key) => kept.delete(key),
};
const { Transport } = await import("./source/transport.js");
const { decode, encode } = await import("./source/text.js");

/** What the server stored, and what it was sent; it answers as `answering` says, or stores. */
let server;
globalThis.fetch = async (_path, { body, keepalive }) => {
  const commit = { ...JSON.parse(body), bytes: body.length, keepalive };
  server.sent.push(commit);
  const status = server.answering(commit);
  if (status === 0) throw new TypeError("offline");
  if (status === 200) {
    for (const { element, value } of commit.changes) server.stored[element] = value;
    server.ends += commit.ended ? 1 : 0;
  }
  const answer = status === 200 ? { stored: true, is_over: server.isOver } : { code: "refused" };
  return new Response(server.isThere ? JSON.stringify(answer) : "<h1>Sorry</h1>", { status });
};

beforeEach(() => {
  kept.clear();
  server = { sent: [], stored: {}, ends: 0, isThere: true, isOver: false, answering: () => 200 };
});

/** A transport with what it told; `settled` waits until it has sent everything. */
function begin(journal) {
  const heard = [];
  if (journal) kept.set("provost:journal:a", JSON.stringify({ attempt: "a", items: journal }));
  const transport = new Transport("a", 100, (event) => heard.push(event));
  const settled = async () => {
    while (!transport.isEmpty) await new Promise((done) => setTimeout(done, 1));
  };
  return { transport, heard, settled };
}

test("text that neither JSON nor the database can hold is read as it was stored", () => {
  const texts = ["", "Türen 🚪", "\0", "\uD800", "\uDC00\uD800", "a\uD83D", "\uDEAA\uD83D\uDEAA\uD83D", "\uFFFC", "\uFFFCd800", "\uFFFC\uD800d800", "\uFFFE\uFFFF\u2028"];
  let garbage = "";
  for (let unit = 0; unit <= 0xffff; unit += 1) garbage += String.fromCharCode((unit * 40503) & 0xffff);
  for (const text of [...texts, garbage]) {
    const written = encode(text);
    assert.ok(written.isWellFormed() && !written.includes("\0"), JSON.stringify(text));
    assert.equal(decode(written), text);
  }
  assert.equal(encode("plain ü 🚪"), "plain ü 🚪");
});

test("what is much is sent in several commits, in order, and the end with the last", async () => {
  const { transport, heard, settled } = begin();
  for (let place = 0; place < 2500; place += 1) transport.set("one", `cmi.interactions.${place}.id`, "x".repeat(place < 10 ? 100_000 : 1));
  transport.end("one");
  await settled();
  const firsts = server.sent.slice(1).map((commit) => commit.changes[0].seq);
  assert.deepEqual(firsts, firsts.toSorted((one, other) => one - other), "the oldest first");
  assert.equal(Object.keys(server.stored).length, 2500);
  assert.ok(server.sent.every((commit) => commit.changes.length <= 1000 && commit.bytes <= 524_288));
  assert.deepEqual([server.sent.at(-1).ended, server.ends], [true, 1]);
  assert.equal(kept.size, 0);
  assert.deepEqual(new Set(heard), new Set(["saved"]));
});

test("a refusal costs only what is refused", async () => {
  for (const refused of [400, 413, 422, 403]) {
    const { transport, heard, settled } = begin();
    server.stored = {};
    server.answering = ({ changes }) => (changes.some(({ element }) => ["cmi.e7", "cmi.e1203"].includes(element)) ? refused : 200);
    server.sent = [];
    for (let place = 0; place < 1500; place += 1) transport.set("one", `cmi.e${place}`, "x", true);
    transport.set("two", "cmi.location", "x");
    transport.end("one");
    await settled();
    assert.equal(Object.keys(server.stored).length, 1499);
    assert.equal(heard.filter((event) => event === "refused").length, 2);
    assert.ok(server.ends > 0, "the session ended all the same");
    assert.ok(server.sent.length < 100, `${server.sent.length} commits`);
    assert.equal(kept.size, 0);
  }
});

test("what something on the way answers costs nothing", async () => {
  for (const status of [200, 403, 404, 502]) {
    const { transport, heard } = begin();
    server.isThere = false;
    server.answering = () => status;
    transport.set("one", "cmi.core.lesson_status", "completed");
    await transport.flush();
    assert.deepEqual([heard, kept.size], [["unsaved"], 1], status);
    transport.close();
  }
});

test("an end that is refused costs nothing but the end", async () => {
  const { transport, heard, settled } = begin();
  server.answering = ({ ended }) => (ended ? 422 : 200);
  transport.set("one", "cmi.core.lesson_status", "completed");
  transport.end("one");
  await settled();
  assert.deepEqual(server.stored, { "cmi.core.lesson_status": "completed" });
  assert.equal(heard.filter((event) => event === "refused").length, 1);
});

test("a journal is sent in halves, too, and what cannot be sent now is kept", async () => {
  const changes = Object.fromEntries(Array.from({ length: 1200 }, (_, place) => [`cmi.e${place}`, { value: "x", seq: place + 1 }]));
  const first = begin({ one: { changes, ended: true }, two: { changes: {}, ended: true } });
  server.answering = ({ changes }) => (changes.some(({ element }) => element === "cmi.e900") ? 422 : 200);
  await first.transport.replay();
  assert.equal(Object.keys(server.stored).length, 1199);
  assert.deepEqual([first.transport.isEmpty, server.ends, kept.size], [true, 0, 0]);

  const second = begin({ one: { changes, ended: false } });
  server.answering = () => 0;
  await second.transport.replay();
  assert.deepEqual([second.heard, kept.size], [["unsaved"], 1]);
  second.transport.close();
});

test("a page that goes sends at once what may outlive it, and tries the rest", async () => {
  const { transport, settled } = begin();
  transport.set("one", "cmi.suspend_data", "x".repeat(100_000));
  transport.set("one", "cmi.core.lesson_status", "completed");
  transport.set("two", "cmi.location", "3");
  listeners.pagehide();
  assert.ok(kept.size > 0);
  assert.deepEqual(
    server.sent.map(({ keepalive, changes }) => [keepalive, changes.map(({ element }) => element)]),
    [
      [true, ["cmi.core.lesson_status"]],
      [true, ["cmi.location"]],
      [false, ["cmi.suspend_data", "cmi.core.lesson_status"]],
    ],
  );
  await settled();
});

test("a page that goes with nothing to send leaves the journal of another window as it is", () => {
  begin();
  kept.set("provost:journal:a", "of another window");
  listeners.pagehide();
  assert.deepEqual([kept.get("provost:journal:a"), server.sent.length], ["of another window", 0]);
});

test("after the end of the attempt nothing is sent, kept or told", async () => {
  const { transport, heard, settled } = begin();
  server.isOver = true;
  transport.set("one", "cmi.core.lesson_status", "failed");
  transport.end("one");
  await settled();
  transport.set("two", "cmi.core.lesson_location", "4");
  transport.end("two");
  listeners.pagehide();
  await new Promise((done) => setTimeout(done, 300));
  assert.deepEqual([server.sent.length, heard, kept.size, transport.isOver], [1, ["saved"], 0, true]);
});
