// Provost as an administrator, a front end and programs use it.
import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";

import { AUTHORIZE, CODE_GRANT, EXCHANGE_GRANT, ID_TOKEN_TYPE, PROVIDERS, SIGNED_IN, SIGNED_OUT, SIGN_OUTS, TOKEN } from "./surface.mjs";

const random = () => randomBytes(32).toString("base64url");

export class Provost {
  #admin;

  /** The one that the environment names, or a process of it at another address, as its administrator. */
  static async connect(url = process.env.PROVOST_URL) {
    const provost = new Provost();
    provost.url = url;
    const answer = await provost.token({ grant_type: "password", username: "admin", password: process.env.PROVOST_ADMIN_PASSWORD });
    provost.#admin = expectStatus(answer, 200).access_token;
    return provost;
  }

  /** A request with a JSON body; the administrator's unless `token` says otherwise. */
  async request(method, path, { body, token = this.#admin, headers = {} } = {}) {
    const authorization = token ? { authorization: `Bearer ${token}` } : {};
    const content = body === undefined ? {} : { "content-type": "application/json" };
    const response = await fetch(this.url + path, {
      method,
      headers: { ...authorization, ...content, ...headers },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    return read(response);
  }

  /** A request with a form. */
  async form(path, fields) {
    return read(await fetch(this.url + path, { method: "POST", body: new URLSearchParams(fields) }));
  }

  token(fields) {
    return this.form(TOKEN, fields);
  }

  // ---- The administrator

  async get(path) {
    return expectStatus(await this.request("GET", path), 200);
  }

  async post(path, body) {
    return expectStatus(await this.request("POST", path, { body }), 200, 201);
  }

  /** Changes a thing as it is now. */
  async patch(path, body) {
    const { version } = await this.get(path);
    return expectStatus(await this.request("PATCH", path, { body, headers: { "if-match": `"${version}"` } }), 200);
  }

  /** Sets an OpenID provider up. */
  addProvider(provider) {
    return this.post(PROVIDERS, provider);
  }

  changeProvider(id, changes) {
    return this.patch(`${PROVIDERS}/${id}`, changes);
  }

  user(id) {
    return this.get(`/v1/users/${id}`);
  }

  /** The people whom a filter finds. */
  async users(filter) {
    return (await this.get(`/v1/users?${new URLSearchParams({ filter })}`)).data;
  }

  /** The ids of a group's members. */
  async members(group) {
    return (await this.get(`/v1/groups/${group}/members`)).data.map((member) => member.user_id);
  }

  async identities(user) {
    return (await this.get(`/v1/users/${user}/identities`)).data;
  }

  // ---- A front end

  /** A sign-in to begin: what the front end keeps, and the address to which it sends the browser. */
  startSignIn(provider, changes = {}) {
    const verifier = random();
    const state = random();
    const parameters = {
      response_type: "code",
      provider,
      redirect_uri: SIGNED_IN,
      state,
      code_challenge: createHash("sha256").update(verifier).digest("base64url"),
      code_challenge_method: "S256",
      ...changes,
    };
    for (const [name, value] of Object.entries(parameters)) if (value === undefined) delete parameters[name];
    return { verifier, state, address: `${this.url}${AUTHORIZE}?${new URLSearchParams(parameters)}` };
  }

  /** Lets a browser sign somebody in; answers what the front end's page is told. */
  async signIn(provider, browser, login, changes) {
    const start = this.startSignIn(provider, changes);
    const end = await browser.go(start.address, { stops: [SIGNED_IN], fields: { login } });
    return { ...start, ...told(end) };
  }

  /** Redeems the code of a sign-in. */
  redeem(signIn, changes = {}) {
    return this.token({ grant_type: CODE_GRANT, code: signIn.code, code_verifier: signIn.verifier, redirect_uri: SIGNED_IN, ...changes });
  }

  /** The tokens of somebody who signs in. */
  async tokens(provider, browser, login) {
    const signIn = await this.signIn(provider, browser, login);
    assert.equal(signIn.error, undefined, `${signIn.error}: ${signIn.error_description}`);
    assert.equal(signIn.returnedState, signIn.state);
    return expectStatus(await this.redeem(signIn), 200);
  }

  refresh({ refresh_token }) {
    return this.token({ grant_type: "refresh_token", refresh_token });
  }

  signOut({ refresh_token }, state) {
    const body = { refresh_token, post_logout_redirect_uri: SIGNED_OUT, state };
    return this.request("POST", SIGN_OUTS, { body, token: null });
  }

  /** Who a token is, as Provost answers. */
  me(token) {
    return this.request("GET", "/v1/me", { token });
  }

  /** The person whose token it is. */
  async whoIs(token) {
    return expectStatus(await this.me(token), 200);
  }

  // ---- A program

  exchange(idToken, changes = {}) {
    return this.token({ grant_type: EXCHANGE_GRANT, subject_token: idToken, subject_token_type: ID_TOKEN_TYPE, ...changes });
  }
}

/** What a page of the front end is told in its address. */
export function told({ url, status, body }) {
  assert.ok(url.href.startsWith(SIGNED_IN), `The browser ended at ${url} with ${status}: ${body}`);
  const { state: returnedState, ...parameters } = Object.fromEntries(url.searchParams);
  return { returnedState, ...parameters };
}

/** The body of an answer that must have one of these statuses. */
export function expectStatus(answer, ...statuses) {
  assert.ok(statuses.includes(answer.status), `wanted ${statuses.join(" or ")}, got ${answer.status} ${JSON.stringify(answer.body)}`);
  return answer.body;
}

/** The refusal of a token request must have this error (RFC 6749, section 5.2). */
export function expectRefusal(answer, error) {
  expectStatus(answer, 400);
  assert.equal(answer.body.error, error, JSON.stringify(answer.body));
}

async function read(response) {
  const text = await response.text();
  const isJson = response.headers.get("content-type")?.includes("json");
  return { status: response.status, headers: response.headers, body: isJson && text ? JSON.parse(text) : text };
}
