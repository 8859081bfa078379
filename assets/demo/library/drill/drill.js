// Three questions by SCORM 1.2: a bookmark after each, a score and a status at the end.
const steps = [
  { question: "The alarm rings. What do you do first?", answers: ["Leave by the nearest exit", "Finish the mail", "Take the lift"] },
  { question: "The corridor is full of smoke. Where do you go?", answers: ["Another way, and low", "Through it, quickly", "Back to the desk"] },
  { question: "You are outside. And now?", answers: ["To the assembly point", "Home", "Back in for the coat"] },
];

function find(from) {
  for (let level = from, depth = 0; level && depth < 10; level = level.parent === level ? null : level.parent, depth += 1) {
    if (level.API) return level.API;
  }
  return from.opener ? find(from.opener) : null;
}

const api = find(window);
const get = (element) => (api ? api.LMSGetValue(element) : "");
const set = (element, value) => api && api.LMSSetValue(element, String(value));
if (api) api.LMSInitialize("");

let [at, right] = (get("cmi.suspend_data") || "0,0").split(",").map(Number);
if (get("cmi.core.lesson_status") === "not attempted") set("cmi.core.lesson_status", "incomplete");

function show() {
  const step = steps[at];
  document.getElementById("progress").textContent = step ? `Step ${at + 1} of ${steps.length}` : "The end";
  document.getElementById("question").textContent = step ? step.question : `${right} of ${steps.length} right.`;
  const answers = document.getElementById("answers");
  answers.replaceChildren();
  for (const [index, text] of (step ? step.answers : []).entries()) {
    const button = document.createElement("button");
    button.textContent = text;
    button.addEventListener("click", () => answer(index === 0));
    answers.append(button);
  }
  document.getElementById("question").focus();
}

function answer(isRight) {
  right += isRight ? 1 : 0;
  at += 1;
  document.getElementById("told").textContent = isRight ? "Right." : "No: think of the safest way.";
  set("cmi.suspend_data", `${at},${right}`);
  set("cmi.core.lesson_location", at);
  if (at === steps.length) {
    const score = Math.round((100 * right) / steps.length);
    set("cmi.core.score.min", 0);
    set("cmi.core.score.max", 100);
    set("cmi.core.score.raw", score);
    set("cmi.core.lesson_status", score >= 60 ? "passed" : "failed");
  }
  if (api) api.LMSCommit("");
  show();
}

window.addEventListener("pagehide", () => {
  if (!api) return;
  if (at < steps.length) set("cmi.core.exit", "suspend");
  api.LMSFinish("");
});
show();
