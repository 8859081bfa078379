// What the API says in codes, in words for people.
import type { Activity, Enrollment, Requirement } from "./api";

export function day(date: string) {
  return new Intl.DateTimeFormat("en", { dateStyle: "long", timeZone: "UTC" }).format(new Date(date));
}

/** Whole days from a date until today. */
export function daysSince(date: string) {
  return Math.floor((Date.now() - Date.parse(date)) / 86_400_000);
}

export const minutes = (count: number) => (count === 1 ? "one minute" : `${count} minutes`);

export function enrollmentState({ state, progress_percent }: Pick<Enrollment, "state" | "progress_percent">) {
  const words: Record<Enrollment["state"], string> = {
    pending_approval: "Waits for approval",
    waitlisted: "On the waiting list",
    enrolled: "Not begun",
    in_progress: progress_percent ? `${progress_percent} % done` : "Begun",
    completed: "Completed",
    failed: "Not passed",
    withdrawn: "Withdrawn",
    expired: "Ran out",
    denied: "Denied",
  };
  return words[state];
}

export function due({ status, due_on, opens_on }: Requirement) {
  if (status === "upcoming") return `Opens on ${day(opens_on)}`;
  return due_on ? `Due by ${day(due_on)}` : "No due date";
}

export function activityState({ state, progress_percent, score, declared_as, is_tracked }: Activity) {
  if (!is_tracked) return "";
  const words: Record<Activity["state"], string> = {
    not_started: "Not begun",
    in_progress: progress_percent ? `Begun, ${progress_percent} %` : "Begun",
    completed: declared_as ? `Confirmed as ${declared_as}` : "Completed",
    failed: "Not passed",
  };
  return typeof score === "number" ? `${words[state]}, score ${Math.round(score)}` : words[state];
}

/** What completes an activity, where that is not plain. */
export function criterion({ criterion }: Activity) {
  switch (criterion?.kind) {
    case "watched":
      return `Watch ${criterion.percent} % of it.`;
    case "passed":
      return `Reach a score of ${criterion.score}.`;
    case "confirmed":
      return "Your instructor confirms it.";
    default:
      return "";
  }
}
