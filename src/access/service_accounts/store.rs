//! The statements of the secrets of service accounts.

use std::collections::BTreeSet;

use diesel::{
    BoolExpressionMethods, ExpressionMethods, OptionalExtension, QueryDsl, RunQueryDsl, SelectableHelper,
};
use uuid::Uuid;

use super::model::{CreateSecret, Secret, SecretKind, ServiceAccount};
use crate::{
    app::Tx,
    authz::Authorized,
    db::{
        Condition,
        schema::{service_account_secrets as secrets, service_accounts},
    },
    filter::{Attribute, Kind, Schema},
    http::{ApiError, ApiResult, Code, ListQuery, Listing, Page, Sort, list::SortKind},
    sql,
};

const SECRETS: Listing = Listing {
    id: "service_account_secrets.id",
    sorts: &[Sort {
        name: "created_at",
        column: "service_account_secrets.created_at",
        kind: SortKind::Instant,
    }],
};

static SECRETS_FILTER: Schema = Schema::new(&[
    Attribute::scalar(
        "created_at",
        Kind::Instant,
        "service_account_secrets.created_at",
        "When it was created.",
    ),
    Attribute::scalar(
        "expires_at",
        Kind::Instant,
        "service_account_secrets.expires_at",
        "Until when it counts.",
    ),
    Attribute::scalar(
        "revoked_at",
        Kind::Instant,
        "service_account_secrets.revoked_at",
        "When it was revoked.",
    ),
    Attribute::scalar(
        "last_used_at",
        Kind::Instant,
        "service_account_secrets.last_used_at",
        "When it was last used.",
    ),
    Attribute::scalar(
        "kind",
        Kind::Enum(SecretKind::WORDS),
        "service_account_secrets.kind",
        "Its kind.",
    ),
]);

/// A page of an account's secrets.
pub fn list_secrets(tx: &mut Tx, account: &ServiceAccount, query: &ListQuery) -> ApiResult<Page<Secret>> {
    let (page, filter) = query.page(&SECRETS, &SECRETS_FILTER, &tx.filter_clock())?;
    let of_account = sql!("service_account_secrets.service_account_id = {account.id}");
    let rows = secrets::table
        .select((Secret::as_select(), page.key()))
        .filter(page.rows([of_account, filter]))
        .order(page.order())
        .limit(page.limit())
        .load(tx.conn)?;
    Ok(page.page(rows, |secret| secret.id))
}

/// One of an account's secrets.
pub fn find_secret(tx: &mut Tx, account: &ServiceAccount, id: Uuid) -> ApiResult<Secret> {
    let of_account = Condition::new(sql!("service_account_secrets.service_account_id = {account.id}"));
    secrets::table
        .find(id)
        .filter(of_account)
        .select(Secret::as_select())
        .first(tx.conn)
        .optional()?
        .ok_or_else(|| ApiError::not_found("secret"))
}

/// Secrets of an account that may count at a time: the one in use, and the one that takes its place.
const MOST_SECRETS: i64 = 2;

/// 409 where an account has all the secrets of that kind that it may have. Those who make secrets of one account take turns.
pub fn require_free_slot(
    tx: &mut Tx,
    account: &Authorized<ServiceAccount>,
    new: &CreateSecret,
) -> ApiResult<()> {
    service_accounts::table
        .find(account.id)
        .select(service_accounts::id)
        .for_no_key_update()
        .first::<Uuid>(tx.conn)?;
    let live: i64 = secrets::table
        .filter(secrets::service_account_id.eq(account.id))
        .filter(secrets::kind.eq(new.kind))
        .filter(secrets::dry_run.eq(new.dry_run))
        .filter(secrets::revoked_at.is_null())
        .filter(secrets::expires_at.is_null().or(secrets::expires_at.gt(tx.now)))
        .count()
        .get_result(tx.conn)?;
    if live < MOST_SECRETS {
        return Ok(());
    }
    Err(ApiError::new(
        Code::SecretLimitReached,
        "Two secrets of this kind count already; revoke the one that is not in use any more.",
    ))
}

/// Adds a secret by its hash.
pub fn insert_secret(
    tx: &mut Tx,
    account: &Authorized<ServiceAccount>,
    hash: &[u8],
    new: &CreateSecret,
) -> ApiResult<Secret> {
    let secret = diesel::insert_into(secrets::table)
        .values((
            secrets::id.eq(Uuid::now_v7()),
            secrets::service_account_id.eq(account.id),
            secrets::secret_hash.eq(hash),
            secrets::created_at.eq(tx.now),
            secrets::expires_at.eq(new.expires_at),
            secrets::kind.eq(new.kind),
            secrets::dry_run.eq(new.dry_run),
            secrets::permissions.eq(new.permissions.as_ref().map(|permissions| {
                let names = permissions.iter().map(|permission| permission.as_str());
                names.collect::<BTreeSet<_>>().into_iter().collect::<Vec<_>>()
            })),
        ))
        .returning(Secret::as_returning())
        .get_result(tx.conn)?;
    Ok(secret)
}

/// Revokes a secret of an account that the caller may change.
pub fn revoke_secret(
    tx: &mut Tx,
    account: &Authorized<ServiceAccount>,
    secret: &Secret,
) -> ApiResult<Secret> {
    let secret = diesel::update(secrets::table.find(secret.id))
        .filter(secrets::service_account_id.eq(account.id))
        .set(secrets::revoked_at.eq(tx.now))
        .returning(Secret::as_returning())
        .get_result(tx.conn)?;
    Ok(secret)
}
