// A provider that says what no certified one would, and answers that are slow, large or somebody else's.
import assert from "node:assert/strict";
import { test } from "node:test";

import { OpenIdProvider, PROVOST, encoded, json } from "./provider.mjs";
import { expectStatus, told } from "./provost.mjs";
import { CALLBACK, SIGNED_IN } from "./surface.mjs";
import { world } from "./world.mjs";

const { provost, provider, id, code, browser, person } = await world("strange");
const login = person();
const now = () => Math.floor(Date.now() / 1000);
const userinfo = (changes) => json({ sub: login, ...provider.accounts.get(login), ...changes });

/** A sign-in up to the provider's answer, and what the provider was asked. */
async function upToCallback() {
  const client = browser();
  const start = provost.startSignIn(code);
  const asked = new URL((await fetch(start.address, { redirect: "manual" })).headers.get("location")).searchParams;
  assert.equal(asked.get("code_challenge_method"), "S256");
  let nonce;
  provider.replies.set("/auth", (request, response) => {
    nonce = new URL(request.url, provider.issuer).searchParams.get("nonce");
    provider.replies.delete("/auth");
    response.writeHead(302, { location: request.url }).end();
  });
  const { url } = await client.go(start.address, { stops: [provost.url + CALLBACK], fields: { login } });
  return { client, start, callback: url, nonce };
}

/** Ends a sign-in with other answers of the token and userinfo endpoints; answers what the front end is told. */
async function endWith(replies) {
  const { client, callback, nonce } = await upToCallback();
  for (const [path, reply] of Object.entries(replies(nonce))) provider.replies.set(path, reply);
  try {
    return told(await client.go(callback, { stops: [SIGNED_IN] }));
  } finally {
    provider.replies.clear();
  }
}

/** A token endpoint's answer with an ID token that is right but for `changes`. */
const tokens = (nonce, changes = {}, header = {}) =>
  json({
    access_token: "opaque",
    token_type: "Bearer",
    id_token: provider.sign({ iss: provider.issuer, aud: PROVOST.id, sub: login, nonce, iat: now(), exp: now() + 300, ...changes }, header),
  });

test("what these tests forge would pass if it were right", async () => {
  const end = await endWith((nonce) => ({ "/token": tokens(nonce), "/me": userinfo() }));
  assert.equal(end.error, undefined, end.error_description);
});

const WRONG = {
  "answers another request": { nonce: "another" },
  "answers no request": { nonce: undefined },
  "is for another client": { aud: "program" },
  "is for several clients and issued to another": { aud: [PROVOST.id, "program"], azp: "program" },
  "is for several clients and does not say to whom it was issued": { aud: [PROVOST.id, "program"] },
  "was issued to another client": { azp: "program" },
  "has expired": { iat: now() - 900, exp: now() - 600 },
  "is of another issuer": { iss: "https://other.example.com" },
  "is of another subject than its userinfo": { sub: "another" },
  "is of nobody": { sub: undefined },
};
for (const [why, changes] of Object.entries(WRONG)) {
  test(`nobody signs in by an ID token that ${why}`, async () => {
    const end = await endWith((nonce) => ({ "/token": tokens(nonce, changes), "/me": userinfo() }));
    assert.equal(end.error, "access_denied");
  });
}

test("nobody signs in by an access token or an unsigned one in an ID token's place", async () => {
  const access = await endWith((nonce) => ({ "/token": tokens(nonce, {}, { typ: "at+jwt" }), "/me": userinfo() }));
  assert.equal(access.error, "access_denied");
  const unsigned = (nonce) => `${encoded({ alg: "none" })}.${encoded({ iss: provider.issuer, aud: PROVOST.id, sub: login, nonce, iat: now(), exp: now() + 300 })}.`;
  const none = await endWith((nonce) => ({ "/token": json({ access_token: "opaque", id_token: unsigned(nonce) }), "/me": userinfo() }));
  assert.equal(none.error, "access_denied");
});

test("nobody signs in without an ID token", async () => {
  const end = await endWith(() => ({ "/token": json({ access_token: "opaque", token_type: "Bearer" }) }));
  assert.equal(end.error, "access_denied");
});

test("an address that was verified elsewhere is not verified", async () => {
  await provost.changeProvider(id, { links_verified_email: true });
  const there = await provost.post("/v1/users", { username: "strange-there", email: "strange-there@example.com", given_name: "Local", family_name: "Person", status: "active" });
  const subject = person();
  const end = await endWith((nonce) => ({
    "/token": tokens(nonce, { sub: subject, email: there.email }),
    "/me": json({ sub: subject, ...provider.accounts.get(subject), email_verified: true }),
  }));
  await provost.changeProvider(id, { links_verified_email: false });
  assert.ok(end.code || end.error);
  assert.deepEqual(await provost.identities(there.id), []);
});

for (const [what, reply] of Object.entries({
  "an error": json({ error: "server_error" }, 500),
  "no JSON": (_request, response) => response.end("<html>"),
  "another address": (_request, response) => response.writeHead(302, { location: "/" }).end(),
  "too much": (_request, response) => response.end(JSON.stringify({ sub: login, more: "x".repeat(4 << 20) })),
  "nothing and hangs up": (request) => request.socket.destroy(),
})) {
  for (const path of ["/token", "/me"]) {
    test(`a sign-in ends with an error where ${path} answers ${what}`, async () => {
      const end = await endWith((nonce) => ({ "/token": tokens(nonce), "/me": userinfo(), [path]: reply }));
      assert.match(end.error, /^(temporarily_unavailable|access_denied)$/);
      assert.ok(end.returnedState);
    });
  }
}

test("a provider that does not answer keeps its own sign-in waiting and nobody else", async () => {
  const { access_token } = await provost.tokens(code, browser(), login);
  const { client, callback } = await upToCallback();
  let arrived;
  const asked = new Promise((resolve) => (arrived = resolve));
  provider.replies.set("/token", () => arrived());
  let isWaiting = true;
  const end = client.go(callback, { stops: [SIGNED_IN] }).finally(() => (isWaiting = false));
  await asked;
  for (let count = 0; count < 20; count += 1) await provost.whoIs(access_token);
  assert.ok(isWaiting);
  provider.replies.clear();
  assert.equal(told(await end).error, "temporarily_unavailable");
});

const document = (late, changes) => async (_request, response) => {
  late.replies.delete("/.well-known/openid-configuration");
  const real = await (await fetch(`${late.issuer}/.well-known/openid-configuration`)).json();
  json({ ...real, ...changes(late) })(undefined, response);
};
const DOCUMENTS = {
  "speaks for another issuer": () => ({ issuer: "https://other.example.com" }),
  "has its keys at an address that is not its own and not TLS": () => ({ jwks_uri: "http://192.0.2.1/jwks" }),
  "has its keys in a file": () => ({ jwks_uri: "file:///etc/passwd" }),
  "has no keys": (late) => {
    late.replies.set("/jwks", json({ keys: [] }));
    return {};
  },
};
for (const [number, [what, changes]] of Object.entries(DOCUMENTS).entries()) {
  test(`nobody is led to a provider that ${what}`, async () => {
    const late = await OpenIdProvider.start(provost.url);
    test.after(() => late.stop());
    const name = `strange-${number}`;
    late.replies.set("/.well-known/openid-configuration", document(late, changes));
    await provost.addProvider({ code: name, name, issuer: late.issuer, client_id: PROVOST.id, client_secret: PROVOST.secret, redirect_uris: [SIGNED_IN] });
    assert.equal((await provost.signIn(name, browser(), login)).error, "temporarily_unavailable");
  });
}

test("the client secret is never shown, and may be changed at any time", async () => {
  const shown = [await provost.get(`/v1/identity-providers/${id}`), await provost.get("/v1/identity-providers"), await provost.get("/v1/events?limit=200")];
  assert.ok(!JSON.stringify(shown).includes(PROVOST.secret.slice(-12)));

  await provost.changeProvider(id, { client_secret: "wrong" });
  assert.equal((await provost.signIn(code, browser(), login)).error, "access_denied");
  await provost.changeProvider(id, { client_secret: PROVOST.secret });
  await provost.tokens(code, browser(), login);
});

test("front ends can ask which providers there are", async () => {
  const { data } = expectStatus(await provost.request("GET", "/oauth/providers", { token: null }), 200);
  assert.deepEqual(data.filter((offered) => offered.code === code), [{ code, name: "Company account" }]);
});
