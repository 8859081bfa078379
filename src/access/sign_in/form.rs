//! What the OAuth endpoints share: forms (RFC 6749, section 3.2), answers and errors (sections 5.1 and 5.2).

use actix_web::{
    HttpMessage, HttpRequest, HttpResponse,
    http::{
        StatusCode,
        header::{HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE},
    },
    web::{Bytes, Query},
};
use serde::{Serialize, de::DeserializeOwned};

use super::model::{TokenError, TokenQuery, TokenRequest};
use crate::{
    access::attempts::Refusal,
    http::{ApiResult, body::unreadable},
    text::normalize,
};

/// Nothing between us and the client keeps an answer that holds a token, or speaks of one.
pub const NO_STORE: (&str, &str) = ("Cache-Control", "no-store");

/// A form's parameters.
pub trait Form: DeserializeOwned {
    /// All that count.
    fn parameters(&mut self) -> Vec<&mut Option<String>>;
}

impl Form for TokenRequest {
    fn parameters(&mut self) -> Vec<&mut Option<String>> {
        vec![
            &mut self.grant_type,
            &mut self.username,
            &mut self.password,
            &mut self.client_id,
            &mut self.client_secret,
            &mut self.refresh_token,
            &mut self.code,
            &mut self.code_verifier,
            &mut self.redirect_uri,
            &mut self.subject_token,
            &mut self.subject_token_type,
            &mut self.actor_token,
            &mut self.actor_token_type,
            &mut self.requested_token_type,
        ]
    }
}

impl Form for TokenQuery {
    fn parameters(&mut self) -> Vec<&mut Option<String>> {
        vec![&mut self.token, &mut self.client_id, &mut self.client_secret]
    }
}

/// Reads a form: each parameter once and in NFC, empty ones as if absent; or what is wrong with it.
pub fn read<T: Form>(
    request: &HttpRequest,
    body: Result<Bytes, actix_web::Error>,
) -> ApiResult<Result<T, &'static str>> {
    let body = body.map_err(|error| unreadable(&error))?;
    Ok(parse(request, &body))
}

fn parse<T: Form>(request: &HttpRequest, body: &[u8]) -> Result<T, &'static str> {
    const MALFORMED: &str =
        "Send the parameters of RFC 6749 as application/x-www-form-urlencoded, each once.";
    if !request
        .content_type()
        .eq_ignore_ascii_case("application/x-www-form-urlencoded")
    {
        return Err(MALFORMED);
    }
    let text = std::str::from_utf8(body).map_err(|_| MALFORMED)?;
    let form = Query::<T>::from_query(text).map_err(|_| MALFORMED)?;
    let mut form = form.into_inner();
    for parameter in form.parameters() {
        if parameter.as_deref().is_some_and(|text| text.contains('\0')) {
            return Err("Leave out U+0000.");
        }
        parameter.take_if(|text| text.is_empty());
        if let Some(text) = parameter {
            *text = normalize(text).into_owned();
        }
    }
    Ok(form)
}

/// 200, not to be kept, also by caches of HTTP/1.0 (RFC 6749, section 5.1).
pub fn answer(body: impl Serialize) -> HttpResponse {
    HttpResponse::Ok()
        .insert_header(NO_STORE)
        .insert_header(("Pragma", "no-cache"))
        .json(body)
}

/// 400.
pub fn refuse(error: &str, description: &str) -> HttpResponse {
    refuse_with(StatusCode::BAD_REQUEST, error, description)
}

/// 401: the client is not who it says.
pub fn unknown_client() -> HttpResponse {
    let mut answer = refuse_with(
        StatusCode::UNAUTHORIZED,
        "invalid_client",
        "client_id or client_secret is wrong, expired or revoked, or the account is suspended.",
    );
    answer.headers_mut().insert(
        WWW_AUTHENTICATE,
        HeaderValue::from_static("Basic realm=\"provost\""),
    );
    answer
}

/// 429: too many attempts failed. `slow_down` is the word that the token endpoint has for it (RFC 8628, section 3.5).
pub fn too_many(refusal: Refusal) -> HttpResponse {
    let mut answer = refuse_with(
        StatusCode::TOO_MANY_REQUESTS,
        "slow_down",
        "Too many attempts failed; wait as long as Retry-After says.",
    );
    answer
        .headers_mut()
        .insert(RETRY_AFTER, HeaderValue::from(refusal.retry_after()));
    answer
}

/// An error with its status.
pub fn refuse_with(status: StatusCode, error: &str, description: &str) -> HttpResponse {
    HttpResponse::build(status)
        .insert_header(NO_STORE)
        .json(TokenError {
            error: error.into(),
            error_description: description_of(description),
        })
}

/// A description in the characters that RFC 6749 has for it (section 5.2): one line of ASCII without `"` and `\`. What others
/// said may be part of it.
pub fn description_of(text: &str) -> String {
    let characters = text.chars().map(|character| match character {
        '"' => '\'',
        '\\' => '/',
        ' '..='~' => character,
        _ if character.is_whitespace() || character.is_control() => ' ',
        _ => '?',
    });
    characters.collect()
}
