// A front end of another site than the content, and Chromium without third-party cookies.
import { createServer } from "node:http";

import { chromium } from "playwright-core";

const page = `<!doctype html><html lang="en"><head><title>Portal</title></head><body><h1>Portal</h1>
<script>
  window.heard = [];
  addEventListener("message", (event) => window.heard.push(event.data));
  const frame = document.createElement("iframe");
  frame.title = "Course"; frame.style = "width: 100%; height: 500px"; frame.allow = "autoplay; fullscreen";
  frame.src = new URLSearchParams(location.search).get("url");
  document.body.append(frame);
</script></body></html>`;

const port = Number(new URL(process.env.FRONT_END).port);
const server = createServer((_, answer) => answer.writeHead(200, { "content-type": "text/html" }).end(page));
await new Promise((done) => server.listen(port, "127.0.0.1", done));

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox", "--test-third-party-cookie-phaseout"],
});

/** A browser of its own: another person, or another device. */
export const device = () => browser.newContext();

/** Opens a launch in a frame of the front end, and waits until the content is there. */
export async function open(context, launch) {
  const window = await context.newPage();
  window.on("dialog", (dialog) => dialog.accept().catch(() => {}));
  await window.goto(`${process.env.FRONT_END}/?url=${encodeURIComponent(launch.url)}`);
  await heard(window, "opened");
  return window;
}

/** Waits until the player has told the front end of an event. */
export const heard = (window, event, state) =>
  window.waitForFunction(
    ([event, state]) => window.heard.some((told) => told.event === event && (!state || told.state === state)),
    [event, state],
    { timeout: 10000 },
  );

/** The frame whose address has this in it. */
export async function frameOf(window, part) {
  for (let turn = 0; turn < 100; turn += 1) {
    const found = window.frames().find((frame) => frame.url().includes(part));
    if (found) return found;
    await new Promise((done) => setTimeout(done, 50));
  }
  throw new Error(`no frame of ${part}: ${window.frames().map((frame) => frame.url())}`);
}

export async function end() {
  await browser.close();
  server.close();
}
