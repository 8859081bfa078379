// My certificates, as files and as addresses that prove them.
import { useState } from "preact/hooks";

import { all, api, ask, type Me } from "../api";
import { Doing, Facts, Loaded, Page, Problem, useLoaded } from "../parts";
import { day } from "../words";

function load(me: Me) {
  return all((cursor) => {
    const query = { filter: `user_id eq "${me.id}" and state ne "superseded"`, limit: 200, cursor };
    return ask(api.GET("/v1/certificates", { params: { query } }));
  });
}

/** A link cannot carry the token: the file is fetched, and saved from memory. */
async function download(certificate_id: string, name: string) {
  const answer = api.GET("/v1/certificates/{certificate_id}/file", { params: { path: { certificate_id } }, parseAs: "blob" });
  const link = document.createElement("a");
  link.href = URL.createObjectURL((await ask(answer)) as unknown as Blob);
  link.download = `${name}.pdf`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

export function Certificates({ me }: { me: Me }) {
  const loaded = useLoaded(() => load(me), [me.id]);
  const [problem, setProblem] = useState<string | null>(null);
  return (
    <Page title="Certificates">
      <Problem text={problem} />
      <Loaded loaded={loaded}>
        {(certificates) => (
          <>
            {certificates.length === 0 && <p>You have no certificates yet. They come with the courses that you complete.</p>}
            <ul class="cards">
              {certificates.map(({ id, shown, state, valid_until }) => (
                <li key={id}>
                  <h2>{shown.course}</h2>
                  <Facts>
                    {`Completed on ${day(shown.completed_on)}`}
                    {valid_until && `${state === "expired" ? "Expired on" : "Valid until"} ${day(valid_until)}`}
                    {state === "revoked" && <strong class="late">Revoked</strong>}
                  </Facts>
                  <Doing onClick={() => download(id, shown.course)} onProblem={setProblem}>
                    Download: {shown.course}
                  </Doing>{" "}
                  <a href={shown.verification_url}>Verify: {shown.course}</a>
                </li>
              ))}
            </ul>
          </>
        )}
      </Loaded>
    </Page>
  );
}
