// The player in a frame, and what it tells.
import { useEffect, useRef, useState } from "preact/hooks";

import type { Activity, Launch } from "../api";

interface Shown {
  activity: Activity;
  launch: Launch;
  /** The activity's state may have changed. */
  onSaved: () => void;
  onClose: () => void;
}

const WORDS: Record<string, string> = {
  unsaved: "There is no connection. What you do is kept in this browser and sent later.",
  refused: "Part of your progress could not be saved.",
  ended: "You have left this content.",
  launch_superseded: "This was opened again elsewhere: go on there.",
  launch_ended: "This page is no longer valid. Close it and open it again.",
};

/** Where browsers allow the player no storage, we keep what it could not send, and hand it over at the next launch. */
const journalKey = (launch: Launch) => `provost.journal.${launch.attempt_id}`;

function keepJournal(launch: Launch, journal: string | null) {
  if (journal) localStorage.setItem(journalKey(launch), journal);
  else localStorage.removeItem(journalKey(launch));
}

export function Player({ activity, launch, onSaved, onClose }: Shown) {
  const frame = useRef<HTMLIFrameElement>(null);
  const heading = useRef<HTMLHeadingElement>(null);
  const [journal] = useState(() => localStorage.getItem(journalKey(launch)) ?? "");
  const [told, setTold] = useState("");

  useEffect(() => heading.current?.focus(), []);
  useEffect(() => {
    function hear({ source, origin, data }: MessageEvent) {
      if (source !== frame.current?.contentWindow || origin !== new URL(launch.url).origin) return;
      if (data?.source !== "provost") return;
      if (data.event === "back") return onClose();
      if (data.event === "journal") return keepJournal(launch, data.journal);
      if (data.event === "saved") {
        setTold(data.state === "completed" ? "Completed." : "");
        if (data.state) onSaved();
      }
      const words = WORDS[data.event];
      if (words) setTold(words);
    }
    addEventListener("message", hear);
    return () => removeEventListener("message", hear);
  }, [launch, onSaved, onClose]);

  return (
    <section aria-labelledby="opened">
      <div class="bar">
        <h2 id="opened" ref={heading} tabIndex={-1}>
          {activity.title}
        </h2>
        <button type="button" onClick={onClose}>
          Close
        </button>
      </div>
      <p role="status">{told}</p>
      <iframe ref={frame} name={journal} src={launch.url} title={activity.title} allow="autoplay; fullscreen" />
    </section>
  );
}
