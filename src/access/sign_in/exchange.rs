//! The token exchange grant (RFC 8693): a token by which one principal acts on behalf of a person, with what that person
//! may do. Both stand in it, and in every event.

use std::sync::Arc;

use actix_web::{HttpRequest, HttpResponse, http::StatusCode};
use uuid::Uuid;

use super::{
    form::{answer, refuse, refuse_with, too_many},
    model::{TokenRequest, TokenResponse},
};
use crate::{
    access::{
        attempts::Attempt,
        authenticate,
        events::ACTED_FOR,
        inclusion,
        token::{self, Actor},
    },
    app::{Acting, App, Tx},
    authz::{Caller, Permission, lacks},
    db::{Condition, Sql, schema::users},
    http::{ApiError, ApiResult, Code, address, request},
    ledger::Event,
};
use diesel::{ExpressionMethods, OptionalExtension, QueryDsl, RunQueryDsl};

/// The grant type.
pub const GRANT_TYPE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
/// What is exchanged for, and what the actor shows.
pub const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";
/// The person is named by our id: nobody else's token is needed to act for them, but their powers.
pub const USER_ID: &str = "urn:provost:token-type:user-id";

/// Issues a token for a person to a caller who holds every permission that the person holds.
pub(super) async fn exchange(
    app: &Arc<App>,
    request: &HttpRequest,
    form: TokenRequest,
) -> ApiResult<HttpResponse> {
    let asked = match asked(form) {
        Ok(asked) => asked,
        Err(description) => return Ok(refuse("invalid_request", description)),
    };
    let (subject, actor_token) = asked;
    let Some((actor, caller)) = actor(app, &actor_token).await? else {
        let attempt = Attempt::with("actor_token", address::of(request));
        let refusal = app
            .on_database(move |app, conn| Ok(attempt.count_wrong_secret(app, conn)?))
            .await?;
        return Ok(refusal.map_or_else(
            || {
                refuse(
                    "invalid_request",
                    "The actor_token does not count, or is itself on behalf of somebody.",
                )
            },
            too_many,
        ));
    };
    let acting = Acting {
        caller,
        session: actor.sid,
        request_id: request::current_id().unwrap_or_default(),
        deadline: None,
    };
    let issued = app
        .on_database(move |app, conn| {
            app.write(conn, &acting, |tx| {
                require(tx, subject)?;
                tx.record(Event::new(&ACTED_FOR, subject).about(subject));
                token::issue_on_behalf(tx.app, subject, &actor, tx.now)
            })
        })
        .await;
    match issued {
        Ok(access_token) => Ok(answer(TokenResponse {
            access_token,
            token_type: "Bearer".into(),
            expires_in: app.config.token_lifetime.as_secs(),
            refresh_token: None,
            scope: None,
            issued_token_type: Some(ACCESS_TOKEN.into()),
        })),
        Err(error) if error.code.status() == StatusCode::FORBIDDEN => Ok(refuse_with(
            StatusCode::FORBIDDEN,
            "insufficient_scope",
            &error.detail,
        )),
        Err(error) if error.code == Code::NotFound => Ok(refuse(
            "invalid_request",
            "The subject_token names no active person whom you may act for.",
        )),
        Err(error) => Err(error),
    }
}

/// The person and the actor's token that a form names.
fn asked(form: TokenRequest) -> Result<(Uuid, String), &'static str> {
    let known = |given: Option<&str>, known: &str| given == Some(known);
    if !known(form.subject_token_type.as_deref(), USER_ID) {
        return Err("Name the person by id: subject_token_type=urn:provost:token-type:user-id.");
    }
    if !known(form.actor_token_type.as_deref(), ACCESS_TOKEN) {
        return Err("Send your access token as actor_token, with its actor_token_type.");
    }
    if form.requested_token_type.is_some_and(|kind| kind != ACCESS_TOKEN) {
        return Err("Only an access token can be requested.");
    }
    let subject = form.subject_token.and_then(|id| Uuid::parse_str(&id).ok());
    let subject = subject.ok_or("Send the person's id as subject_token.")?;
    let actor = form.actor_token.ok_or("Send your access token as actor_token.")?;
    Ok((subject, actor))
}

/// Who the actor is, and what they may do, by a token that counts and is of nobody else.
async fn actor(app: &Arc<App>, token: &str) -> ApiResult<Option<(Actor, Arc<Caller>)>> {
    match authenticate::identify(app, token).await {
        Ok(known) if known.claims.act.is_none() => {
            let actor = Actor {
                sub: known.claims.sub,
                kind: known.claims.kind,
                sid: known.claims.sid,
                scope: known.claims.scope,
            };
            Ok(Some((actor, known.caller)))
        }
        Ok(_) => Ok(None),
        Err(error) if error.code == Code::Unauthenticated => Ok(None),
        Err(error) => Err(error),
    }
}

/// Refuses unless the caller may act for that person: by `tokens.exchange` and every permission of a learner in scopes that
/// cover them, and all that they were granted. 404 where there is no such active person in sight.
pub fn require(tx: &mut Tx, subject: Uuid) -> ApiResult<()> {
    let mut covered = vec![tx.scope(Permission::TokensExchange)?.users("users.id")];
    let own = crate::access::built_in::permissions_of("learner");
    for permission in own {
        let scope = tx.caller.scope_if_any(*permission, tx.now);
        covered.push(scope.ok_or_else(|| lacks(*permission))?.users("users.id"));
    }
    let found = users::table
        .find(subject)
        .filter(users::status.eq("active"))
        .filter(Condition::new(Sql::all(covered)))
        .select(users::id)
        .first::<Uuid>(tx.conn)
        .optional()?;
    found.ok_or_else(|| ApiError::not_found("person"))?;
    inclusion::require_all_of(tx, subject)
}
