// Sign in: with a password, or with an account elsewhere.
import { useState } from "preact/hooks";

import { Doing, Page, Problem, textOf, useLoaded } from "../parts";
import { providers, signIn, signInWith } from "../session";

export function SignIn(props: { problem: string | null }) {
  const [problem, setProblem] = useState(props.problem);
  const offered = useLoaded(providers, []);

  async function submit(event: SubmitEvent) {
    event.preventDefault();
    const form = new FormData(event.currentTarget as HTMLFormElement);
    setProblem(null);
    await signIn(String(form.get("username")), String(form.get("password"))).catch((error) => setProblem(textOf(error)));
  }

  return (
    <Page title="Sign in">
      <Problem text={problem ?? offered.problem ?? null} />
      <form onSubmit={submit}>
        <label>
          Username
          <input name="username" autocomplete="username" autocapitalize="none" spellcheck={false} required />
        </label>
        <label>
          Password
          <input name="password" type="password" autocomplete="current-password" required />
        </label>
        <button>Sign in</button>
      </form>
      {offered.data?.map((provider) => (
        <p key={provider.code}>
          <Doing onClick={() => signInWith(provider.code)} onProblem={setProblem}>
            Sign in with {provider.name}
          </Doing>
        </p>
      ))}
    </Page>
  );
}
