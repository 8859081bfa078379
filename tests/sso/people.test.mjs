// Who somebody who signs in by a provider is here: made, found, linked, changed, or nobody.
import assert from "node:assert/strict";
import { test } from "node:test";

import { expectRefusal, expectStatus } from "./provost.mjs";
import { world } from "./world.mjs";

const { provost, provider, id, code, group, browser, person } = await world("people", { links_external_key: { claim: "employee_number", source: "people-hr" } });

const linked = async (user) => (await provost.identities(user)).map(({ subject }) => subject);
const named = (username) => provost.users(`username eq "${username}"`);

/** A person who was here before, with a password nobody knows. */
function local(fields) {
  return provost.post("/v1/users", { given_name: "Local", family_name: "Person", status: "active", ...fields });
}

/** The sign-in of somebody who must not get in. */
async function refused(login) {
  const signIn = await provost.signIn(code, browser(), login);
  assert.equal(signIn.error, "access_denied");
  assert.equal(signIn.code, undefined);
  assert.equal(signIn.returnedState, signIn.state);
  return signIn;
}

/** Whoever signs in, if anybody, is not that person, of whom nothing changes. */
async function expectSomebodyElse(there, login) {
  const signIn = await provost.signIn(code, browser(), login);
  if (signIn.code) {
    const { access_token } = expectStatus(await provost.redeem(signIn), 200);
    assert.notEqual((await provost.whoIs(access_token)).id, there.id);
  } else assert.equal(signIn.error, "access_denied");
  assert.deepEqual(await linked(there.id), []);
  assert.deepEqual(await provost.user(there.id), there);
}

test("a first sign-in makes the person, with mapped fields and groups", async () => {
  const subject = person({ preferred_username: "People.Ana", email: "people.ana@example.com", groups: ["safety", "unknown"] });
  const { access_token } = await provost.tokens(code, browser(), subject);

  const me = await provost.whoIs(access_token);
  const user = await provost.user(me.id);
  assert.equal(user.username, "people.ana");
  assert.equal(user.email, "people.ana@example.com");
  assert.equal(user.given_name, "Ana");
  assert.equal(user.family_name, "Silva");
  assert.equal(user.status, "active");
  assert.deepEqual(await linked(user.id), [subject]);
  assert.ok((await provost.members(group)).includes(user.id));
});

test("a second sign-in finds the person by subject, though username and e-mail changed", async () => {
  const subject = person();
  const first = await provost.whoIs((await provost.tokens(code, browser(), subject)).access_token);
  Object.assign(provider.accounts.get(subject), { preferred_username: "people-married", email: "people-married@example.com", family_name: "Sousa" });
  const second = await provost.whoIs((await provost.tokens(code, browser(), subject)).access_token);

  assert.equal(second.id, first.id);
  const user = await provost.user(first.id);
  assert.deepEqual([user.username, user.email, user.family_name], ["people-married", "people-married@example.com", "Sousa"]);
});

test("people stay as they are here where a provider does not update them", async () => {
  const subject = person();
  const { id: user } = await provost.whoIs((await provost.tokens(code, browser(), subject)).access_token);
  await provost.changeProvider(id, { updates_people: false });
  provider.accounts.get(subject).family_name = "Elsewhere";
  await provost.tokens(code, browser(), subject);
  await provost.changeProvider(id, { updates_people: true });

  assert.equal((await provost.user(user)).family_name, "Silva");
});

test("membership begins and ends with the groups claim", async () => {
  const subject = person();
  const { id: user } = await provost.whoIs((await provost.tokens(code, browser(), subject)).access_token);
  const isMember = async () => (await provost.members(group)).includes(user);
  assert.equal(await isMember(), false);

  provider.accounts.get(subject).groups = ["safety"];
  await provost.tokens(code, browser(), subject);
  assert.equal(await isMember(), true);

  provider.accounts.get(subject).groups = [];
  await provost.tokens(code, browser(), subject);
  assert.equal(await isMember(), false);
});

test("groups that the provider does not speak of stay", async () => {
  const other = await provost.post("/v1/groups", { code: "people-other", name: "Others" });
  const subject = person();
  const { id: user } = await provost.whoIs((await provost.tokens(code, browser(), subject)).access_token);
  await provost.post(`/v1/groups/${other.id}/members`, { add: [user] });
  await provost.tokens(code, browser(), subject);

  assert.deepEqual(await provost.members(other.id), [user]);
});

test("an e-mail address links nobody while that is not allowed", async () => {
  const there = await local({ username: "people-there", email: "people-there@example.com" });
  await expectSomebodyElse(there, person({ email: "people-there@example.com" }));
});

test("nor does a username, ever", async () => {
  const there = await local({ username: "people-named" });
  await expectSomebodyElse(there, person({ preferred_username: "people-named" }));
});

for (const [case_, claims] of [
  ["is not verified", { email_verified: false }],
  ["is not said to be verified", { email_verified: undefined }],
]) {
  test(`an e-mail address links nobody where it ${case_}`, async () => {
    await provost.changeProvider(id, { links_verified_email: true });
    const email = `people-${Object.values(claims)}@example.com`;
    const there = await local({ username: email, email });
    await expectSomebodyElse(there, person({ email, ...claims }));
    await provost.changeProvider(id, { links_verified_email: false });
  });
}

test("a verified e-mail address links its person where that is allowed", async () => {
  await provost.changeProvider(id, { links_verified_email: true });
  const there = await local({ username: "people-verified", email: "people-verified@example.com" });
  const subject = person({ preferred_username: "people-verified", email: "people-verified@example.com" });
  const { access_token } = await provost.tokens(code, browser(), subject);
  await provost.changeProvider(id, { links_verified_email: false });

  assert.equal((await provost.whoIs(access_token)).id, there.id);
  assert.deepEqual(await linked(there.id), [subject]);
});

test("who is linked is not linked to a second account of the provider", async () => {
  await provost.changeProvider(id, { links_verified_email: true });
  const there = await local({ username: "people-twice", email: "people-twice@example.com" });
  const first = person({ preferred_username: "people-twice", email: "people-twice@example.com" });
  await provost.tokens(code, browser(), first);
  await refused(person({ preferred_username: "people-twice-2", email: "people-twice@example.com" }));
  await provost.changeProvider(id, { links_verified_email: false });

  assert.deepEqual(await linked(there.id), [first]);
});

test("a claim with an external key links whom it names", async () => {
  const there = await local({ username: "people-keyed", external_keys: [{ source: "people-hr", key: "10084" }] });
  const subject = person({ preferred_username: "people-keyed", employee_number: "10084" });
  const { access_token } = await provost.tokens(code, browser(), subject);

  assert.equal((await provost.whoIs(access_token)).id, there.id);
  assert.deepEqual(await linked(there.id), [subject]);
});

test("a person who was invited is active once they sign in", async () => {
  const there = await provost.post("/v1/users", { username: "people-invited", given_name: "Local", family_name: "Person", status: "invited", external_keys: [{ source: "people-hr", key: "10085" }] });
  const { access_token } = await provost.tokens(code, browser(), person({ preferred_username: "people-invited", employee_number: "10085" }));

  assert.equal((await provost.whoIs(access_token)).id, there.id);
  assert.equal((await provost.user(there.id)).status, "active");
});

test("nobody is made where a provider makes nobody", async () => {
  await provost.changeProvider(id, { creates_people: false });
  await refused(person({ preferred_username: "people-unknown" }));
  await provost.changeProvider(id, { creates_people: true });

  assert.deepEqual(await named("people-unknown"), []);
});

test("claims that make no person are refused with what is wrong", async () => {
  const signIn = await refused(person({ given_name: undefined }));
  assert.match(signIn.error_description, /given_name/);
});

test("claims in the ID token count where the userinfo endpoint would say the same", async () => {
  provider.claimsInIdTokens = true;
  provider.reload();
  const { access_token } = await provost.tokens(code, browser(), person({ preferred_username: "people-in-token" }));
  provider.claimsInIdTokens = false;
  provider.reload();

  const { id: user } = await provost.whoIs(access_token);
  assert.equal((await provost.user(user)).username, "people-in-token");
});

test("an identity that an administrator links is found", async () => {
  const there = await local({ username: "people-linked" });
  const subject = person({ preferred_username: "people-linked" });
  await provost.post(`/v1/users/${there.id}/identities`, { identity_provider_id: id, subject });
  assert.equal((await provost.whoIs((await provost.tokens(code, browser(), subject)).access_token)).id, there.id);
});

test("a person whose identity is removed is signed out and nobody's again", async () => {
  const subject = person();
  const tokens = await provost.tokens(code, browser(), subject);
  const { id: user } = await provost.whoIs(tokens.access_token);
  const [identity] = await provost.identities(user);
  const answer = await provost.request("DELETE", `/v1/users/${user}/identities/${identity.id}`, { headers: { "if-match": '"1"' } });
  expectStatus(answer, 204);

  expectStatus(await provost.me(tokens.access_token), 401);
  expectRefusal(await provost.refresh(tokens), "invalid_grant");
  await refused(subject);
});

test("a suspended person is refused everywhere, and comes back when active", async () => {
  const subject = person();
  const tokens = await provost.tokens(code, browser(), subject);
  const { id: user } = await provost.whoIs(tokens.access_token);
  await provost.patch(`/v1/users/${user}`, { status: "suspended" });

  await refused(subject);
  expectStatus(await provost.me(tokens.access_token), 401);
  expectRefusal(await provost.refresh(tokens), "invalid_grant");
  assert.equal((await provost.user(user)).status, "suspended");

  await provost.patch(`/v1/users/${user}`, { status: "active" });
  await provost.tokens(code, browser(), subject);
});

test("a provider that is turned off is led to no more", async () => {
  await provost.changeProvider(id, { enabled: false });
  const start = provost.startSignIn(code);
  const page = await browser().go(start.address, { stops: ["https://learn.example.com/", provider.issuer] });
  await provost.changeProvider(id, { enabled: true });

  assert.ok(!page.url.href.startsWith(provider.issuer), `${page.url}`);
});
