// The portal: which page is shown. Addresses are hashes, so that any server of files will do.
import { render } from "preact";
import { useEffect, useState } from "preact/hooks";

import { api, ask, type Me } from "./api";
import { Certificates } from "./pages/certificates";
import { CoursePage } from "./pages/course";
import { Courses } from "./pages/courses";
import { SignIn } from "./pages/sign_in";
import { Team } from "./pages/team";
import { Loaded, useLoaded } from "./parts";
import { comeBack, isSignedIn, onChange, signOut } from "./session";
import "./style.css";

const place = () => location.hash.replace(/^#/, "") || "/courses";

function Portal({ problem }: { problem: string | null }) {
  const [path, setPath] = useState(place());
  const [signedIn, setSignedIn] = useState(isSignedIn());
  useEffect(() => {
    onChange(() => setSignedIn(isSignedIn()));
    addEventListener("hashchange", () => setPath(place()));
  }, []);
  return signedIn ? <Inside path={path} /> : <SignIn problem={problem} />;
}

/** Managers hold the permission for more people than themselves. */
const leads = (me: Me) =>
  me.permissions.some((held) => held.permission === "requirements.read" && held.scopes.some((scope) => scope.kind !== "self"));

function Inside({ path }: { path: string }) {
  const me = useLoaded(() => ask(api.GET("/v1/me")), []);
  return (
    <Loaded loaded={me}>
      {(me) => (
        <>
          <header>
            <nav aria-label="Portal">
              <Entry to="/courses" at={path} text="My courses" />
              <Entry to="/certificates" at={path} text="Certificates" />
              {leads(me) && <Entry to="/team" at={path} text="My team" />}
            </nav>
            <p>
              {me.name}{" "}
              <button type="button" onClick={signOut}>
                Sign out
              </button>
            </p>
          </header>
          <Shown path={path} me={me} />
        </>
      )}
    </Loaded>
  );
}

function Entry({ to, at, text }: { to: string; at: string; text: string }) {
  return (
    <a href={`#${to}`} aria-current={at.startsWith(to) ? "page" : undefined}>
      {text}
    </a>
  );
}

function Shown({ path, me }: { path: string; me: Me }) {
  const [, page, id] = path.split("/");
  if (page === "certificates") return <Certificates me={me} />;
  if (page === "team") return <Team me={me} />;
  if (id) return <CoursePage key={id} id={id} me={me} />;
  return <Courses me={me} />;
}

const problem = await comeBack().then(
  () => null,
  (error: Error) => error.message,
);
render(<Portal problem={problem} />, document.getElementById("portal")!);
