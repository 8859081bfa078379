//! A call of a SCIM client: who it is to external ids, and whether its token only tries.

use std::{
    future::{Future, Ready, ready},
    pin::Pin,
    sync::Arc,
};

use actix_web::{FromRequest, HttpMessage, HttpRequest, dev::Payload};
use serde_json::Value;

use super::{dry_runs, passwords::without_passwords, schema::check_schemas};
use crate::{
    access::service_accounts::scim_tokens::ScimToken,
    app::{Call, Tx},
    http::{ApiResult, Reply, body},
    scim::error,
};

/// What answers and external ids need to know of the client.
#[derive(Debug, Clone)]
pub struct Client {
    /// The address that its resources are below, without a slash at the end.
    pub base: String,
    /// The source of its external keys. No two clients share one, and nothing but SCIM can name it.
    pub source: String,
    /// The most bytes that a body may have.
    pub body_limit: u32,
}

/// What a request asks for, for the record of what it would have done.
#[derive(Debug, Clone)]
pub struct Asked {
    /// Its method.
    pub method: String,
    /// Its path and query.
    pub path: String,
    /// Its body.
    pub body: Arc<Value>,
}

/// An authenticated call below `/scim/v2`.
#[derive(Clone)]
pub struct ScimCall {
    call: Call,
    /// The client.
    pub client: Client,
    token: Option<ScimToken>,
    method: String,
    path: String,
}

impl ScimCall {
    /// Reads on a database thread.
    pub async fn read(
        self,
        f: impl FnOnce(&mut Tx, &Client) -> ApiResult<Reply> + Send + 'static,
    ) -> ApiResult<Reply> {
        let client = self.client;
        self.call.read(move |tx| f(tx, &client)).await
    }

    /// Writes in one transaction; with a token that only tries, what would have been written is recorded instead.
    pub async fn write(
        self,
        body: Value,
        f: impl Fn(&mut Tx, &Client, &Value) -> ApiResult<Reply> + Send + 'static,
    ) -> ApiResult<Reply> {
        let ScimCall {
            call,
            client,
            token,
            method,
            path,
        } = self;
        let body = Arc::new(body);
        let asked = Asked {
            method,
            path,
            body: body.clone(),
        };
        call.write(move |tx| match &token {
            Some(token) if token.dry_run => {
                dry_runs::record::rehearse(tx, token, &asked, |tx| f(tx, &client, &body))
            }
            _ => f(tx, &client, &body),
        })
        .await
    }
}

impl FromRequest for ScimCall {
    type Error = crate::http::ApiError;
    type Future = Ready<ApiResult<Self>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let call = Call::from_request(request, payload).into_inner();
        ready(call.map(|call| {
            let call = call.taking_any_parameters();
            let base = format!("{}{}", call.app.config.public_url(), error::ADDRESS);
            let client = Client {
                base,
                source: format!("scim:{}", call.caller().principal_id()),
                body_limit: call.app.config.body_limit,
            };
            let path = match request.query_string() {
                "" => request.path().to_owned(),
                query => format!("{}?{query}", request.path()),
            };
            ScimCall {
                call,
                client,
                token: request.extensions().get::<ScimToken>().copied(),
                method: request.method().as_str().to_owned(),
                path,
            }
        }))
    }
}

/// A body in JSON, whatever it holds but passwords.
#[derive(Debug)]
pub struct ScimBody(pub Value);

impl FromRequest for ScimBody {
    type Error = crate::http::ApiError;
    type Future = Pin<Box<dyn Future<Output = ApiResult<Self>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let bytes = body::receive(request, payload);
        Box::pin(async move {
            let body = body::read_any(&bytes.await?)?;
            check_schemas(&body)?;
            Ok(ScimBody(without_passwords(body)))
        })
    }
}
