// The runtime of SCORM 2004, found among the windows above this one.
function find(from) {
  for (let level = from, depth = 0; level && depth < 10; level = level.parent === level ? null : level.parent, depth += 1) {
    if (level.API_1484_11) return level.API_1484_11;
  }
  return from.opener ? find(from.opener) : null;
}

const api = find(window);
const get = (element) => (api ? api.GetValue(element) : "");
const set = (element, value) => api && api.SetValue(element, String(value));
if (api) api.Initialize("");
if (get("cmi.completion_status") === "unknown") set("cmi.completion_status", "incomplete");

window.addEventListener("pagehide", () => {
  if (!api) return;
  set("cmi.exit", get("cmi.completion_status") === "completed" ? "normal" : "suspend");
  api.Terminate("");
});
