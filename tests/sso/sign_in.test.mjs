// The authorization code flow between browser, provider, Provost and front end, and what must not get through it.
import assert from "node:assert/strict";
import { test } from "node:test";

import { expectRefusal, expectStatus } from "./provost.mjs";
import { CALLBACK, SIGNED_IN } from "./surface.mjs";
import { world } from "./world.mjs";

const { provost, provider, code, browser, person } = await world("sign-in");
const login = person();

/** A sign-in up to the address to which the provider sends the browser back. */
async function upToCallback(client, who = login) {
  const start = provost.startSignIn(code);
  const { url } = await client.go(start.address, { stops: [provost.url + CALLBACK], fields: { login: who } });
  return { ...start, callback: url };
}

/** Follows a callback that must lead to no code, whether or not the front end is told. */
async function expectNoCode(client, callback) {
  const end = await client.go(callback, { stops: [SIGNED_IN] });
  assert.equal(end.url.searchParams.get("code") === null || !end.url.href.startsWith(SIGNED_IN), true, `${end.url}`);
  assert.ok(end.status === undefined || (end.status >= 400 && end.status < 500), `${end.status} ${end.body}`);
  return end;
}

const changed = (url, changes) => {
  const copy = new URL(url);
  for (const [name, value] of Object.entries(changes)) copy.searchParams.set(name, value);
  return copy;
};

test("a front end signs somebody in by code and PKCE", async () => {
  const signIn = await provost.signIn(code, browser(), login);
  assert.equal(signIn.returnedState, signIn.state);
  assert.equal(signIn.iss, (await provost.get("/.well-known/oauth-authorization-server")).issuer);

  const tokens = expectStatus(await provost.redeem(signIn), 200);
  assert.equal(tokens.token_type, "Bearer");
  await provost.whoIs(tokens.access_token);
  const next = expectStatus(await provost.refresh(tokens), 200);
  await provost.whoIs(next.access_token);
});

test("the discovery document says so", async () => {
  const document = await provost.get("/.well-known/oauth-authorization-server");
  assert.equal(document.authorization_endpoint, `${provost.url}/oauth/authorize`);
  assert.ok(document.grant_types_supported.includes("authorization_code"));
  assert.ok(document.response_types_supported.includes("code"));
  assert.deepEqual(document.code_challenge_methods_supported, ["S256"]);
  assert.equal(document.authorization_response_iss_parameter_supported, true);
});

test("who is signed in at the provider signs in without a page", async () => {
  const client = browser();
  await provost.tokens(code, client, login);
  await provost.tokens(code, client, undefined);
});

test("two sign-ins in one browser do not disturb each other", async () => {
  const client = browser();
  const first = await upToCallback(client);
  const second = await upToCallback(client);
  for (const { callback, verifier } of [first, second]) {
    const { url } = await client.go(callback, { stops: [SIGNED_IN] });
    expectStatus(await provost.redeem({ code: url.searchParams.get("code"), verifier }), 200);
  }
});

test("who turns back at the provider comes back with its error", async () => {
  const signIn = await provost.signIn(code, browser(), "nobody");
  assert.equal(signIn.error, "access_denied");
  assert.equal(signIn.returnedState, signIn.state);
  assert.ok(signIn.iss);
});

test("a code works once; used again it ends the session", async () => {
  const signIn = await provost.signIn(code, browser(), login);
  const tokens = expectStatus(await provost.redeem(signIn), 200);
  expectRefusal(await provost.redeem(signIn), "invalid_grant");

  expectStatus(await provost.me(tokens.access_token), 401);
  expectRefusal(await provost.refresh(tokens), "invalid_grant");
});

for (const [what, changes] of [
  ["another verifier", { code_verifier: "a".repeat(43) }],
  ["another address", { redirect_uri: `${SIGNED_IN}/elsewhere` }],
]) {
  test(`a code does not work with ${what}`, async () => {
    const signIn = await provost.signIn(code, browser(), login);
    expectRefusal(await provost.redeem(signIn, changes), "invalid_grant");
  });
}

test("a code does not work without its verifier", async () => {
  const { verifier: _, ...signIn } = await provost.signIn(code, browser(), login);
  const { code_verifier: __, ...form } = { grant_type: "authorization_code", code: signIn.code, redirect_uri: SIGNED_IN };
  expectStatus(await provost.token(form), 400);
});

for (const [what, changes] of [
  ["to an address that is not registered", { redirect_uri: "https://evil.example.com/signed-in" }],
  ["to an address that only begins like a registered one", { redirect_uri: `${SIGNED_IN}.evil.example.com` }],
  ["by a provider that is unknown", { provider: "unknown" }],
]) {
  test(`nobody is sent ${what}`, async () => {
    const page = await browser().go(provost.startSignIn(code, changes).address, { stops: ["https://", provider.issuer] });
    assert.ok(page.url.href.startsWith(provost.url), `${page.url}`);
    assert.ok(page.status >= 400 && page.status < 500, `${page.status}`);
  });
}

for (const [what, changes] of [
  ["without PKCE", { code_challenge: undefined, code_challenge_method: undefined }],
  ["with a plain challenge", { code_challenge_method: "plain" }],
  ["for a token in the address", { response_type: "token" }],
]) {
  test(`no sign-in begins ${what}`, async () => {
    const start = provost.startSignIn(code, changes);
    const { url, status } = await browser().go(start.address, { stops: [SIGNED_IN, provider.issuer] });
    if (url.href.startsWith(SIGNED_IN)) {
      assert.match(url.searchParams.get("error"), /^(invalid_request|unsupported_response_type)$/);
      assert.equal(url.searchParams.get("state"), start.state);
    } else assert.equal(status, 400, `${url}`);
  });
}

test("a callback with a foreign state leads nowhere", async () => {
  const client = browser();
  const { callback } = await upToCallback(client);
  await expectNoCode(client, changed(callback, { state: "a".repeat(43) }));
});

test("a callback in a browser that did not begin leads nowhere", async () => {
  const { callback } = await upToCallback(browser());
  await expectNoCode(browser(), callback);
});

test("a callback in a browser that began another sign-in leads nowhere", async () => {
  const victim = browser();
  await upToCallback(victim);
  const attacker = await upToCallback(browser(), person());
  await expectNoCode(victim, attacker.callback);
});

test("a callback with the code of another sign-in leads nowhere", async () => {
  const client = browser();
  const { callback } = await upToCallback(client);
  const stolen = (await upToCallback(browser(), person())).callback.searchParams.get("code");
  await expectNoCode(client, changed(callback, { code: stolen }));
});

test("a callback in the name of another issuer leads nowhere", async () => {
  const client = browser();
  const { callback } = await upToCallback(client);
  await expectNoCode(client, changed(callback, { iss: "https://other.example.com" }));
});

test("a callback works once", async () => {
  const client = browser();
  const { callback, verifier } = await upToCallback(client);
  const { url } = await client.go(callback, { stops: [SIGNED_IN] });
  await expectNoCode(client, callback);
  // What the front end got the first time is good for what it is good for.
  const again = await provost.redeem({ code: url.searchParams.get("code"), verifier });
  assert.ok([200, 400].includes(again.status), `${again.status}`);
});

test("cookies are for the callback alone and out of scripts' reach", async () => {
  const response = await fetch(provost.startSignIn(code).address, { redirect: "manual" });
  const cookies = response.headers.getSetCookie();
  assert.ok(cookies.length > 0);
  for (const cookie of cookies) {
    assert.match(cookie, /httponly/i);
    assert.match(cookie, /samesite=lax/i);
  }
});

test("nothing that leads on is cached", async () => {
  const start = await fetch(provost.startSignIn(code).address, { redirect: "manual" });
  assert.match(start.headers.get("cache-control") ?? "", /no-store/);
});
