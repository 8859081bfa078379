// Packages in Chromium: left in every way and resumed, in two windows, offline, and to the end.
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { after, test } from "node:test";

import { Learner, addCourse, addPackage } from "./academy.mjs";
import { device, end, frameOf, heard, open } from "./front_end.mjs";
import { small } from "./packages.mjs";

after(end);

/** Asks until it is so. */
async function until(what, holds) {
  for (let turn = 0; turn < 100; turn += 1) {
    if (await holds()) return;
    await new Promise((done) => setTimeout(done, 100));
  }
  assert.fail(`waited in vain until ${what}`);
}

const LEFT = {
  "closing the window": (window) => window.close(),
  "leading it elsewhere": (window) => window.goto("about:blank"),
  "removing the frame": (window) => window.evaluate(() => document.querySelector("iframe").remove()),
};

for (const version of ["1.2", "2004 4th Edition"]) {
  test(`a package of SCORM ${version} is left, resumed and passed`, async () => {
    const course = await addCourse(await addPackage(small(version)));
    const learner = await Learner.enrolled(course);
    const browser = await device();
    let place = 0;
    for (const [way, leave] of Object.entries(LEFT)) {
      const window = await open(browser, await learner.launch());
      const content = await frameOf(window, "index.html");
      const told = await content.textContent("#place");
      assert.equal(told, `Page ${place}, ${place === 0 ? "ab-initio" : "resume"}`, way);
      await content.click("#next");
      place += 1;
      await heard(window, "saved");
      await leave(window);
      await window.close();
    }
    const window = await open(browser, await learner.launch());
    const content = await frameOf(window, "index.html");
    assert.equal(await content.textContent("#place"), `Page ${place}, resume`);
    await content.click("#pass");
    await heard(window, "saved", "completed");
    await content.click("#leave");
    await heard(window, "ended");
    const enrollment = await learner.enrollment();
    assert.deepEqual([enrollment.state, enrollment.progress_percent], ["completed", 100]);
    assert.equal((await learner.state()).score, 90);

    const review = await learner.launch();
    assert.equal(review.mode, "review");
    const again = await open(browser, review);
    await (await frameOf(again, "index.html")).click("#next");
    await learner.enroll(course).then(async () => {
      // Recertification: another enrollment begins from the start.
      assert.equal((await learner.state()).state, "not_started");
    });
    await browser.close();
  });
}

test("the older of two windows is told", async () => {
  const learner = await Learner.enrolled(await addCourse(await addPackage(small("1.2"))));
  const [one, other] = [await device(), await device()];
  const older = await open(one, await learner.launch());
  await frameOf(older, "index.html");
  const newer = await open(other, await learner.launch());
  await (await frameOf(newer, "index.html")).click("#next");
  await heard(newer, "saved");
  await heard(older, "launch_superseded");
  assert.match(await (await frameOf(older, "/l/")).textContent("#stage"), /opened again/);
  await one.close();
  await other.close();
});

test("what is done offline is sent once the connection is back", async () => {
  const learner = await Learner.enrolled(await addCourse(await addPackage(small("1.2"))));
  const browser = await device();
  const window = await open(browser, await learner.launch());
  const content = await frameOf(window, "index.html");
  await content.click("#next");
  await heard(window, "saved");
  await browser.setOffline(true);
  await content.click("#next");
  await heard(window, "unsaved");
  assert.match(await (await frameOf(window, "/l/")).textContent("#notice"), /not saved/);
  await browser.setOffline(false);
  const notice = async () => (await frameOf(window, "/l/")).textContent("#notice");
  await until("all is saved", async () => !(await notice()).includes("not saved"));
  await window.close();
  const again = await open(browser, await learner.launch());
  assert.equal(await (await frameOf(again, "index.html")).textContent("#place"), "Page 2, resume");
  await browser.close();
});

test("the player passes axe-core", async () => {
  const learner = await Learner.enrolled(await addCourse(await addPackage(small("1.2"))));
  const browser = await device();
  const launch = await learner.launch();
  const window = await open(browser, launch);
  const player = await frameOf(window, "/l/");
  await player.evaluate(readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8"));
  const { violations } = await player.evaluate(() => window.axe.run({ exclude: [["#stage iframe"]] }));
  assert.deepEqual(violations.map((violation) => `${violation.id}: ${violation.help}`), []);
  await browser.close();
});

const GOLF = { "golf_scorm12.zip": 100, "golf_scorm2004.zip": 100 };
for (const name of Object.keys(GOLF)) {
  const file = `${process.env.PROVOST_REAL_DATA ?? "."}/${name}`;
  test(`${name} is taken to the end`, { skip: !existsSync(file) && "it is not here" }, async () => {
    const learner = await Learner.enrolled(await addCourse(await addPackage(readFileSync(file))));
    const browser = await device();
    const first = await open(browser, await learner.launch());
    let course = await frameOf(first, "launchpage.html");
    for (let page = 0; page < 3; page += 1) await course.click("#butNext");
    await until("the bookmark is saved", async () => (await learner.state()).started_at !== null);
    await heard(first, "saved");
    await new Promise((done) => setTimeout(done, 500));
    await first.close();
    const window = await open(browser, await learner.launch());
    course = await frameOf(window, "launchpage.html");
    assert.equal(await course.evaluate("currentPage"), 3);
    for (let page = 3; page < 14; page += 1) await course.click("#butNext");
    const quiz = await frameOf(window, "assessmenttemplate.html");
    await quiz.waitForSelector("input[type=button], input[type=submit]");
    // The page marks the right answers.
    await quiz.evaluate(() => {
      for (const answer of document.querySelectorAll(".correctAnswer input")) {
        if (answer.type === "radio") answer.checked = true;
        else answer.value = /\((.*)\)/.exec(answer.parentElement.textContent)[1];
      }
    });
    await quiz.click("input[type=button], input[type=submit]");
    await heard(window, "saved", "completed");
    const state = await learner.state();
    assert.deepEqual([state.state, state.score], ["completed", GOLF[name]]);
    await browser.close();
  });
}
