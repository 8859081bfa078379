// A provider that changes its keys, and one that is out of reach.
import assert from "node:assert/strict";
import { test } from "node:test";

import { API, OpenIdProvider, PROVOST } from "./provider.mjs";
import { expectRefusal, expectStatus } from "./provost.mjs";
import { CALLBACK, SIGNED_IN } from "./surface.mjs";
import { world } from "./world.mjs";

/** A provider as it is set up at least. */
const PLAIN = { name: "Company account", client_id: PROVOST.id, client_secret: PROVOST.secret, redirect_uris: [SIGNED_IN] };

const { provost, provider, code, browser, person } = await world("outage");
const login = person();
const now = () => Math.floor(Date.now() / 1000);
const times = () => ({ iat: now(), exp: now() + 300 });
const idToken = (header) => provider.sign({ iss: provider.issuer, aud: "program", sub: login, ...times() }, header);
const accessToken = (header) =>
  provider.sign({ iss: provider.issuer, aud: API, client_id: "program", sub: login, scope: "api", ...times() }, { alg: "ES256", typ: "at+jwt", ...header });
await provost.tokens(code, browser(), login);

test("keys change without a failed sign-in", async () => {
  const old = idToken();
  provider.rotateKeys({ keep: true });
  await provost.tokens(code, browser(), login);
  await provost.whoIs(accessToken());
  expectStatus(await provost.exchange(old), 200);
});

test("twenty sign-ins at the moment of a change all succeed", async () => {
  provider.rotateKeys();
  await Promise.all(Array.from({ length: 20 }, () => provost.tokens(code, browser(), person())));
});

test("keys that a provider withdrew count no longer", async () => {
  const old = idToken();
  provider.rotateKeys();
  await provost.tokens(code, browser(), login);
  expectRefusal(await provost.exchange(old), "invalid_request");
});

test("while a provider is out of reach, what it issued and what Provost issued go on", async () => {
  const tokens = await provost.tokens(code, browser(), login);
  const [exchanged, shown] = [idToken(), accessToken()];
  await provider.stop();
  try {
    await provost.whoIs(tokens.access_token);
    await provost.whoIs(expectStatus(await provost.refresh(tokens), 200).access_token);
    await provost.whoIs(shown);
    expectStatus(await provost.exchange(exchanged), 200);
  } finally {
    await provider.resume();
  }
});

test("a sign-in into which an outage comes ends with an error at the front end", async () => {
  const client = browser();
  const start = provost.startSignIn(code);
  const { url: callback } = await client.go(start.address, { stops: [provost.url + CALLBACK], fields: { login } });
  await provider.stop();
  try {
    const { url } = await client.go(callback, { stops: [SIGNED_IN] });
    assert.equal(url.searchParams.get("error"), "temporarily_unavailable", `${url}`);
    assert.equal(url.searchParams.get("state"), start.state);
    assert.equal(url.searchParams.get("code"), null);
  } finally {
    await provider.resume();
  }
});

test("a sign-in that begins in an outage is led on or told, and succeeds afterwards", async () => {
  await provider.stop();
  try {
    const start = provost.startSignIn(code);
    const { url } = await browser().go(start.address, { stops: [SIGNED_IN, provider.issuer] });
    if (url.href.startsWith(SIGNED_IN)) assert.equal(url.searchParams.get("error"), "temporarily_unavailable");
  } finally {
    await provider.resume();
  }
  await provost.tokens(code, browser(), login);
});

test("a provider may be set up while it is out of reach", async () => {
  const late = await OpenIdProvider.start(provost.url);
  test.after(() => late.stop());
  await late.stop();
  await provost.addProvider({ ...PLAIN, code: "outage-late", issuer: late.issuer });
  const signIn = await provost.signIn("outage-late", browser(), login);
  assert.equal(signIn.error, "temporarily_unavailable");
  assert.equal(signIn.returnedState, signIn.state);
  await late.resume();
});

test("made-up key ids do not make Provost ask the provider each time", async () => {
  const before = provider.asked("/jwks");
  for (let count = 0; count < 30; count += 1) {
    expectRefusal(await provost.exchange(idToken({ kid: `made-up-${count}` })), "invalid_request");
    expectStatus(await provost.me(accessToken({ kid: `made-up-${count}` })), 401);
  }
  const asked = provider.asked("/jwks") - before;
  assert.ok(asked <= 10, `asked ${asked} times`);
});
