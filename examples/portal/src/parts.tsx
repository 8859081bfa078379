// What all pages are made of.
import type { ComponentChildren } from "preact";
import { useCallback, useEffect, useRef, useState } from "preact/hooks";

import { SignedOut } from "./session";

/** A page. Screen readers begin at its heading. */
export function Page({ title, lang, children }: { title: string; lang?: string; children: ComponentChildren }) {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => heading.current?.focus(), []);
  useEffect(() => {
    document.title = `${title} · Portal`;
  }, [title]);
  return (
    <main>
      <h1 ref={heading} tabIndex={-1} lang={lang}>
        {title}
      </h1>
      {children}
    </main>
  );
}

/** Short facts in a line; what is false or empty is left out. */
export function Facts({ children }: { children: ComponentChildren[] }) {
  const facts = children.filter((fact) => fact !== null && fact !== undefined && fact !== false && fact !== "");
  return <p>{facts.flatMap((fact, place) => (place > 0 ? [" · ", fact] : [fact]))}</p>;
}

/** What went wrong. */
export function Problem({ text }: { text: string | null }) {
  return <div role="alert">{text && <p class="problem">{text}</p>}</div>;
}

export const textOf = (error: unknown) =>
  error instanceof TypeError ? "There is no connection to the academy. Try again." : (error as Error).message;

/** What a page needs; `again` loads it once more, and shows what there was until then. */
export function useLoaded<T>(load: () => Promise<T>, inputs: unknown[]) {
  const [loaded, setLoaded] = useState<{ data?: T; problem?: string }>({});
  const latest = useRef(0);
  const again = useCallback(async () => {
    const turn = (latest.current += 1);
    const result = await load().then(
      (data) => ({ data }),
      (error) => (error instanceof SignedOut ? null : { problem: textOf(error) }),
    );
    if (result && turn === latest.current) setLoaded(result);
  }, inputs);
  useEffect(() => void again(), [again]);
  return { ...loaded, again };
}

/** What was loaded, or that it is not there yet, or why it is not. */
export function Loaded<T>(props: {
  loaded: { data?: T; problem?: string; again: () => void };
  children: (data: T) => ComponentChildren;
}) {
  const { data, problem, again } = props.loaded;
  if (problem !== undefined) {
    return (
      <>
        <Problem text={problem} />
        <button type="button" onClick={again}>
          Try again
        </button>
      </>
    );
  }
  return <>{data === undefined ? <p>Loading …</p> : props.children(data)}</>;
}

/** A button for what takes a moment: while it does, it is not done twice. */
export function Doing(props: { id?: string; onClick: () => Promise<void>; onProblem: (text: string | null) => void; children: ComponentChildren }) {
  const [isBusy, setBusy] = useState(false);
  async function click() {
    if (isBusy) return;
    setBusy(true);
    props.onProblem(null);
    await props.onClick().catch((error) => props.onProblem(textOf(error)));
    setBusy(false);
  }
  return (
    <button type="button" id={props.id} aria-disabled={isBusy} onClick={click}>
      {props.children}
    </button>
  );
}
