// What of Provost's HTTP surface the provider, the browser and the tests name.

/** Where providers send browsers back to. */
export const CALLBACK = "/oauth/callback";
/** Where providers say that somebody signed out. */
export const BACKCHANNEL_LOGOUT = "/oauth/backchannel-logout";
/** Where sign-ins begin. */
export const AUTHORIZE = "/oauth/authorize";
/** Where tokens come from. */
export const TOKEN = "/oauth/token";
/** Where people sign out. */
export const SIGN_OUTS = "/account/sign-outs";
/** Where providers are set up. */
export const PROVIDERS = "/v1/identity-providers";

/** Pages of the front end; nobody is there, browsers stop before them. */
export const SIGNED_IN = "https://learn.example.com/signed-in";
export const SIGNED_OUT = "https://learn.example.com/signed-out";

/** Grant and token types (RFC 6749, RFC 8693). */
export const CODE_GRANT = "authorization_code";
export const EXCHANGE_GRANT = "urn:ietf:params:oauth:grant-type:token-exchange";
export const ID_TOKEN_TYPE = "urn:ietf:params:oauth:token-type:id_token";
