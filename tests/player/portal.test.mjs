// The portal itself: who is late, sign-in elsewhere, journals of windows of their own, and what everybody can read.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { test } from "node:test";

import { Learner, Person, addContent, addCourse, addPackage, request, unique, upload } from "./academy.mjs";
import { small } from "./packages.mjs";
import { closingOffline, device, frameOf, open, signedIn } from "./portal.mjs";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** What axe-core finds in a page or a frame. */
async function assertAccessible(frame, where, exclude = []) {
  await frame.evaluate(AXE);
  const { violations } = await frame.evaluate((exclude) => window.axe.run({ exclude }), exclude);
  const found = violations.map(({ id, help, nodes }) => `${id}: ${help} (${nodes.map((node) => node.target)})`);
  assert.deepEqual(found, [], where);
}

const course = await addCourse(await addPackage(small("1.2")));

test("managers see who is late, learners see what they are late with, and axe-core finds nothing on any page", async () => {
  const manager = await Person.added({ given_name: "Mia", family_name: "Weber" });
  await manager.lead();
  const learner = await Learner.added({ manager_id: manager.user.id });
  await learner.require(course, "2026-01-31");
  const browser = await device();
  const narrow = { width: 360, height: 740 };

  const team = await signedIn(browser, manager);
  await team.setViewportSize(narrow);
  await team.getByRole("link", { name: "My team" }).click();
  await team.getByRole("heading", { name: "Ana Silva" }).waitFor();
  await team.getByText("Fire: was due by January 31, 2026").waitFor();
  await assertAccessible(team, "my team");

  const own = await signedIn(browser, learner);
  await own.setViewportSize(narrow);
  await own.getByText("Overdue", { exact: true }).waitFor();
  assert.equal(await own.getByRole("link", { name: "My team" }).count(), 0, "learners lead nobody");
  await assertAccessible(own, "my courses");
  await own.getByRole("link", { name: "Fire" }).click();
  await own.getByRole("heading", { name: "Fire doors" }).waitFor();
  await assertAccessible(own, "a course");
  await open(own);
  await assertAccessible(own, "a course with the player", [["iframe"]]);
  await assertAccessible(await frameOf(own, "/l/"), "the player", [["#stage iframe"]]);
  await own.getByRole("link", { name: "Certificates" }).click();
  await own.getByText("You have no certificates yet").waitFor();
  await assertAccessible(own, "certificates");
  for (const window of [team, own]) {
    assert.ok(await window.evaluate(() => document.documentElement.scrollWidth <= innerWidth), "nothing is cut off at 360 px");
  }
  await own.getByRole("button", { name: "Sign out" }).click();
  await own.getByRole("heading", { name: "Sign in" }).waitFor();
  await assertAccessible(own, "sign in");
  await browser.close();
});

test("axe-core finds nothing in the player of pages, files and videos", async () => {
  const asset = (name) => upload(name, readFileSync(`${process.env.ASSETS}/${name}`));
  const captions = { kind: "captions", language: "en", upload_id: await asset("fire-extinguisher.en.vtt") };
  const contents = [
    await addContent("page", { format: "markdown", text: "# Fire doors\n\nKeep them shut." }),
    await addContent("file", { upload_id: await asset("alarm.pdf") }),
    await addContent("video", { upload_id: await asset("fire-extinguisher.webm"), tracks: [captions] }),
  ];
  const learner = await Learner.enrolled(await addCourse(...contents));
  const browser = await device();
  const window = await browser.newPage();
  for (const activity of learner.activities) {
    await window.goto(`${await learner.launch(activity)}?return=${encodeURIComponent(process.env.PORTAL)}`);
    await assertAccessible(window, window.url(), [["iframe"]]);
    assert.equal(await window.getByRole("link", { name: "Back to the course" }).getAttribute("href"), `${process.env.PORTAL}/`);
  }
  await browser.close();
});

test("a session goes on when the page loads again or the token ends, and ends with a sign-out anywhere", async () => {
  const learner = await Person.added();
  const browser = await device();
  const window = await signedIn(browser, learner);
  const refused = { status: 401, headers: { "access-control-allow-origin": process.env.PORTAL } };
  await window.route("**/v1/me", (route) => route.fulfill(refused), { times: 1 });
  const renewed = window.waitForResponse((answer) => answer.url().endsWith("/oauth/token") && answer.ok());
  await window.reload();
  await renewed;
  await window.getByRole("heading", { name: "My courses" }).waitFor();
  assert.equal(await window.evaluate(() => sessionStorage.length), 0, "a copied tab finds no tokens");

  await request("DELETE", `/v1/users/${learner.user.id}/sessions`);
  // A page that was loading may have noticed already.
  await window.evaluate(() => { location.hash = "#/certificates"; });
  await window.getByRole("heading", { name: "Sign in" }).waitFor();
  await window.getByLabel("Username").fill(learner.username);
  await window.getByLabel("Password").fill("another one");
  await window.getByRole("button", { name: "Sign in", exact: true }).click();
  await window.getByRole("alert").getByText(/password/).waitFor();
  await browser.close();
});

test("in a window of its own the player keeps what it could not send, which replaces nothing that a later launch stored", async () => {
  const learner = await Learner.enrolled(course);
  const [one, other] = [await device(), await device()];
  /** Launches it on a device; answers the window, and the content that shows this place. */
  async function launched(context, place) {
    const window = await context.newPage();
    await window.goto(await learner.launch());
    const content = await frameOf(window, "index.html");
    assert.equal(await content.textContent("#place"), place);
    return [window, content];
  }
  const [left, content] = await launched(one, "Page 0, ab-initio");
  await closingOffline(left, () => content.click("#next"));
  const [again, resumed] = await launched(one, "Page 1, resume");
  await closingOffline(again, () => resumed.click("#next"));

  const [later, newer] = await launched(other, "Page 1, resume");
  await newer.click("#next");
  const saved = later.waitForResponse((answer) => answer.request().postData()?.includes('"page 3"'));
  await newer.click("#next");
  await saved;
  await launched(one, "Page 3, resume");
  await one.close();
  await other.close();
});

test("people sign in through an OpenID provider", async (t) => {
  const { OpenIdProvider, PROVOST } = await import(`${process.env.SSO_FOLDER}/provider.mjs`);
  const provider = await OpenIdProvider.start(process.env.PROVOST_URL);
  t.after(() => provider.stop());
  const name = unique();
  const subject = provider.add({ preferred_username: name, given_name: "Noa", family_name: "Levi", email: `${name}@example.com` });
  await request("POST", "/v1/identity-providers", {
    code: name,
    name: `Account ${name}`,
    issuer: provider.issuer,
    client_id: PROVOST.id,
    client_secret: PROVOST.secret,
    redirect_uris: [`${process.env.PORTAL}/`],
    creates_people: true,
    mapping: {
      username: { column: "preferred_username" },
      given_name: { column: "given_name" },
      family_name: { column: "family_name" },
    },
  });
  const browser = await device();
  const window = await browser.newPage();
  await window.goto(`${process.env.PORTAL}/#/certificates`);
  await window.getByRole("button", { name: `Sign in with Account ${name}` }).click();
  await window.locator("input[name=login]").fill(subject);
  await window.keyboard.press("Enter");
  await window.getByText("Noa Levi").waitFor();
  await window.getByRole("heading", { name: "Certificates" }).waitFor();
  await browser.close();
});
