// Packages: left in every way and resumed, offline, in two windows, to the end, and once more.
import assert from "node:assert/strict";
import { test } from "node:test";

import { Learner, addCourse, addPackage } from "./academy.mjs";
import { PACKAGES, small } from "./packages.mjs";
import { closingOffline, device, frameOf, heard, open, openAnew, saving, signedIn, until } from "./portal.mjs";

/** How learners leave, and come back; answers the window in which they do. */
const LEFT = {
  "closing the window": async (window, browser, learner) => {
    await window.close();
    return openAnew(browser, learner);
  },
  "leading it elsewhere": async (window, _browser, learner) => {
    await window.goto("about:blank");
    await window.goto(`${process.env.PORTAL}/#${learner.page}`);
    await open(window);
    return window;
  },
  "removing the frame": async (window) => {
    await window.getByRole("button", { name: "Close" }).click();
    await open(window);
    return window;
  },
};

for (const taken of PACKAGES) {
  // The rest is the same for all.
  const isFirst = taken === PACKAGES[0];
  test(`${taken.name} is taken to the end`, { skip: !taken.bytes && "it is not here" }, async () => {
    const course = await addCourse(await addPackage(taken.bytes));
    const learner = await Learner.enrolled(course);
    const browser = await device();
    const next = async (window) => taken.next(await taken.content(window));
    const isAt = async (window, page, when) => assert.equal(await taken.at(await taken.content(window)), page, when);

    let window = await signedIn(browser, learner);
    await window.getByRole("link", { name: "Fire" }).click();
    await open(window);
    const start = await taken.at(await taken.content(window));
    let page = start;
    for (const [way, leave] of Object.entries(LEFT).slice(0, isFirst ? undefined : 1)) {
      await saving(window, () => next(window));
      page += 1;
      window = await leave(window, browser, learner);
      await isAt(window, page, way);
    }

    if (isFirst) {
      await closingOffline(window, async () => {
        await next(window);
        await heard(window, "unsaved");
      });
      window = await openAnew(browser, learner);
      page += 1;
      await isAt(window, page, "what was left offline is sent by the next launch");

      // In another window, on another device.
      const old = window;
      window = await openAnew(await device(), learner);
      await isAt(window, page, "on another device");
      await next(old);
      await old.getByText("This was opened again elsewhere").waitFor();
      assert.match(await (await frameOf(old, "/l/")).textContent("#stage"), /opened again/);
      await browser.close();
    }

    await taken.pass(await taken.content(window), window);
    await heard(window, "saved", "completed");
    await window.getByText("Completed.").waitFor();
    // Some are completed by their last page, before the quiz on it.
    await until("the score counts", async () => (await learner.state()).score === taken.score);
    assert.equal((await learner.state()).state, "completed");
    const enrollment = await learner.enrollment();
    assert.deepEqual([enrollment.state, enrollment.progress_percent], ["completed", 100]);
    await window.getByRole("button", { name: "Close" }).click();
    await window.getByText("My certificates").waitFor();
    if (isFirst) await afterwards(window, learner, course, { next, isAt, start });
    await window.context().close();
  });
}

/** The certificate, a look at what is completed, and recertification. */
async function afterwards(window, learner, course, { next, isAt, start }) {
  // A job issues it.
  await window.getByText("My certificates").click();
  await until("there is a certificate", async () => {
    await window.reload();
    await window.getByRole("heading", { name: "Certificates" }).waitFor();
    await window.getByText("Loading").waitFor({ state: "detached" });
    return window.getByRole("heading", { name: "Fire" }).isVisible();
  });

  // Looking at it again changes nothing.
  await window.goto(`${process.env.PORTAL}/#${learner.page}`);
  await open(window);
  await (await frameOf(window, "/l/")).getByText("Review: nothing is recorded").waitFor();
  await next(window).catch(() => {});
  await window.getByRole("button", { name: "Close" }).click();
  assert.equal((await learner.state()).state, "completed");

  // Recertification: another enrollment begins from the start.
  await learner.enroll(course);
  await window.goto(`${process.env.PORTAL}/#/courses`);
  await window.getByText("Not begun").waitFor();
  await window.goto(`${process.env.PORTAL}/#${learner.page}`);
  await open(window);
  await isAt(window, start, "from the start");
  assert.equal((await learner.enrollment()).state, "in_progress");
}

/** Text as compression makes it: any 16 bits, halves of surrogate pairs and zeros too. */
const UNITS = Array.from({ length: 5000 }, (_, place) => (place * 40503) & 0xffff);

test("thousands of elements and broken text come back as they were, and an attempt that is over is not taken again", async () => {
  const learner = await Learner.enrolled(await addCourse(await addPackage(small("1.2"))));
  const browser = await device();
  const window = await browser.newPage();
  const opened = async () => {
    await window.goto(await learner.launch());
    return frameOf(window, "index.html");
  };
  const over = "This attempt is over. Open it again from the course.";

  let content = await opened();
  await content.evaluate(() => {
    api.LMSSetValue("cmi.core.score.raw", "20");
    api.LMSSetValue("cmi.core.lesson_status", "failed");
    api.LMSFinish("");
  });
  await window.getByText(over).waitFor();
  assert.equal(await window.getByRole("button", { name: "Open again" }).count(), 0);
  assert.deepEqual([(await learner.state()).state, (await learner.state()).score], ["failed", 20]);
  await window.reload();
  await window.getByText("This attempt is over: nothing more is recorded.").waitFor();
  assert.equal(await (await frameOf(window, "index.html")).evaluate(() => api.LMSGetValue("cmi.core.lesson_mode")), "review");

  // Another attempt, offline to its end. Every element is set in one go.
  content = await opened();
  assert.equal(await content.textContent("#place"), "Page 0, ab-initio");
  await browser.setOffline(true);
  const answers = await content.evaluate((units) => {
    const garbage = String.fromCharCode(...units);
    const set = (element, value) => api.LMSSetValue(element, value) === "true";
    const answers = [set("cmi.suspend_data", garbage), set("cmi.core.exit", "normal")];
    for (let place = 0; place < 500; place += 1) {
      const question = { id: `q${place}`, type: "fill-in", student_response: "\uD83D", result: "correct", weighting: 1 };
      for (const [name, value] of Object.entries(question)) answers.push(set(`cmi.interactions.${place}.${name}`, value));
    }
    answers.push(set("cmi.core.score.raw", 90), set("cmi.core.lesson_status", "passed"));
    api.LMSFinish("");
    return answers;
  }, UNITS);
  assert.ok(answers.length > 2500 && answers.every(Boolean));
  await window.getByText("Your progress is not saved").waitFor();
  await browser.setOffline(false);
  await window.getByText(over).waitFor();
  assert.equal(await window.textContent("#notice"), "");
  const state = await learner.state();
  assert.deepEqual([state.state, state.score], ["completed", 90]);

  content = await opened();
  const kept = await content.evaluate(() => ({
    count: Number(api.LMSGetValue("cmi.interactions._count")),
    units: api.LMSGetValue("cmi.suspend_data").split("").map((unit) => unit.charCodeAt(0)),
  }));
  assert.deepEqual(kept, { count: 500, units: UNITS });
  await browser.close();
});
