//! HTTP to OpenID providers: bounded in time and size, by TLS or on this machine, and never after a redirect.

use std::{fmt, time::Duration};

use awc::{Client, ClientResponse, Connector, http::StatusCode};
use serde_json::Value;
use url::Url;

use crate::{http::json::Strict, urls::is_reachable};

/// A provider has so long for an answer.
const TIMEOUT: Duration = Duration::from_secs(5);
/// Bytes that an answer may have.
const MOST: usize = 1 << 20;

/// Why there is no answer, for the log.
#[derive(Debug, Clone)]
pub struct Failure {
    detail: String,
    is_refusal: bool,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(&self.detail)
    }
}

impl Failure {
    /// What went wrong at that address.
    pub fn new(url: &str, cause: impl fmt::Display) -> Self {
        Failure {
            detail: format!("{url}: {cause}"),
            is_refusal: false,
        }
    }

    /// Whether the provider answered that it will not.
    pub fn is_refusal(&self) -> bool {
        self.is_refusal
    }
}

thread_local! {
    /// A thread's client. Connections are not kept, so none is found dead when the provider comes back.
    static CLIENT: Client = Client::builder()
        .connector(Connector::new().timeout(TIMEOUT).conn_keep_alive(Duration::ZERO))
        .timeout(TIMEOUT)
        .disable_redirects()
        .finish();
}

fn client() -> Client {
    CLIENT.with(Client::clone)
}

fn checked(url: &str) -> Result<&str, Failure> {
    match Url::parse(url) {
        Ok(parsed) if is_reachable(&parsed) => Ok(url),
        _ => Err(Failure::new(
            url,
            "is no https:// address (http:// on this machine only)",
        )),
    }
}

/// The JSON at an address, to a bearer token if one is given.
pub async fn get(url: &str, bearer: Option<&str>) -> Result<Value, Failure> {
    let mut request = client()
        .get(checked(url)?)
        .insert_header(("Accept", "application/json"));
    if let Some(token) = bearer {
        request = request.bearer_auth(token);
    }
    let answer = request.send().await.map_err(|error| Failure::new(url, error))?;
    match read(url, answer).await? {
        (StatusCode::OK, json) => Ok(json),
        (status, _) => Err(Failure {
            is_refusal: status.is_client_error(),
            ..Failure::new(url, format!("answered {status}"))
        }),
    }
}

/// How a client proves itself at the token endpoint (OpenID Connect Core, section 9).
pub enum ClientProof<'a> {
    /// HTTP Basic with id and secret.
    Basic(&'a str, &'a str),
    /// Nothing, or what stands in the form.
    InForm,
}

/// Posts a form; answers the status and the JSON.
pub async fn post(
    url: &str,
    proof: ClientProof<'_>,
    form: &[(&str, &str)],
) -> Result<(StatusCode, Value), Failure> {
    let mut request = client()
        .post(checked(url)?)
        .insert_header(("Accept", "application/json"));
    if let ClientProof::Basic(id, secret) = proof {
        // RFC 6749, section 2.3.1: both are encoded as in a form.
        let encoded = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
        request = request.basic_auth(encoded(id), encoded(secret));
    }
    let answer = request
        .send_form(&form)
        .await
        .map_err(|error| Failure::new(url, error))?;
    read(url, answer).await
}

async fn read<S>(url: &str, mut answer: ClientResponse<S>) -> Result<(StatusCode, Value), Failure>
where
    S: futures_util::Stream<Item = Result<actix_web::web::Bytes, awc::error::PayloadError>> + Unpin,
{
    let status = answer.status();
    let body = tokio::time::timeout(TIMEOUT, answer.body().limit(MOST))
        .await
        .map_err(|error| Failure::new(url, error))?
        .map_err(|error| Failure::new(url, error))?;
    // Errors need no body that can be read.
    match serde_json::from_slice(&body) {
        Ok(Strict(json)) => Ok((status, json)),
        Err(error) if status.is_success() => Err(Failure::new(url, error)),
        Err(_) => Ok((status, Value::Null)),
    }
}
