// Six letters: a bookmark and the answers so far after each, a score at the end.
const letters = [
  { text: "From: payroll@halcyon-w0rks.example. Confirm your account within the hour, or no salary this month.", isTrap: true },
  { text: "From: canteen@halcyonworks.example. The menu of next week.", isTrap: false },
  { text: "From: it-service@halcyonworks.example. We need your password to move your mailbox.", isTrap: true },
  { text: "From: your shift lead, by the usual chat. Can you take Friday's early shift?", isTrap: false },
  { text: "From: parcel service. Your parcel waits: sign in with your work account to see where.", isTrap: true },
  { text: "From: training@halcyonworks.example. You have a course to finish; it is in the portal, as always.", isTrap: false },
];

let [at, right] = (get("cmi.suspend_data") || "0,0").split(",").map(Number);

function show() {
  const letter = letters[at];
  document.getElementById("progress").textContent = letter ? `Letter ${at + 1} of ${letters.length}` : "The end";
  document.getElementById("letter").textContent = letter ? letter.text : `${right} of ${letters.length} right.`;
  document.getElementById("answers").hidden = !letter;
  document.getElementById("letter").focus();
}

function decide(reports) {
  const isRight = reports === letters[at].isTrap;
  right += isRight ? 1 : 0;
  at += 1;
  document.getElementById("told").textContent = isRight ? "Right." : "No: look at the sender, and at what they want.";
  set("cmi.suspend_data", `${at},${right}`);
  set("cmi.location", at);
  set("cmi.progress_measure", at / letters.length);
  if (at === letters.length) {
    const share = right / letters.length;
    set("cmi.score.min", 0);
    set("cmi.score.max", 100);
    set("cmi.score.raw", Math.round(100 * share));
    set("cmi.score.scaled", share.toFixed(4));
    set("cmi.success_status", share >= 0.6 ? "passed" : "failed");
    set("cmi.completion_status", "completed");
  }
  if (api) api.Commit("");
  show();
}

document.getElementById("report").addEventListener("click", () => decide(true));
document.getElementById("answer").addEventListener("click", () => decide(false));
show();
