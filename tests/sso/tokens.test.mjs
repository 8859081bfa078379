// The provider's tokens in the hands of programs: exchanged, or shown as they are.
import assert from "node:assert/strict";
import { createHash, createHmac, randomBytes } from "node:crypto";
import { test } from "node:test";

import { API, OTHER_API, OpenIdProvider, PROGRAM_REDIRECT, encoded } from "./provider.mjs";
import { expectRefusal, expectStatus } from "./provost.mjs";
import { world } from "./world.mjs";

const { provost, provider, id, code, group, browser, person } = await world("tokens");
provider.claimsInIdTokens = true;
provider.reload();

/** The tokens that a program gets from the provider for somebody. */
async function programTokens(login, { client = "program", resource } = {}) {
  const verifier = randomBytes(32).toString("base64url");
  const target = resource ? { resource } : {};
  const parameters = new URLSearchParams({
    response_type: "code",
    client_id: client,
    redirect_uri: PROGRAM_REDIRECT,
    scope: `openid profile email groups${resource ? " api" : ""}`,
    code_challenge: createHash("sha256").update(verifier).digest("base64url"),
    code_challenge_method: "S256",
    ...target,
  });
  const { url, body } = await browser().go(`${provider.issuer}/auth?${parameters}`, { stops: [PROGRAM_REDIRECT], fields: { login } });
  assert.ok(url.searchParams.has("code"), `${url} ${body}`);
  const form = { grant_type: "authorization_code", client_id: client, code: url.searchParams.get("code"), redirect_uri: PROGRAM_REDIRECT, code_verifier: verifier, ...target };
  const response = await fetch(`${provider.issuer}/token`, { method: "POST", body: new URLSearchParams(form) });
  assert.equal(response.status, 200, await response.clone().text());
  return response.json();
}

/** RFC 8693, section 2.2.2. */
const EXCHANGE_REFUSAL = "invalid_request";

const now = () => Math.floor(Date.now() / 1000);
const idToken = (login, changes = {}, header = {}) =>
  provider.sign({ iss: provider.issuer, aud: "program", sub: login, iat: now(), exp: now() + 300, ...provider.accounts.get(login), ...changes }, header);
const accessToken = (login, changes = {}, header = {}) =>
  provider.sign({ iss: provider.issuer, aud: API, client_id: "program", sub: login, jti: randomBytes(16).toString("hex"), scope: "api", iat: now(), exp: now() + 300, ...changes }, { alg: "ES256", typ: "at+jwt", ...header });

const known = person();
await provost.tokens(code, browser(), known);

test("an ID token is exchanged for a session", async () => {
  const { id_token } = await programTokens(known);
  const tokens = expectStatus(await provost.exchange(id_token), 200);
  assert.equal(tokens.issued_token_type, "urn:ietf:params:oauth:token-type:access_token");
  const { id: user } = await provost.whoIs(tokens.access_token);
  assert.deepEqual((await provost.identities(user)).map(({ subject }) => subject), [known]);
  const next = expectStatus(await provost.refresh(tokens), 200);
  await provost.whoIs(next.access_token);
});

test("an ID token makes somebody who is new, with their groups", async () => {
  const { id_token } = await programTokens(person({ preferred_username: "tokens-new", groups: ["safety"] }));
  const { access_token } = expectStatus(await provost.exchange(id_token), 200);
  const { id: user } = await provost.whoIs(access_token);
  assert.equal((await provost.user(user)).username, "tokens-new");
  assert.ok((await provost.members(group)).includes(user));
});

test("an access token for Provost is taken as it is", async () => {
  const { access_token } = await programTokens(known, { resource: API });
  const { id: user } = await provost.whoIs(access_token);
  assert.deepEqual((await provost.identities(user)).map(({ subject }) => subject), [known]);
  assert.equal((await provost.whoIs(access_token)).id, user);
});

test("a token that says little of a person changes nothing of them", async () => {
  const login = person({ groups: ["safety"] });
  const { id: user } = await provost.whoIs((await provost.tokens(code, browser(), login)).access_token);
  const before = await provost.user(user);
  const claims = { iss: provider.issuer, sub: login, iat: now(), exp: now() + 300 };

  await provost.whoIs(accessToken(login));
  expectStatus(await provost.exchange(provider.sign({ ...claims, aud: "program" })), 200);
  assert.deepEqual(await provost.user(user), before);
  assert.ok((await provost.members(group)).includes(user));
});

test("ten programs that first meet somebody at once meet one person", async () => {
  const login = person({ preferred_username: "tokens-race" });
  const token = idToken(login);
  const answers = await Promise.all(Array.from({ length: 10 }, () => provost.exchange(token)));
  const people = await Promise.all(answers.map(async (answer) => (await provost.whoIs(expectStatus(answer, 200).access_token)).id));
  assert.equal(new Set(people).size, 1);
  assert.equal((await provost.users('username eq "tokens-race"')).length, 1);
});

test("an access token of a suspended person is refused at once", async () => {
  const login = person();
  const { id: user } = await provost.whoIs((await provost.tokens(code, browser(), login)).access_token);
  const { access_token } = await programTokens(login, { resource: API });
  await provost.whoIs(access_token);
  await provost.patch(`/v1/users/${user}`, { status: "suspended" });
  expectStatus(await provost.me(access_token), 401);
});

test("an access token of somebody who is nobody here is refused", async () => {
  const { access_token } = await programTokens(person(), { resource: API });
  expectStatus(await provost.me(access_token), 401);
});

test("an access token for somebody else is refused", async () => {
  const { access_token } = await programTokens(known, { resource: OTHER_API });
  expectStatus(await provost.me(access_token), 401);
});

test("an opaque access token is refused", async () => {
  const { access_token } = await programTokens(known);
  expectStatus(await provost.me(access_token), 401);
});

test("an ID token is no bearer token", async () => {
  const { id_token } = await programTokens(known);
  expectStatus(await provost.me(id_token), 401);
});

test("an access token is no ID token", async () => {
  const { access_token } = await programTokens(known, { resource: API });
  expectRefusal(await provost.exchange(access_token), EXCHANGE_REFUSAL);
});

test("an ID token of a program that is not listed is refused", async () => {
  const { id_token } = await programTokens(known, { client: "stranger" });
  expectRefusal(await provost.exchange(id_token), EXCHANGE_REFUSAL);
});

test("what these tests forge would pass if it were right", async () => {
  expectStatus(await provost.exchange(idToken(known)), 200);
  expectStatus(await provost.me(accessToken(known)), 200);
});

test("text that no database holds does no harm", async () => {
  const login = person();
  expectRefusal(await provost.exchange(idToken(`${login}\0`)), EXCHANGE_REFUSAL);
  expectStatus(await provost.me(accessToken(`${login}\0`)), 401);
  expectStatus(await provost.exchange(idToken(login, { given_name: "A\0na", groups: ["\0"], sid: "\0" })), 200, 400);
});

test("times beyond all reason do no harm", async () => {
  for (const exp of [8210266876799, 9007199254740991, 1e300]) {
    expectStatus(await provost.exchange(idToken(known, { exp })), 200, 400);
    expectStatus(await provost.me(accessToken(known, { exp })), 200, 401);
  }
});

/** Somebody else's provider. */
const stranger = await OpenIdProvider.start(provost.url);
test.after(() => stranger.stop());

/** Claims and headers that spoil a token of either kind. */
const SPOILED = {
  "has expired": [() => ({ iat: now() - 900, exp: now() - 600 })],
  "does not say when it expires": [() => ({ exp: undefined })],
  "is not good yet": [() => ({ nbf: now() + 600 })],
  "was issued in the future": [() => ({ iat: now() + 600, exp: now() + 900 })],
  "names another issuer": [() => ({ iss: "https://other.example.com" })],
  "names the issuer with a slash more": [() => ({ iss: `${provider.issuer}/` })],
  "names no issuer": [() => ({ iss: undefined })],
  "is for nobody": [() => ({ aud: undefined })],
  "is for another audience": [() => ({ aud: "stranger" })],
  "is of nobody": [() => ({ sub: undefined })],
  "is of an empty subject": [() => ({ sub: "" })],
  "has a critical header that nobody knows": [() => ({}), { crit: ["exp"], exp: 1 }],
  "has a made-up key id": [() => ({}), { kid: "made-up" }],
};
for (const [why, [changes, header]] of Object.entries(SPOILED)) {
  test(`a token that ${why} is refused`, async () => {
    expectRefusal(await provost.exchange(idToken(known, changes(), header)), EXCHANGE_REFUSAL);
    expectStatus(await provost.me(accessToken(known, changes(), header)), 401);
  });
}

test("a token that nobody signed is refused", async () => {
  const [, claims] = idToken(known).split(".");
  for (const alg of ["none", "None", "NONE"]) {
    const token = `${encoded({ alg })}.${claims}.`;
    expectRefusal(await provost.exchange(token), EXCHANGE_REFUSAL);
    expectStatus(await provost.me(token), 401);
  }
});

test("a token that is signed with the public key as a secret is refused", async () => {
  const [, claims] = idToken(known).split(".");
  const content = `${encoded({ alg: "HS256" })}.${claims}`;
  const signature = createHmac("sha256", provider.publicKey.export({ type: "spki", format: "pem" })).update(content).digest("base64url");
  expectRefusal(await provost.exchange(`${content}.${signature}`), EXCHANGE_REFUSAL);
});

test("a token that was changed is refused", async () => {
  const [header, claims, signature] = idToken(known).split(".");
  const changed = { ...JSON.parse(Buffer.from(claims, "base64url")), sub: person() };
  expectRefusal(await provost.exchange(`${header}.${encoded(changed)}.${signature}`), EXCHANGE_REFUSAL);
});

test("a token that another provider signed in this one's name is refused", async () => {
  const claims = { iss: provider.issuer, aud: "program", sub: known, iat: now(), exp: now() + 300 };
  expectRefusal(await provost.exchange(stranger.sign(claims)), EXCHANGE_REFUSAL);
  expectStatus(await provost.me(stranger.sign({ ...claims, aud: API }, { alg: "ES256", typ: "at+jwt" })), 401);
});

test("a token that brings its own key is refused", async () => {
  const claims = { iss: provider.issuer, aud: "program", sub: known, iat: now(), exp: now() + 300 };
  const header = { jwk: stranger.publicKey.export({ format: "jwk" }), jku: `${stranger.issuer}/jwks` };
  expectRefusal(await provost.exchange(stranger.sign(claims, header)), EXCHANGE_REFUSAL);
  assert.equal(stranger.asked("/jwks"), 0);
});

test("tokens of a provider that is turned off count no longer", async () => {
  const [exchanged, shown] = [idToken(known), accessToken(known)];
  await provost.changeProvider(id, { enabled: false });
  const answers = [await provost.exchange(exchanged), await provost.me(shown)];
  await provost.changeProvider(id, { enabled: true });

  expectRefusal(answers[0], EXCHANGE_REFUSAL);
  expectStatus(answers[1], 401);
  await provost.whoIs(shown);
});
