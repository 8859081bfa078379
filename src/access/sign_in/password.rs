//! The password grant (RFC 6749, section 4.3).

use std::sync::Arc;

use actix_web::{HttpRequest, HttpResponse, http::header};
use uuid::Uuid;

use super::{
    form::{answer, refuse, too_many},
    model::{TokenRequest, TokenResponse},
    routes::response,
    store::{self, Account},
};
use crate::{
    access::{
        attempts::{Attempt, Refusal},
        hashing::Hashing,
        sessions::{model::Origin, refresh},
    },
    app::{Acting, App},
    http::{ApiResult, address, request},
};

/// What a name and a password lead to.
pub enum Person {
    /// An active person, the hash of the password, and whether they must change it.
    Known(Uuid, String, bool),
    /// Nobody.
    Unknown,
    /// They were not looked at, or do not count: too many failed.
    Refused(Refusal),
}

/// Signs a person in. One answer for unknown, wrong and not active, after the same work.
pub(super) async fn sign_in(
    app: &Arc<App>,
    request: &HttpRequest,
    form: TokenRequest,
) -> ApiResult<HttpResponse> {
    let (Some(username), Some(password)) = (form.username, form.password) else {
        return Ok(refuse("invalid_request", "Send username and password."));
    };
    let tokens = match authenticate(app, request, username, password).await? {
        Person::Known(_, _, true) => {
            return Ok(refuse(
                "password_change_required",
                "The password is right and must be changed first: POST /account/password-changes.",
            ));
        }
        Person::Known(user, hash, false) => begin(app, user, hash, origin(request)).await?,
        Person::Unknown => None,
        Person::Refused(refusal) => return Ok(too_many(refusal)),
    };
    Ok(tokens.map_or_else(
        || {
            refuse(
                "invalid_grant",
                "Username or password is wrong, or the account may not sign in.",
            )
        },
        answer,
    ))
}

/// Finds out whose name and password these are: the same statements and one hash, whether or not the user exists.
pub async fn authenticate(
    app: &Arc<App>,
    request: &HttpRequest,
    username: String,
    password: String,
) -> ApiResult<Person> {
    let address = address::of(request);
    let looked_up = app
        .on_database(move |app, conn| {
            let account = store::account(conn, &username, address, app.clock.now())?;
            let attempt = Attempt::with_password(&account.name, address, account.is_familiar);
            Ok((attempt.refusal(app, conn)?, attempt, account))
        })
        .await?;
    let (attempt, account) = match looked_up {
        (Some(refusal), ..) => return Ok(Person::Refused(refusal)),
        (None, attempt, account) => (attempt, account),
    };
    let Account {
        user_id,
        hash,
        must_change,
        ..
    } = account;
    let fits = app.part::<Hashing>().verify(password, hash.clone()).await?;
    app.on_database(move |app, conn| {
        let person = user_id.zip(hash).filter(|_| fits);
        let refusal = match person {
            Some(_) => attempt.succeeded(app, conn)?,
            None => attempt.failed(app, conn)?,
        };
        Ok(match (refusal, person) {
            (Some(refusal), _) => Person::Refused(refusal),
            (None, Some((user, hash))) => Person::Known(user, hash, must_change.unwrap_or_default()),
            (None, None) => Person::Unknown,
        })
    })
    .await
}

/// Begins a session, unless the password that was shown has been changed meanwhile: changing it ended the
/// sessions that they found.
async fn begin(app: &Arc<App>, user: Uuid, hash: String, origin: Origin) -> ApiResult<Option<TokenResponse>> {
    let acting = Acting::signing_in(user, request::current_id().unwrap_or_default());
    app.on_database(move |app, conn| {
        app.write(conn, &acting, |tx| {
            if !store::lock_password(tx.conn, user, &hash)? {
                return Ok(None);
            }
            let opened = refresh::begin(tx, user, &origin)?;
            response(tx, opened).map(Some)
        })
    })
    .await
}

/// How a program that signs in calls itself is kept up to here.
const LONGEST_USER_AGENT: usize = 300;

/// Where a sign-in comes from.
pub fn origin(request: &HttpRequest) -> Origin {
    let user_agent = request
        .headers()
        .get(header::USER_AGENT)
        .and_then(|value| value.to_str().ok());
    Origin {
        user_agent: user_agent.map(|text| text.chars().take(LONGEST_USER_AGENT).collect()),
        address: address::of(request).map(|address| address.to_string()),
        provider: None,
    }
}
