//! Finds the user of a first sign-in by a provider, only in the ways that the provider's settings allow.

use diesel::{ExpressionMethods, QueryDsl, QueryableByName, RunQueryDsl, sql_types};
use uuid::Uuid;

use super::claims;
use crate::{
    access::{
        inclusion,
        sso::{
            Person,
            providers::model::{ExternalKeyLink, ProviderRow},
        },
    },
    app::Tx,
    db::schema::{external_keys, users},
    http::ApiResult,
    people::users::identities::store::{has_identity, is_linked},
    sql,
    text::fold,
};

/// The person to be linked, if there is one; or why there is doubt, in which nobody signs in.
pub fn find(tx: &mut Tx, provider: &ProviderRow, person: &Person) -> ApiResult<Result<Option<Uuid>, String>> {
    if let Some((user, link)) = by_external_key(tx, provider, person)? {
        if !link.privileged && was_granted(tx, user)? {
            return Ok(Err(
                "The person of this account holds roles, so an administrator has to link them.".into(),
            ));
        }
        return Ok(if is_linked(tx, provider.id, user)? {
            Err("The person of this account is linked to another account of the same provider.".into())
        } else {
            Ok(Some(user))
        });
    }
    Ok(match by_email(tx, provider, person)?.as_slice() {
        [] => Ok(None),
        // What another provider said of them was not verified here.
        [only] if has_identity(tx, *only)? => {
            Err("The person of this account is linked to another account.".into())
        }
        [only] => Ok(Some(*only)),
        _ => Err("Several people have this account's e-mail address.".into()),
    })
}

#[derive(QueryableByName)]
struct Granted {
    #[diesel(sql_type = sql_types::Bool)]
    is_granted: bool,
}

/// Whether a person was granted anything, or a group that they are in.
fn was_granted(tx: &mut Tx, user: Uuid) -> ApiResult<bool> {
    let granted: Granted = sql!(
        "SELECT EXISTS ({reaching}) AS is_granted",
        reaching = inclusion::reaching(user, tx.now),
    )
    .get_result(tx.conn)?;
    Ok(granted.is_granted)
}

fn by_external_key(
    tx: &mut Tx,
    provider: &ProviderRow,
    person: &Person,
) -> ApiResult<Option<(Uuid, ExternalKeyLink)>> {
    let Some(link) = provider.external_key_link() else {
        return Ok(None);
    };
    let Some(key) = claims::text(&person.claims.clone().into(), &link.claim) else {
        return Ok(None);
    };
    let found: Vec<Uuid> = external_keys::table
        .filter(external_keys::kind.eq("user"))
        .filter(external_keys::source.eq(&link.source))
        .filter(external_keys::key.eq(key))
        .select(external_keys::object_id)
        .load(tx.conn)?;
    Ok(found.first().map(|user| (*user, link)))
}

/// Those who have the e-mail address that the provider says it verified. Who has left is not looked for.
fn by_email(tx: &mut Tx, provider: &ProviderRow, person: &Person) -> ApiResult<Vec<Uuid>> {
    let is_verified = person.claims.get("email_verified").is_some_and(claims::is_true);
    let email = claims::text(&person.claims.clone().into(), "email");
    let Some(email) = email.filter(|_| provider.links_verified_email && is_verified) else {
        return Ok(Vec::new());
    };
    Ok(users::table
        .filter(users::email_folded.eq(fold(&email)))
        .filter(users::status.ne("archived"))
        .select(users::id)
        .limit(2)
        .load(tx.conn)?)
}
