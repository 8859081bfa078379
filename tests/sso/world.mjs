// What each file of tests begins with: a provider of its own, known to Provost.
import { after } from "node:test";

import { Browser } from "./browser.mjs";
import { API, OpenIdProvider, PROVOST } from "./provider.mjs";
import { Provost } from "./provost.mjs";
import { SIGNED_IN } from "./surface.mjs";

/** A provider by the name of `code` and a group that its value `safety` means. */
export async function world(code, changes = {}) {
  const provost = await Provost.connect();
  const provider = await OpenIdProvider.start(provost.url);
  after(() => provider.stop());
  const group = await provost.post("/v1/groups", { code: `${code}-safety`, name: "Safety officers" });
  const { id } = await provost.addProvider({
    code,
    name: "Company account",
    issuer: provider.issuer,
    client_id: PROVOST.id,
    client_secret: PROVOST.secret,
    scopes: ["openid", "profile", "email", "groups"],
    redirect_uris: [SIGNED_IN],
    audiences: [API, "program"],
    creates_people: true,
    updates_people: true,
    mapping: {
      username: { column: "preferred_username", steps: [{ step: "lower" }] },
      email: { column: "email" },
      given_name: { column: "given_name" },
      family_name: { column: "family_name" },
    },
    groups_claim: "groups",
    groups: [{ value: "safety", group_id: group.id }],
    ...changes,
  });
  let people = 0;
  return {
    provost,
    provider,
    id,
    code,
    group: group.id,
    browser: () => new Browser(),
    /** Somebody at the provider; answers their subject. */
    person(claims = {}) {
      people += 1;
      const name = `${code}-${people}`;
      return provider.add({
        preferred_username: name,
        email: `${name}@example.com`,
        email_verified: true,
        given_name: "Ana",
        family_name: "Silva",
        groups: [],
        ...claims,
      });
    },
  };
}
