// What the player says to the learner, and to the front end that holds it in a frame.

const place = document.getElementById("notice");

/** Says something that matters; nothing, to take it back. */
export function say(text) {
  if (place && place.textContent !== text) place.textContent = text;
}

/** Tells the front end. It holds nothing secret: every page that may hold this one in a frame gets it. */
export function tell(event, more = {}) {
  const message = { source: "provost", event, ...more };
  if (window.parent !== window) window.parent.postMessage(message, "*");
  else if (window.opener) window.opener.postMessage(message, "*");
}

// In a frame, the front end leads the learner back; in a window of its own, the link does.
const back = document.getElementById("back");
back?.addEventListener("click", (event) => {
  if (window.parent === window) return;
  event.preventDefault();
  tell("back", { url: back.href });
});
