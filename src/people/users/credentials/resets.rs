//! Resets by mail. A request does the same whether or not the user exists: it queues one job, which looks for the user.

use actix_web::{HttpRequest, HttpResponse, post, web::Data};
use diesel::{QueryableByName, RunQueryDsl, sql_types};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;
use validator::Validate;

use super::letters::{self, Letter, SendPasswordLetter};
use crate::{
    access::attempts::Attempt,
    app::{Acting, App, Tx},
    http::{ApiResult, Valid, address, request},
    jobs::{Job, JobError, JobRun},
    sql,
    text::fold,
};

/// A user who forgot the password.
#[derive(Clone, Deserialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
pub struct RequestPasswordReset {
    /// The username or e-mail address.
    #[schema(min_length = 1, max_length = 254, example = "ana.silva@example.com")]
    pub login: String,
}

/// Request a password reset.
///
/// Active users with this username or e-mail address get a letter with a link to choose a password. The answer is the
/// same whether or not such a user exists, and the old password counts until then.
#[utoipa::path(tag = "sign-in", request_body = RequestPasswordReset,
    responses((status = 202, description = "If the user exists, a letter is on its way.")))]
#[post("/account/password-resets")]
pub(super) async fn request_password_reset(
    app: Data<App>,
    request: HttpRequest,
    body: Valid<RequestPasswordReset>,
) -> ApiResult<HttpResponse> {
    let login = body.0.login;
    let attempt = Attempt::at_reset(&fold(&login), address::of(&request));
    let acting = Acting::system(request::current_id().unwrap_or_default());
    app.into_inner()
        .on_database(move |app, conn| {
            if let Some(refusal) = attempt.refusal(app, conn)?.or(attempt.failed(app, conn)?) {
                return Err(refusal.into());
            }
            app.write(conn, &acting, |tx| {
                letters::require_mail(tx)?;
                tx.enqueue(&StartPasswordReset { login: login.clone() })
            })
        })
        .await?;
    Ok(HttpResponse::Accepted().finish())
}

/// Finds who asked for a reset, and has the letters sent.
#[derive(Debug, Serialize, Deserialize)]
pub struct StartPasswordReset {
    /// A username or an e-mail address.
    pub login: String,
}

impl Job for StartPasswordReset {
    const KIND: &'static str = "users.password_reset";

    fn run(&self, run: &JobRun) -> Result<(), JobError> {
        run.finish(|tx| {
            for user_id in people(tx, &self.login)? {
                tx.enqueue(&SendPasswordLetter {
                    user_id,
                    letter: Letter::Reset,
                })?;
            }
            Ok(())
        })
    }
}

#[derive(QueryableByName)]
struct Person {
    #[diesel(sql_type = sql_types::Uuid)]
    id: Uuid,
}

/// People who share an address are rarely more.
const MOST_PEOPLE: i64 = 5;

/// Those who sign in with a password and are meant by that name or address.
fn people(tx: &mut Tx, login: &str) -> ApiResult<Vec<Uuid>> {
    let people: Vec<Person> = sql!(
        "SELECT users.id FROM users JOIN passwords ON passwords.user_id = users.id
         WHERE users.status = 'active' AND users.email IS NOT NULL
            AND {folded} IN (users.username_folded, users.email_folded) ORDER BY users.id
         LIMIT {MOST_PEOPLE}",
        folded = fold(login),
    )
    .load(tx.conn)?;
    Ok(people.into_iter().map(|person| person.id).collect())
}
