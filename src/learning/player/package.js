// Plays SCORM packages: the data model is scorm-again's, the way to the server is ours (transport.js).

import { say, tell } from "./notice.js";
import { bytesOf, decode, encode } from "./text.js";
import { Transport } from "./transport.js";

const MOST_SUSPEND_DATA = 1 << 20;
const stage = document.getElementById("stage");
const nav = document.getElementById("parts");

let state;
let transport;
let current = null;
/** What of it could not be saved. */
let refusal = "";
/** Shows the page after the last part again, while that is what is shown. */
let showEnd = null;

async function load() {
  const answer = await fetch("_/state", { cache: "no-store" });
  if (!answer.ok) {
    const problem = await answer.json().catch(() => ({}));
    throw new Error(problem.detail ?? "The server does not answer. Reload the page to try again.");
  }
  const told = await answer.json();
  for (const { elements } of Object.values(told.items)) {
    for (const [name, value] of Object.entries(elements)) elements[name] = decode(value);
  }
  return told;
}

function heard(event, detail) {
  if (event === "saved") {
    if (detail.is_over) {
      state.is_over = true;
      state.mode = "review";
    }
    if (transport.isEmpty) {
      say(refusal);
      showEnd?.();
    }
    tell("saved", { state: detail.state ?? undefined, report: detail.report ?? undefined });
  } else if (event === "unsaved") {
    say("Your progress is not saved: there is no connection. It is kept in this browser and sent as soon as possible.");
    tell("unsaved");
  } else if (event === "refused") {
    const faults = (detail.errors ?? []).map((fault) => fault.detail).join(" ");
    refusal = `Part of your progress could not be saved: ${faults || detail.detail || "the server refused it"}`;
    say(refusal);
    tell("refused", { detail: detail.detail });
  } else if (event === "stopped") {
    stop(detail.detail ?? "This window is no longer in use.");
    tell(detail.code ?? "stopped");
  }
}

/** Ends here: another window took over, or the launch is over. */
function stop(text) {
  current = null;
  showEnd = null;
  window.API = undefined;
  window.API_1484_11 = undefined;
  nav.hidden = true;
  say("");
  message(text);
}

function message(text) {
  const place = document.createElement("div");
  place.className = "end";
  place.tabIndex = -1;
  const words = document.createElement("p");
  words.textContent = text;
  place.append(words);
  stage.replaceChildren(place);
  place.focus();
  return place;
}

const opened = () => state.parts.filter((part) => part.href);

function time12(seconds) {
  const two = (number) => String(number).padStart(2, "0");
  return `${String(Math.floor(seconds / 3600)).padStart(4, "0")}:${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}`;
}

const lesson = () => ({
  mode: state.mode === "review" ? "review" : "normal",
  credit: state.mode === "review" ? "no-credit" : "credit",
});

/** What a part finds when it opens, by the names of SCORM 1.2. */
function start12(part, stored) {
  const { mode, credit } = lesson();
  const elements = { ...stored.elements };
  delete elements["cmi.core.session_time"];
  delete elements["cmi.core.exit"];
  delete elements["cmi.suspend_data"];
  const has = Object.keys(stored.elements).length > 0;
  return {
    ...elements,
    "cmi.core.student_id": state.learner_id,
    "cmi.core.student_name": state.learner_name,
    "cmi.core.credit": credit,
    "cmi.core.lesson_mode": mode,
    "cmi.core.entry": has ? "resume" : "ab-initio",
    "cmi.core.total_time": time12(stored.total_seconds),
    "cmi.launch_data": part.launch_data ?? "",
    "cmi.student_data.mastery_score": part.rules.mastery_score === null ? "" : String(part.rules.mastery_score),
    "cmi.student_data.max_time_allowed": part.max_time_allowed ?? "",
    "cmi.student_data.time_limit_action": part.time_limit_action ?? "",
  };
}

/** The same for SCORM 2004. */
function start2004(part, stored) {
  const { mode, credit } = lesson();
  const elements = { ...stored.elements };
  delete elements["cmi.session_time"];
  delete elements["cmi.exit"];
  delete elements["cmi.suspend_data"];
  const has = Object.keys(stored.elements).length > 0;
  const start = {
    ...elements,
    "cmi.learner_id": state.learner_id,
    "cmi.learner_name": state.learner_name,
    "cmi.credit": credit,
    "cmi.mode": mode,
    "cmi.entry": has ? "resume" : "ab-initio",
    "cmi.total_time": `PT${stored.total_seconds}S`,
    "cmi.launch_data": part.launch_data ?? "",
  };
  const optional = {
    "cmi.completion_threshold": part.rules.completion_threshold,
    "cmi.scaled_passing_score": part.rules.scaled_passing_score,
    "cmi.max_time_allowed": part.max_time_allowed,
    "cmi.time_limit_action": part.time_limit_action,
  };
  for (const [name, value] of Object.entries(optional)) {
    if (value !== null && value !== undefined) start[name] = String(value);
  }
  part.objectives.forEach((id, place) => (start[`cmi.objectives.${place}.id`] ??= id));
  return start;
}

const STANDARDS = {
  scorm_12: {
    module: "./scorm12.min.js",
    api: "Scorm12API",
    place: "API",
    start: start12,
    set: "LMSSetValue",
    get: "LMSGetValue",
    initialize: "LMSInitialize",
    finish: "LMSFinish",
    statuses: ["cmi.core.lesson_status"],
  },
  scorm_2004: {
    module: "./scorm2004.min.js",
    api: "Scorm2004API",
    place: "API_1484_11",
    start: start2004,
    set: "SetValue",
    get: "GetValue",
    initialize: "Initialize",
    finish: "Terminate",
    statuses: ["cmi.completion_status", "cmi.success_status"],
  },
};

/** Suspend data are too long: the learner, the front end and, by a commit that the server refuses, the log of the launch hear of it. */
function refuseLong(part) {
  const detail = "This content wants to store more than 1 MiB: it was not saved. Tell the person who is responsible for the course.";
  say(detail);
  tell("refused", { detail });
  if (state.mode === "review") return;
  const change = { element: "cmi.suspend_data", value: "x".repeat(MOST_SUSPEND_DATA + 1), seq: transport.seq };
  const body = JSON.stringify({ item: part.id, changes: [change] });
  fetch("_/commit", { method: "POST", headers: { "Content-Type": "application/json" }, body }).catch(() => {});
}

/** The API that a part finds, which passes on what it stores. */
function interfaceOf(standard, Api, part) {
  const stored = state.items[part.id] ?? { elements: {}, total_seconds: 0 };
  const api = new Api({
    autocommit: false,
    lmsCommitUrl: false,
    logLevel: 5,
    autoCompleteLessonStatus: true,
    mastery_override: true,
    courseId: state.attempt_id,
    scoId: part.id,
  });
  api.loadFromFlattenedJSON(standard.start(part, stored), "");
  const writes = state.mode !== "review";
  const put = (element, value, isUrgent) => {
    stored.elements[element] = value;
    if (writes) transport.set(part.id, element, value, isUrgent);
  };
  state.items[part.id] = stored;
  const set = api[standard.set].bind(api);
  const get = api[standard.get].bind(api);
  const finish = api[standard.finish].bind(api);
  let isOpen = false;
  api[standard.initialize] = ((initialize) => (parameter) => {
    const answer = initialize(parameter);
    isOpen = isOpen || answer === "true";
    return answer;
  })(api[standard.initialize].bind(api));
  // The library has less room for it than we have.
  api[standard.set] = (element, value) => {
    const text = value === undefined || value === null ? "" : String(value);
    if (element === "cmi.suspend_data" && isOpen) {
      if (bytesOf(encode(text)) > MOST_SUSPEND_DATA) {
        refuseLong(part);
        // The library refuses it, too, and sets the error that the package may ask for.
        return set(element, text);
      }
      set(element, text.slice(0, 1000));
      put(element, text, true);
      return "true";
    }
    const answer = set(element, value);
    if (answer === "true" && typeof element === "string" && element.startsWith("cmi.")) put(element, text, false);
    return answer;
  };
  api[standard.get] = (element) => {
    const answer = get(element);
    if (element !== "cmi.suspend_data" || !isOpen) return answer;
    return stored.elements[element] ?? "";
  };
  api[standard.finish] = (parameter) => {
    const wasOpen = isOpen;
    isOpen = false;
    const answer = finish(parameter);
    if (!wasOpen || !writes) return answer;
    // What the library worked out at the end, such as passed by the mastery score.
    for (const element of standard.statuses) {
      const value = String(element.split(".").slice(1).reduce((at, name) => at?.[name], api.cmi) ?? "");
      const isWord = value !== "" && value !== "unknown" && value !== "not attempted";
      if (isWord && value !== (stored.elements[element] ?? "")) put(element, value, false);
    }
    transport.end(part.id);
    finished(part);
    return answer;
  };
  if (state.standard === "scorm_2004") {
    api.on("SequenceNext", () => follow(part, 1));
    api.on("SequencePrevious", () => follow(part, -1));
  }
  return api;
}

/** What a package asks for when it ends. */
let wanted = 0;

function follow(part, direction) {
  if (current === part) wanted = direction;
}

/** A part ended by itself. It may still be running; what comes next is shown when it is done. */
function finished(part) {
  const direction = wanted;
  wanted = 0;
  setTimeout(() => {
    if (current !== part) return;
    const parts = opened();
    const next = parts[parts.indexOf(part) + (direction || 1)];
    if (direction !== 0 && next) {
      open(next);
      return;
    }
    current = null;
    marked(null);
    const goesOn = parts.length > 1 && next && !part.hidden_controls.includes("continue");
    showEnd = () => {
      const place = message(lastWords(parts.length > 1));
      if (state.is_over && !goesOn) return;
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = goesOn ? `Next: ${next.title}` : "Open again";
      button.addEventListener("click", () => (goesOn ? open(next) : location.reload()));
      place.append(button);
    };
    showEnd();
    tell("ended");
  }, 500);
}

/** What the learner reads after the end of a part. */
function lastWords(isOneOfMany) {
  if (state.is_over) return "This attempt is over. Open it again from the course.";
  if (isOneOfMany) return "This part is finished.";
  return transport.isEmpty ? "You have left this content. Your progress is saved." : "You have left this content.";
}

let Api;

function open(part) {
  const standard = STANDARDS[state.standard];
  const frame = document.createElement("iframe");
  frame.title = part.title;
  frame.allow = "autoplay; fullscreen";
  // The part before says its last words while its frame goes.
  stage.replaceChildren();
  showEnd = null;
  current = part;
  window[standard.place] = interfaceOf(standard, Api, part);
  if (!/^[a-z][a-z0-9+.-]*:/i.test(part.href)) frame.src = `p/${part.href}`;
  else frame.src = part.href;
  stage.append(frame);
  marked(part);
  // What only shows something is done when it is opened.
  if (part.is_asset && part.reports && state.mode !== "review") {
    transport.set(part.id, standard.statuses[0], "completed", true);
  }
}

function contents() {
  const shown = state.parts.filter((part) => part.is_visible !== false);
  if (opened().length < 2) return;
  const list = document.createElement("ol");
  for (const part of shown) {
    const entry = document.createElement("li");
    if (part.href) {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = part.title;
      button.dataset.part = part.id;
      button.addEventListener("click", () => open(part));
      entry.append(button);
    } else {
      entry.className = "heading";
      entry.textContent = part.title;
    }
    list.append(entry);
  }
  nav.replaceChildren(list);
  nav.hidden = false;
}

function marked(part) {
  for (const button of nav.querySelectorAll("button")) {
    if (part && button.dataset.part === part.id) button.setAttribute("aria-current", "true");
    else button.removeAttribute("aria-current");
  }
}

async function begin() {
  state = await load();
  transport = new Transport(state.attempt_id, state.seq, heard);
  if (state.mode !== "review" && !transport.isEmpty) {
    // An earlier launch could not send all.
    await transport.replay();
    if (transport.isStopped) return;
    state = await load();
    transport.seq = Math.max(transport.seq, state.seq);
  }
  if (state.is_over) {
    transport.close();
    say("This attempt is over: nothing more is recorded. Open it again from the course.");
  }
  // A review sends nothing: the next launch that records does.
  transport.isStopped = state.mode === "review";
  const standard = STANDARDS[state.standard];
  Api = (await import(standard.module))[standard.api];
  contents();
  const parts = opened();
  const last = parts.find((part) => part.id === state.last_item);
  if (parts.length === 0) message("This package has nothing to open.");
  else open(last ?? parts[0]);
  tell("opened", { launch_id: state.launch_id, mode: state.mode });
}

begin().catch((error) => message(error.message));
