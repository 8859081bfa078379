// "Read and understood": the learner confirms a text with their name.
import { useState } from "preact/hooks";

import { api, ask, type Activity } from "../api";
import { Problem, textOf } from "../parts";

interface Declared {
  path: { enrollment_id: string; activity_id: string };
  activity: Activity;
  name: string;
  onDone: () => Promise<void>;
}

export function Declaration({ path, activity, name, onDone }: Declared) {
  const [problem, setProblem] = useState<string | null>(null);
  const { criterion } = activity;
  if (criterion?.kind !== "declared" || activity.state === "completed") return null;

  async function submit(event: SubmitEvent) {
    event.preventDefault();
    const form = new FormData(event.currentTarget as HTMLFormElement);
    setProblem(null);
    try {
      const body = { name: String(form.get("name")) };
      await ask(api.POST("/v1/enrollments/{enrollment_id}/activities/{activity_id}/declarations", { params: { path }, body }));
      await onDone();
    } catch (error) {
      setProblem(textOf(error));
    }
  }

  return (
    <form onSubmit={submit}>
      <p>{criterion.text}</p>
      <label>
        Your name
        <input name="name" autocomplete="name" placeholder={name} required maxLength={200} />
      </label>
      <button>Confirm</button>
      <Problem text={problem} />
    </form>
  );
}
