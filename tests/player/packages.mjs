// Small packages: one page with a button to go on, one to pass, one to leave.
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
