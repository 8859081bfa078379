// An OpenID provider on loopback: the certified oidc-provider, with accounts, clients, keys and outages in the hands of
// the tests.
import { generateKeyPairSync, randomBytes, randomUUID, sign } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:http";

import { Provider } from "oidc-provider";

import { CALLBACK, BACKCHANNEL_LOGOUT, SIGNED_OUT } from "./surface.mjs";

/** For whom access tokens are issued: Provost takes the first, and the second belongs to somebody else. */
export const API = "https://api.example.com";
export const OTHER_API = "https://other.example.com";

/** Where the programs' sign-ins end; nothing listens there. */
export const PROGRAM_REDIRECT = "http://127.0.0.1:1/done";

/** Provost at the provider. Its secret has what must be encoded in HTTP Basic (RFC 6749, section 2.3.1). */
export const PROVOST = { id: "provost", secret: `+/:%=${randomUUID()}` };

/** Every claim is in a scope, as the front end's words for them go. */
const CLAIMS = {
  openid: ["sub"],
  profile: ["preferred_username", "given_name", "family_name", "employee_number"],
  email: ["email", "email_verified"],
  groups: ["groups"],
};
const SCOPES = "openid profile email groups offline_access";

const TURNED_BACK = { error: "access_denied", error_description: "They turned back." };

export class OpenIdProvider {
  /** People by subject, each with their claims; change them at will. */
  accounts = new Map();
  /** Whether ID tokens hold the scopes' claims; if not, they are at the userinfo endpoint alone. */
  claimsInIdTokens = false;
  /** What is answered at a path in the provider's place: a function of request and response. */
  replies = new Map();
  /** How often each path was asked for. */
  requests = new Map();

  #store = new Map();
  #cookieKey = randomBytes(32).toString("base64url");
  #keys = [];
  #provost;
  #oidc;
  #server;
  #port = 0;

  /** A provider that knows the Provost at an address. */
  static async start(provostUrl) {
    const provider = new OpenIdProvider();
    provider.#provost = provostUrl;
    await provider.resume();
    provider.rotateKeys();
    return provider;
  }

  get issuer() {
    return `http://127.0.0.1:${this.#port}`;
  }

  /** A person of the provider; answers their subject. */
  add(claims) {
    const subject = randomUUID();
    this.accounts.set(subject, claims);
    return subject;
  }

  /** How often a path was asked for. */
  asked(path) {
    return this.requests.get(path) ?? 0;
  }

  /** Goes out of reach; connections are refused. */
  async stop() {
    const closed = once(this.#server, "close");
    this.#server.close();
    this.#server.closeAllConnections();
    await closed;
  }

  /** Comes (back) to where it was, with all that it knew. */
  async resume() {
    this.#server = createServer((request, response) => this.#answer(request, response));
    this.#server.listen(this.#port, "127.0.0.1");
    await once(this.#server, "listening");
    this.#port = this.#server.address().port;
  }

  /** Signs with new keys from now on. The old ones stay known if `keep`. */
  rotateKeys({ keep = false } = {}) {
    const fresh = Object.keys(KEY_KINDS).map(newKey);
    this.#keys = keep ? [...fresh, ...this.#keys] : fresh;
    this.reload();
  }

  /** Takes up changed settings. */
  reload() {
    this.#oidc = new Provider(this.issuer, this.#configuration());
    this.#oidc.on("server_error", (_context, error) => console.error("The provider failed:", error));
    this.#oidc.on("backchannel.error", (_context, error) => console.error("Back-channel logout failed:", error.message));
  }

  /** A token of any content, signed with the provider's key: what no certified provider would issue. */
  sign(claims, header = {}) {
    const key = this.#keys.find(({ alg }) => alg === (header.alg ?? "RS256"));
    const content = [{ alg: key.alg, kid: key.kid, ...header }, claims].map(encoded).join(".");
    const signature = sign("sha256", Buffer.from(content), { key: key.pair.privateKey, dsaEncoding: "ieee-p1363" });
    return `${content}.${signature.toString("base64url")}`;
  }

  /** The public half of the key that signs with RS256. */
  get publicKey() {
    return this.#keys.find(({ alg }) => alg === "RS256").pair.publicKey;
  }

  async #answer(request, response) {
    const path = request.url.split("?")[0];
    this.requests.set(path, this.asked(path) + 1);
    if (this.replies.has(path)) return this.replies.get(path)(request, response);
    if (path.startsWith("/interaction/")) return this.#interact(request, response);
    return this.#oidc.callback()(request, response);
  }

  /** The pages on which people say who they are and, to programs on their own devices, yes. */
  async #interact(request, response) {
    const { prompt } = await this.#oidc.interactionDetails(request, response);
    const asksWho = prompt.name === "login";
    if (request.method === "GET") {
      response.setHeader("content-type", "text/html");
      response.end(`<form method="post" action="${request.url}">${asksWho ? '<input name="login">' : ""}</form>`);
      return;
    }
    const login = new URLSearchParams(await text(request)).get("login");
    let result = { consent: {} };
    if (asksWho) result = this.accounts.has(login) ? { login: { accountId: login } } : TURNED_BACK;
    await this.#oidc.interactionFinished(request, response, result);
  }

  #configuration() {
    return {
      adapter: (model) => new Store(this.#store, model),
      clients: this.#clients(),
      claims: CLAIMS,
      conformIdTokenClaims: !this.claimsInIdTokens,
      cookies: { keys: [this.#cookieKey] },
      // The default refuses addresses of this machine.
      fetch: (url, { dispatcher: _, ...options }) => fetch(url, options),
      features: {
        devInteractions: { enabled: false },
        backchannelLogout: { enabled: true },
        rpInitiatedLogout: { enabled: true, logoutSource, postLogoutSuccessSource: (context) => (context.body = "Signed out.") },
        resourceIndicators: { enabled: true, getResourceServerInfo },
      },
      findAccount: (_context, subject) => this.#account(subject),
      interactions: { url: (_context, interaction) => `/interaction/${interaction.uid}` },
      jwks: { keys: this.#keys.map(({ jwk }) => jwk) },
      loadExistingGrant,
      pkce: { required: () => true },
      renderError: (context, out) => (context.body = JSON.stringify(out)),
      scopes: SCOPES.split(" "),
      ttl: { AccessToken: 600, Grant: 3600, IdToken: 600, Interaction: 600, RefreshToken: 3600, Session: 3600 },
    };
  }

  /** Provost, a program whose tokens Provost takes, and one whose tokens it does not. */
  #clients() {
    const program = { redirect_uris: [PROGRAM_REDIRECT], token_endpoint_auth_method: "none", application_type: "native", scope: SCOPES };
    return [
      {
        client_id: PROVOST.id,
        client_secret: PROVOST.secret,
        redirect_uris: [this.#provost + CALLBACK],
        post_logout_redirect_uris: [SIGNED_OUT],
        backchannel_logout_uri: this.#provost + BACKCHANNEL_LOGOUT,
        backchannel_logout_session_required: true,
        scope: SCOPES,
      },
      { client_id: "program", ...program },
      { client_id: "stranger", ...program },
    ];
  }

  async #account(subject) {
    const claims = this.accounts.get(subject);
    return claims && { accountId: subject, claims: async () => ({ sub: subject, ...claims }) };
  }
}

/** What the provider stores, kept over reloads and outages. */
class Store {
  constructor(map, model) {
    this.map = map;
    this.model = model;
  }
  async upsert(id, payload) {
    this.map.set(`${this.model}:${id}`, payload);
  }
  async find(id) {
    return this.map.get(`${this.model}:${id}`);
  }
  async findByUid(uid) {
    return this.#all().find(([, payload]) => payload.uid === uid)?.[1];
  }
  async consume(id) {
    (await this.find(id)).consumed = Math.floor(Date.now() / 1000);
  }
  async destroy(id) {
    this.map.delete(`${this.model}:${id}`);
  }
  async revokeByGrantId(grantId) {
    for (const [key, payload] of this.#all()) if (payload.grantId === grantId) this.map.delete(key);
  }
  #all() {
    return [...this.map].filter(([key]) => key.startsWith(`${this.model}:`));
  }
}

/** Nobody is asked what clients may see: all are the organization's own. */
async function loadExistingGrant(context) {
  const { client, provider, resourceServers, session } = context.oidc;
  const known = session.grantIdFor(client.clientId);
  const grant = (known && (await provider.Grant.find(known))) || new provider.Grant({ clientId: client.clientId, accountId: session.accountId });
  grant.addOIDCScope(SCOPES);
  for (const resource of Object.keys(resourceServers ?? {})) grant.addResourceScope(resource, "api");
  await grant.save();
  return grant;
}

async function getResourceServerInfo(_context, resource) {
  return { scope: "api", audience: resource, accessTokenFormat: "jwt", accessTokenTTL: 600, jwt: { sign: { alg: "ES256" } } };
}

/** The page that asks whether they mean to sign out. */
async function logoutSource(context, form) {
  context.body = form.replace("</form>", '<input type="hidden" name="logout" value="yes"></form>');
}

const KEY_KINDS = { RS256: ["rsa", { modulusLength: 2048 }], ES256: ["ec", { namedCurve: "P-256" }] };

function newKey(alg) {
  const pair = generateKeyPairSync(...KEY_KINDS[alg]);
  const kid = randomUUID();
  return { alg, kid, pair, jwk: { ...pair.privateKey.export({ format: "jwk" }), alg, kid, use: "sig" } };
}

/** A reply of JSON, for `replies`. */
export function json(body, status = 200) {
  return (_request, response) => response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
}

/** A part of a token. */
export function encoded(value) {
  return Buffer.from(JSON.stringify(value)).toString("base64url");
}

async function text(stream) {
  const chunks = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}
