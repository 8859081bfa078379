// Signing out: at the provider, which tells Provost, and at Provost, which leads to the provider.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { test } from "node:test";

import { PROVOST } from "./provider.mjs";
import { expectRefusal, expectStatus } from "./provost.mjs";
import { BACKCHANNEL_LOGOUT, SIGNED_IN, SIGNED_OUT } from "./surface.mjs";
import { world } from "./world.mjs";

const { provost, provider, code, browser, person } = await world("sign-out");

const EVENT = "http://schemas.openid.net/event/backchannel-logout";
const now = () => Math.floor(Date.now() / 1000);
const logoutToken = (claims, header = {}) =>
  provider.sign(
    { iss: provider.issuer, aud: PROVOST.id, iat: now(), exp: now() + 120, jti: randomUUID(), events: { [EVENT]: {} }, ...claims },
    { typ: "logout+jwt", ...header },
  );
const tellProvost = (token) => provost.form(BACKCHANNEL_LOGOUT, { logout_token: token });

async function expectEnded(tokens) {
  expectStatus(await provost.me(tokens.access_token), 401);
  expectRefusal(await provost.refresh(tokens), "invalid_grant");
}

/** Signs a browser out at the provider itself. */
async function signOutThere(client) {
  const { body } = await client.go(`${provider.issuer}/session/end`);
  assert.equal(body, "Signed out.");
}

test("a person who signs out at the provider is signed out of Provost, with that browser only", async () => {
  const login = person();
  const [here, elsewhere] = [browser(), browser()];
  const [ended, other] = [await provost.tokens(code, here, login), await provost.tokens(code, elsewhere, login)];
  await signOutThere(here);

  await expectEnded(ended);
  await provost.whoIs(other.access_token);
  expectStatus(await provost.refresh(other), 200);
});

test("the session says why it ended", async () => {
  const client = browser();
  const { access_token } = await provost.tokens(code, client, person());
  const { id: user } = await provost.whoIs(access_token);
  await signOutThere(client);

  const [session] = (await provost.get(`/v1/users/${user}/sessions`)).data;
  assert.equal(session.end_reason, "provider_signed_out");
});

test("a word about a person and no session ends all that began at the provider", async () => {
  const login = person();
  const [first, second] = [await provost.tokens(code, browser(), login), await provost.tokens(code, browser(), login)];
  const answer = await tellProvost(logoutToken({ sub: login }));
  expectStatus(answer, 200, 204);
  assert.match(answer.headers.get("cache-control") ?? "", /no-store/);

  await expectEnded(first);
  await expectEnded(second);
});

test("a person who signs out at the provider before the front end has their tokens gets none", async () => {
  const client = browser();
  const signIn = await provost.signIn(code, client, person());
  await signOutThere(client);
  expectRefusal(await provost.redeem(signIn), "invalid_grant");
});

test("a word about a session that nobody has is taken", async () => {
  expectStatus(await tellProvost(logoutToken({ sub: randomUUID(), sid: randomUUID() })), 200, 204);
});

/** What is wrong with a logout token (OpenID Connect Back-Channel Logout 1.0, section 2.6). */
const WRONG = {
  "is for another client": { aud: "stranger" },
  "is of another issuer": { iss: "https://other.example.com" },
  "has expired": { iat: now() - 900, exp: now() - 600 },
  "names neither person nor session": { sub: undefined },
  "is about nothing": { events: undefined },
  "is about something else": { events: { "https://schemas.example.com/other": {} } },
  "has a nonce, as ID tokens do": { nonce: "n" },
  "has no id": { jti: undefined },
};
for (const [why, claims] of Object.entries(WRONG)) {
  test(`a logout token that ${why} ends nothing`, async () => {
    const login = person();
    const tokens = await provost.tokens(code, browser(), login);
    expectStatus(await tellProvost(logoutToken({ sub: login, ...claims })), 400);
    await provost.whoIs(tokens.access_token);
  });
}

test("a logout token that was not signed by the provider ends nothing", async () => {
  const login = person();
  const tokens = await provost.tokens(code, browser(), login);
  const [header, claims] = logoutToken({ sub: login }).split(".");
  expectStatus(await tellProvost(`${header}.${claims}.AAAA`), 400);
  expectStatus(await tellProvost("nonsense"), 400);
  expectStatus(await tellProvost(logoutToken({ sub: login, sid: "\0" })), 200, 204, 400);
  expectStatus(await provost.form(BACKCHANNEL_LOGOUT, {}), 400);
  await provost.whoIs(tokens.access_token);
});

test("an ID token is no logout token", async () => {
  const login = person();
  const tokens = await provost.tokens(code, browser(), login);
  const idToken = provider.sign({ iss: provider.issuer, aud: PROVOST.id, sub: login, iat: now(), exp: now() + 120 });
  expectStatus(await tellProvost(idToken), 400);
  await provost.whoIs(tokens.access_token);
});

test("an old logout token says nothing of what began since", async () => {
  const login = person();
  const tokens = await provost.tokens(code, browser(), login);
  expectStatus(await tellProvost(logoutToken({ sub: login, iat: now() - 100 })), 200, 204);
  await provost.whoIs(tokens.access_token);
});

test("a person who signs out of Provost is led to the provider, and is signed out there", async () => {
  const client = browser();
  const login = person();
  const tokens = await provost.tokens(code, client, login);
  const { provider_sign_out_url: address } = expectStatus(await provost.signOut(tokens, "bye"), 200, 201);
  await expectEnded(tokens);

  assert.ok(address.startsWith(`${provider.issuer}/`), address);
  const { url } = await client.go(address, { stops: [SIGNED_OUT] });
  assert.ok(url.href.startsWith(SIGNED_OUT), `${url}`);
  assert.equal(url.searchParams.get("state"), "bye");

  // The provider asks who they are, and is not told.
  const page = await client.go(provost.startSignIn(code).address, { stops: [SIGNED_IN] });
  assert.match(page.url.pathname, /^\/interaction\//);
});

test("a person who came by a program's ID token is led there, too", async () => {
  const login = person();
  const idToken = provider.sign({ iss: provider.issuer, aud: "program", ...provider.accounts.get(login), sub: login, iat: now(), exp: now() + 120 });
  const tokens = expectStatus(await provost.exchange(idToken), 200);
  const { provider_sign_out_url: address } = expectStatus(await provost.signOut(tokens), 200, 201);
  const { url, body } = await browser().go(address, { stops: [SIGNED_OUT] });
  assert.ok(url.href.startsWith(SIGNED_OUT), `${url} ${body}`);
});

test("a person who signed in before the provider changed its keys is led there, too", async () => {
  const client = browser();
  const tokens = await provost.tokens(code, client, person());
  provider.rotateKeys();
  await provost.tokens(code, browser(), person());
  const { provider_sign_out_url: address } = expectStatus(await provost.signOut(tokens), 200, 201);
  const { url, body } = await client.go(address, { stops: [SIGNED_OUT] });
  assert.ok(url.href.startsWith(SIGNED_OUT), `${url} ${body}`);
});

test("a person who signed in by password is led nowhere", async () => {
  const password = `${randomUUID()} of the tests`;
  const user = await provost.post("/v1/users", { username: "sign-out-local", given_name: "Local", family_name: "Person", status: "active" });
  expectStatus(await provost.request("PUT", `/v1/users/${user.id}/password`, { body: { password }, headers: { "if-match": "*" } }), 200, 204);
  const tokens = expectStatus(await provost.token({ grant_type: "password", username: "sign-out-local", password }), 200);

  assert.equal(expectStatus(await provost.signOut(tokens), 200, 201).provider_sign_out_url, null);
  await expectEnded(tokens);
});

test("a person who signs out with nothing learns nothing", async () => {
  const answer = await provost.signOut({ refresh_token: `pvr_${"a".repeat(43)}` });
  assert.equal(expectStatus(answer, 200).provider_sign_out_url, null);
});
