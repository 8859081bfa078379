// Plays a video: goes on where the learner left, and tells the server what was watched.

import { say, tell } from "./notice.js";

const EVERY = 5000;
const video = document.getElementById("video");
const writes = video.dataset.mode !== "review";

/** Whole seconds that were played since the last message. */
let seconds = new Set();
let last = null;
let isStopped = false;

video.addEventListener("loadedmetadata", () => {
  const position = Number(video.dataset.position);
  if (position > 0 && position < video.duration - 5) video.currentTime = position;
  tell("opened", { mode: video.dataset.mode });
});

/** The seconds from `last` to `now` are over. */
function played(now) {
  for (let second = Math.floor(last); second < Math.floor(now) && second < video.duration; second += 1) seconds.add(second);
}

video.addEventListener("timeupdate", () => {
  const now = video.currentTime;
  if (!video.paused && !video.seeking && last !== null && now >= last && now - last < 3) played(now);
  last = now;
});
video.addEventListener("ended", () => {
  if (last !== null) played(video.currentTime);
});
for (const event of ["seeking", "waiting"]) video.addEventListener(event, () => (last = null));

function ranges(told) {
  const found = [];
  for (const second of [...told].sort((one, other) => one - other)) {
    const before = found[found.length - 1];
    if (before && before.to === second) before.to = second + 1;
    else found.push({ from: second, to: second + 1 });
  }
  return found.slice(0, 200);
}

async function send(isLeaving = false) {
  if (!writes || isStopped || (seconds.size === 0 && !isLeaving)) return;
  const told = seconds;
  seconds = new Set();
  const body = JSON.stringify({
    ranges: ranges(told),
    position: Math.floor(video.currentTime),
    duration: Number.isFinite(video.duration) ? Math.max(1, Math.floor(video.duration)) : null,
  });
  try {
    const answer = await fetch("_/watched", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body,
      keepalive: true,
    });
    const detail = await answer.json();
    if (answer.ok) {
      // More than there was time for at twice the speed: it is sent again, and counts as time goes by.
      if (!detail.is_counted) for (const second of told) seconds.add(second);
      say(detail.is_counted ? "" : "You watch faster than at twice the speed. It counts as time goes by: leave this page open.");
      tell("saved", { state: detail.state, percent: detail.percent });
    } else if (answer.status === 410 || answer.status === 409) {
      isStopped = true;
      say(detail.detail);
      tell(detail.code);
    } else {
      // It may be taken later: the server is busy.
      for (const second of told) seconds.add(second);
      say(`What you watched is not saved yet: ${detail.detail}`);
    }
  } catch {
    for (const second of told) seconds.add(second);
    say("What you watched is not saved: there is no connection. It is sent as soon as there is one, while this page is open.");
    tell("unsaved");
  }
}

setInterval(send, EVERY);
for (const event of ["pause", "ended"]) video.addEventListener(event, () => send(true));
addEventListener("pagehide", () => send(true));
addEventListener("online", () => send(true));
