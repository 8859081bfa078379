//! The user that a provider's claims are about.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde_json::{Map, Value};
use uuid::Uuid;

use super::{
    providers::model::ProviderRow,
    tokens::{self, Claims, ProviderTokenError},
};
use crate::{
    access::sessions::model::ProviderSession,
    app::{Acting, App, Part, Tx},
    http::{ApiResult, FieldError, request},
};

/// What a provider says about a person.
#[derive(Debug, Clone)]
pub struct Person {
    /// Who they are there.
    pub subject: String,
    /// When it was said.
    pub said_at: DateTime<Utc>,
    /// All that is said.
    pub claims: Map<String, Value>,
}

/// Finds, makes and changes the people who sign in by a provider.
pub trait SsoPeople: Send + Sync {
    /// What is wrong with how a provider's claims are to become people.
    fn faults(&self, tx: &mut Tx, provider: &ProviderRow) -> ApiResult<Vec<FieldError>>;

    /// The active user that the provider's claims are about, with these claims; or why nobody signs in.
    fn sign_in(
        &self,
        tx: &mut Tx,
        provider: &ProviderRow,
        person: &Person,
    ) -> ApiResult<Result<Uuid, String>>;
}

/// Who provides the people who sign in by a provider, set at the top.
pub struct PeopleOfProviders(pub &'static dyn SsoPeople);

impl Part for PeopleOfProviders {}

/// Why nobody signs in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// What was sent is not the provider's word.
    Forged(String),
    /// It leads to nobody who may sign in.
    Denied(String),
    /// The provider cannot be reached.
    Unreachable,
}

impl From<ProviderTokenError> for Refusal {
    fn from(doubt: ProviderTokenError) -> Self {
        match doubt {
            ProviderTokenError::Refused(why) => {
                Refusal::Forged(format!("The provider's token does not count: {why}."))
            }
            ProviderTokenError::Unfit(why) => {
                Refusal::Denied(format!("The provider's token does not count: {why}."))
            }
            ProviderTokenError::Unreachable => Refusal::Unreachable,
        }
    }
}

/// Somebody who signs in: what was said of them, and the session that it was said in.
pub(super) struct ProviderSignIn {
    pub person: Person,
    pub session: ProviderSession,
}

impl ProviderSignIn {
    /// Reads the claims of a token. An ID token that was issued to Provost is kept: at sign-out it tells the provider which
    /// session to end.
    pub fn new(provider: &ProviderRow, claims: Claims, id_token: Option<String>) -> Self {
        let sid = claims.text("sid").map(str::to_owned);
        let is_ours = tokens::audiences(&claims.all).contains(&provider.client_id.as_str());
        let id_token = id_token.filter(|_| is_ours);
        let subject = claims.subject.unwrap_or_default();
        ProviderSignIn {
            session: ProviderSession {
                provider_id: provider.id,
                subject: subject.clone(),
                sid,
                id_token,
            },
            person: Person {
                subject,
                said_at: claims.issued_at,
                claims: claims.all,
            },
        }
    }
}

/// Finds the user and does `then` for them, in one transaction; Provost acts.
pub(super) async fn sign_in<T: Send + 'static>(
    app: &Arc<App>,
    provider: Arc<ProviderRow>,
    person: Person,
    then: impl Fn(&mut Tx, Uuid) -> ApiResult<T> + Send + 'static,
) -> ApiResult<Result<T, Refusal>> {
    let acting = Acting::system(request::current_id().unwrap_or_default());
    app.on_database(move |app, conn| {
        app.write(conn, &acting, |tx| {
            match app
                .part::<PeopleOfProviders>()
                .0
                .sign_in(tx, &provider, &person)?
            {
                Ok(user) => then(tx, user).map(Ok),
                Err(why) => Ok(Err(Refusal::Denied(why))),
            }
        })
    })
    .await
}
