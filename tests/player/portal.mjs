// The portal of examples/portal in Chromium, which keeps no third-party cookies: its site is another than the API's and the
// content's.
import assert from "node:assert/strict";
import { connect, createServer } from "node:net";
import { after } from "node:test";

import { chromium } from "playwright-core";

const { preview } = await import(`${process.env.PORTAL_FOLDER}/node_modules/vite/dist/node/index.js`);
const { hostname, port } = new URL(process.env.PORTAL);
const server = await preview({
  root: process.env.PORTAL_FOLDER,
  logLevel: "error",
  preview: { host: hostname, port: Number(port), strictPort: true },
});

/**
 * The line between browsers and the content, which can be cut: Chromium's own way to be offline lets pages say their last words.
 */
const line = { isCut: false, refused: 0, ends: new Set() };
const through = createServer((near) => {
  if (line.isCut) {
    line.refused += 1;
    near.destroy();
    return;
  }
  const far = connect(...address(`http://${process.env.PROVOST_CONTENT_LISTEN}`));
  near.pipe(far).pipe(near);
  for (const [end, other] of [[near, far], [far, near]]) {
    line.ends.add(end);
    end.on("error", () => {});
    end.on("close", () => line.ends.delete(end) && other.destroy());
  }
});
await new Promise((done) => through.listen(...address(process.env.PROVOST_CONTENT_URL), done));

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox", "--test-third-party-cookie-phaseout"],
});

/** Port and host of an address. */
function address(url) {
  const { port, hostname } = new URL(url);
  return [Number(port), hostname];
}

/** Has a window go on without a connection to the content, and closes it before the connection is back. */
export async function closingOffline(window, act) {
  line.isCut = true;
  for (const end of line.ends) end.destroy();
  await act();
  await (await frameOf(window, "/l/")).getByText("Your progress is not saved").waitFor();
  await window.close();
  // Its last words are lost, all of them.
  for (let refused = -1; refused !== line.refused; await pause(300)) refused = line.refused;
  line.isCut = false;
}

const pause = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds));

/** A browser of its own: another person, or another device. Its pages keep what the player tells them. */
export async function device() {
  const context = await browser.newContext();
  context.setDefaultTimeout(5000);
  await context.addInitScript(() => {
    if (window !== window.top) return;
    window.heard = [];
    addEventListener("message", (event) => window.heard.push(event.data));
  });
  return context;
}

/** A window of the portal in which a learner is signed in. */
export async function signedIn(context, learner, path = "/courses") {
  const window = await context.newPage();
  window.on("dialog", (dialog) => dialog.accept().catch(() => {}));
  await window.goto(`${process.env.PORTAL}/#${path}`);
  await window.getByLabel("Username").fill(learner.username);
  await window.getByLabel("Password").fill(learner.password);
  await window.getByRole("button", { name: "Sign in", exact: true }).click();
  await window.getByRole("button", { name: "Sign out" }).waitFor();
  return window;
}

/** Opens the first activity of the course page, and waits until the content is there. */
export async function open(window) {
  await forget(window);
  await window.getByRole("button", { name: /^(Open|Go on|Open again): / }).first().click();
  await heard(window, "opened");
}

/** Opens the learner's course in a new window, and in it the activity. */
export async function openAnew(context, learner) {
  const window = await signedIn(context, learner, learner.page);
  await open(window);
  return window;
}

/** Waits until the player has told the portal of an event. */
export const heard = (window, event, state) =>
  window.waitForFunction(
    ([event, state]) => window.heard.some((told) => told.event === event && (!state || told.state === state)),
    [event, state],
  );

/** Does what has the player save something, and waits until it has nothing left to save. */
export async function saving(window, act) {
  await forget(window);
  await act();
  await window.waitForFunction(() => {
    const journals = window.heard.filter((told) => told.event === "journal").map((told) => told.journal);
    return journals.some(Boolean) && journals.at(-1) === null;
  });
}

/** Forgets what the player has told so far. */
export const forget = (window) => window.evaluate(() => void (window.heard = []));

/** The frame whose address has this in it. */
export async function frameOf(window, part) {
  for (let turn = 0; turn < 200; turn += 1) {
    const found = window.frames().find((frame) => frame.url().includes(part));
    if (found) return found;
    await pause(50);
  }
  throw new Error(`no frame of ${part}: ${window.frames().map((frame) => frame.url())}`);
}

/** Asks until it is so. */
export async function until(what, holds) {
  for (let turn = 0; turn < 100; turn += 1) {
    if (await holds()) return;
    await pause(100);
  }
  assert.fail(`waited in vain until ${what}`);
}

after(async () => {
  await browser.close();
  await server.close();
  through.close();
});
