// Who is signed in. Tokens live in memory. While the page loads again they lie in sessionStorage and are taken out at once:
// a copied tab finds none, since a refresh token that two tabs use ends the session.
import createClient from "openapi-fetch";

import type { components, paths } from "./provost";

export const API: string = import.meta.env.VITE_PROVOST_URL ?? "http://127.0.0.1:8080";
/** Where providers send the browser back to: one of the `redirect_uris` of the academy's provider. */
const HOME = `${location.origin}/`;
/** Access tokens are renewed so many milliseconds before they end. */
const EARLY = 30_000;

interface Tokens {
  access: string;
  refresh: string;
  until: number;
}

/** The session is over: sign in again. */
export class SignedOut extends Error {}

const anonymous = createClient<paths>({ baseUrl: API });
let tokens = taken<Tokens>("provost.tokens");
let renewal: Promise<void> | null = null;
let listener = () => {};

addEventListener("pagehide", () => {
  if (tokens) sessionStorage.setItem("provost.tokens", JSON.stringify(tokens));
});
addEventListener("pageshow", () => sessionStorage.removeItem("provost.tokens"));

export const isSignedIn = () => tokens !== null;

/** Has a function called when the session begins or ends. */
export function onChange(heard: () => void) {
  listener = heard;
}

export function signIn(username: string, password: string) {
  return begin({ grant_type: "password", username, password });
}

/** The providers to offer, such as the company's account. */
export async function providers() {
  const { data } = await anonymous.GET("/oauth/providers");
  return data?.data ?? [];
}

/** Leads the browser to a provider; it comes back to `HOME` with a code. */
export async function signInWith(provider: string) {
  const [verifier, state] = [random(), random()];
  sessionStorage.setItem("provost.sign-in", JSON.stringify({ verifier, state, page: location.hash }));
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(verifier));
  const query = new URLSearchParams({
    response_type: "code",
    provider,
    redirect_uri: HOME,
    state,
    code_challenge: base64url(new Uint8Array(digest)),
    code_challenge_method: "S256",
  });
  location.assign(`${API}/oauth/authorize?${query}`);
}

/** Takes the code with which the browser comes back from a provider. */
export async function comeBack() {
  const query = new URLSearchParams(location.search);
  const begun = taken<{ verifier: string; state: string; page: string }>("provost.sign-in");
  if (!query.has("state")) return;
  history.replaceState(null, "", begun?.page || "/");
  if (query.get("state") !== begun?.state) throw new Error("This sign-in was begun in another window. Sign in again.");
  const code = query.get("code");
  if (!code) throw new Error(query.get("error_description") ?? "The provider did not sign you in.");
  await begin({ grant_type: "authorization_code", code, code_verifier: begun.verifier, redirect_uri: HOME });
}

export async function signOut() {
  if (!tokens) return;
  const body = { refresh_token: tokens.refresh, post_logout_redirect_uri: HOME };
  const { data } = await anonymous.POST("/account/sign-outs", { body });
  end();
  // The provider has a session of its own.
  if (data?.provider_sign_out_url) location.assign(data.provider_sign_out_url);
}

/** `fetch` with the access token: renewed in time, and once more where it does not count any longer. */
export async function signedFetch(request: Request) {
  if (tokens && Date.now() > tokens.until - EARLY) await renew();
  const send = () => {
    if (!tokens) throw new SignedOut();
    const signed = request.clone();
    signed.headers.set("Authorization", `Bearer ${tokens.access}`);
    return fetch(signed);
  };
  const answer = await send();
  if (answer.status !== 401) return answer;
  await renew();
  return send();
}

/** A refresh token works once, so everybody waits for the same renewal. */
function renew() {
  renewal ??= renewed().finally(() => (renewal = null));
  return renewal;
}

async function renewed() {
  if (!tokens) throw new SignedOut();
  try {
    await begin({ grant_type: "refresh_token", refresh_token: tokens.refresh });
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    end();
    throw new SignedOut();
  }
}

class Refused extends Error {}

async function begin(body: components["schemas"]["TokenRequest"]) {
  const { data, error, response } = await anonymous.POST("/oauth/token", {
    body,
    headers: { "Content-Type": "application/x-www-form-urlencoded" },
  });
  if (!data) {
    const text = "detail" in error ? error.detail : error.error_description;
    throw response.status < 429 ? new Refused(text) : new Error(text);
  }
  tokens = {
    access: data.access_token,
    refresh: data.refresh_token ?? "",
    until: Date.now() + data.expires_in * 1000,
  };
  listener();
}

function end() {
  tokens = null;
  listener();
}

/** What lies in sessionStorage, taken out. */
function taken<T>(key: string): T | null {
  const text = sessionStorage.getItem(key);
  sessionStorage.removeItem(key);
  return text ? JSON.parse(text) : null;
}

const random = () => base64url(crypto.getRandomValues(new Uint8Array(32)));

function base64url(bytes: Uint8Array) {
  const text = btoa(String.fromCharCode(...bytes));
  return text.replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}
