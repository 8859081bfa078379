// Several processes of one Provost: what one knows of providers and sign-ins, the others know.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { openSync } from "node:fs";
import { createServer } from "node:net";
import { after, test } from "node:test";

import { API, PROVOST } from "./provider.mjs";
import { Provost, expectRefusal, expectStatus, told } from "./provost.mjs";
import { BACKCHANNEL_LOGOUT, CALLBACK, SIGNED_IN } from "./surface.mjs";
import { world } from "./world.mjs";

const PATIENCE_MS = 20_000;

const { provost, provider, id, code, browser, person } = await world("processes");
const login = person();
const now = () => Math.floor(Date.now() / 1000);
const signed = (claims, header) => provider.sign({ iss: provider.issuer, sub: login, iat: now(), exp: now() + 300, ...claims }, header);

await provost.tokens(code, browser(), login);
await provider.stop();
const second = await secondProcess();

test("a process that starts while a provider is out of reach knows its keys", async () => {
  await second.whoIs(signed({ aud: API, client_id: "program", scope: "api" }, { alg: "ES256", typ: "at+jwt" }));
  expectStatus(await second.exchange(signed({ aud: "program" })), 200);
  await provider.resume();
});

test("a sign-in may begin at one process and end at another", async () => {
  const client = browser();
  const start = provost.startSignIn(code);
  const { url: callback } = await client.go(start.address, { stops: [provost.url + CALLBACK], fields: { login } });
  callback.port = new URL(second.url).port;
  const signIn = { ...start, ...told(await client.go(callback, { stops: [SIGNED_IN] })) };
  const { access_token } = expectStatus(await provost.redeem(signIn), 200);
  assert.equal((await second.whoIs(access_token)).id, (await provost.whoIs(access_token)).id);
});

test("what a provider ends at one process ends at all", async () => {
  const tokens = await provost.tokens(code, browser(), login);
  await second.whoIs(tokens.access_token);
  const token = signed(
    { aud: PROVOST.id, jti: "processes", events: { "http://schemas.openid.net/event/backchannel-logout": {} } },
    { typ: "logout+jwt" },
  );
  expectStatus(await provost.form(BACKCHANNEL_LOGOUT, { logout_token: token }), 200, 204);
  await soon(async () => (await second.me(tokens.access_token)).status === 401);
  expectRefusal(await second.refresh(tokens), "invalid_grant");
});

test("a provider that is turned off at one process is off at all", async () => {
  const shown = signed({ aud: API, client_id: "program", scope: "api" }, { alg: "ES256", typ: "at+jwt" });
  await second.whoIs(shown);
  await provost.changeProvider(id, { enabled: false });
  await soon(async () => (await second.me(shown)).status === 401);
});

/** Another process on the same data, with the same address to the outside. */
async function secondProcess() {
  const free = createServer().listen(0, "127.0.0.1");
  await once(free, "listening");
  const listen = `127.0.0.1:${free.address().port}`;
  free.close();
  await once(free, "close");

  const log = openSync("second.log", "w");
  const environment = {
    ...process.env,
    PROVOST_LISTEN: listen,
    PROVOST_CONTENT_LISTEN: "127.0.0.1:0",
    PROVOST_PUBLIC_URL: provost.url,
  };
  const child = spawn(process.env.PROVOST, ["serve", "--no-worker"], { env: environment, stdio: ["ignore", log, log] });
  after(async () => {
    child.kill();
    if (child.exitCode === null) await once(child, "exit");
  });
  await soon(async () => (await fetch(`http://${listen}/readyz`).catch(() => undefined))?.ok);
  return Provost.connect(`http://${listen}`);
}

/** Waits until something is so. */
async function soon(isSo) {
  const end = Date.now() + PATIENCE_MS;
  while (!(await isSo())) {
    assert.ok(Date.now() < end, "It did not come about.");
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
