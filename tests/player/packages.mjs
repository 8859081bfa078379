// Packages to take: small ones, of one page with a button to go on, one to pass and one to leave; and real ones, where they are.
import { existsSync, readFileSync } from "node:fs";

import { frameOf } from "./portal.mjs";
import { zip } from "./zip.mjs";

const page = (script) => `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Fire doors</title></head>
<body><h1>Fire doors</h1><p id="place"></p>
<button id="next">Next</button><button id="pass">Pass</button><button id="leave">Leave</button>
<script>${script}</script></body></html>`;

const SCRIPT_12 = `
let at = window; while (!at.API && at !== at.parent) at = at.parent;
const api = at.API;
api.LMSInitialize("");
let place = Number(api.LMSGetValue("cmi.core.lesson_location") || 0);
document.getElementById("place").textContent = "Page " + place + ", " + api.LMSGetValue("cmi.core.entry");
if (api.LMSGetValue("cmi.core.lesson_status") === "not attempted") api.LMSSetValue("cmi.core.lesson_status", "incomplete");
document.getElementById("next").onclick = () => {
  place += 1;
  api.LMSSetValue("cmi.core.lesson_location", place);
  api.LMSSetValue("cmi.suspend_data", "page " + place);
  document.getElementById("place").textContent = "Page " + place;
};
document.getElementById("pass").onclick = () => { api.LMSSetValue("cmi.core.score.raw", 90); api.LMSSetValue("cmi.core.lesson_status", "passed"); };
document.getElementById("leave").onclick = () => { api.LMSFinish(""); };`;

const SCRIPT_2004 = `
let at = window; while (!at.API_1484_11 && at !== at.parent) at = at.parent;
const api = at.API_1484_11;
api.Initialize("");
let place = Number(api.GetValue("cmi.location") || 0);
document.getElementById("place").textContent = "Page " + place + ", " + api.GetValue("cmi.entry");
document.getElementById("next").onclick = () => {
  place += 1;
  api.SetValue("cmi.location", place);
  api.SetValue("cmi.suspend_data", "page " + place);
  document.getElementById("place").textContent = "Page " + place;
};
document.getElementById("pass").onclick = () => {
  api.SetValue("cmi.score.scaled", "0.9");
  api.SetValue("cmi.success_status", "passed");
  api.SetValue("cmi.completion_status", "completed");
};
document.getElementById("leave").onclick = () => { api.Terminate(""); };`;

/** @param {"1.2" | "2004 4th Edition"} version */
export function small(version) {
  const is12 = version === "1.2";
  const content = is12 ? "http://www.imsproject.org/xsd/imscp_rootv1p1p2" : "http://www.imsglobal.org/xsd/imscp_v1p1";
  const scorm = is12 ? "http://www.adlnet.org/xsd/adlcp_rootv1p2" : "http://www.adlnet.org/xsd/adlcp_v1p3";
  const type = is12 ? "scormtype" : "scormType";
  const manifest = `<?xml version="1.0" encoding="UTF-8"?>
<manifest identifier="small" version="1" xmlns="${content}" xmlns:adlcp="${scorm}">
  <metadata><schema>ADL SCORM</schema><schemaversion>${version}</schemaversion></metadata>
  <organizations default="all"><organization identifier="all"><title>Fire doors</title>
    <item identifier="one" identifierref="page"><title>Fire doors</title></item>
  </organization></organizations>
  <resources><resource identifier="page" type="webcontent" adlcp:${type}="sco" href="index.html"><file href="index.html"/></resource></resources>
</manifest>`;
  return zip({ "imsmanifest.xml": manifest, "index.html": page(is12 ? SCRIPT_12 : SCRIPT_2004) });
}

/** How a package is taken: `at` answers the page that it shows, `next` goes to the next one, `pass` to the end. */
const SMALL = {
  content: (window) => frameOf(window, "index.html"),
  at: async (content) => Number(/Page (\d+)/.exec(await content.textContent("#place"))[1]),
  next: (content) => content.click("#next"),
  pass: (content) => content.click("#pass"),
  score: 90,
};

/** "Golf" by Rustici Software: 14 pages, the last of which is a quiz. */
const GOLF = {
  content: (window) => frameOf(window, "launchpage.html"),
  at: async (content) => (await content.waitForFunction(() => typeof currentPage === "number" && { currentPage })).evaluate((at) => at.currentPage),
  next: (content) => content.click("#butNext"),
  async pass(content, window) {
    for (let page = await GOLF.at(content); page < 14; page += 1) await GOLF.next(content);
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
  },
  score: 100,
};

function golf(name) {
  const file = `${process.env.PROVOST_REAL_DATA ?? "."}/${name}`;
  return { name, ...GOLF, bytes: existsSync(file) ? readFileSync(file) : null };
}

export const PACKAGES = [
  { name: "a package of SCORM 1.2", ...SMALL, bytes: small("1.2") },
  { name: "a package of SCORM 2004", ...SMALL, bytes: small("2004 4th Edition") },
  golf("golf_scorm12.zip"),
  golf("golf_scorm2004.zip"),
];
