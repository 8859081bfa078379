//! SCIM tokens: secrets of service accounts that are sent to `/scim/v2` as they are, for identity providers that keep one
//! bearer token and get no others. They count there and nowhere else.

use chrono::{DateTime, TimeDelta, Utc};
use diesel::{OptionalExtension, PgConnection, QueryResult, QueryableByName, RunQueryDsl, sql_types};
use uuid::Uuid;

use crate::{
    access::sign_in::hash_secret,
    authz::{Permission, PermissionSet},
    sql,
};

/// What every SCIM token begins with, and no access token does.
pub const PREFIX: &str = "pvt_";

/// A SCIM token that counts.
#[derive(Debug, Clone, Copy, QueryableByName)]
pub struct ScimToken {
    /// The secret's id.
    #[diesel(sql_type = sql_types::Uuid)]
    pub id: Uuid,
    /// Whose it is.
    #[diesel(sql_type = sql_types::Uuid)]
    pub service_account_id: Uuid,
    /// Whether what is written with it is tried and recorded only.
    #[diesel(sql_type = sql_types::Bool)]
    pub dry_run: bool,
}

/// A SCIM token with what its bearer is confined to; to all that its account may do, if none.
pub struct Found {
    /// The token.
    pub token: ScimToken,
    /// What it is confined to.
    pub permissions: Option<PermissionSet>,
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(embed)]
    token: ScimToken,
    #[diesel(sql_type = sql_types::Nullable<sql_types::Array<sql_types::Text>>)]
    permissions: Option<Vec<String>>,
}

/// Uses within this time of one that was noted are not: a token comes with every request.
const NOTED_FOR: TimeDelta = TimeDelta::minutes(1);

/// The token, if it counts now; notes that it was used.
pub fn find(conn: &mut PgConnection, token: &str, now: DateTime<Utc>) -> QueryResult<Option<Found>> {
    let row: Option<Row> = sql!(
        "WITH found AS (
            SELECT id, service_account_id, dry_run, permissions, last_used_at
            FROM service_account_secrets
            WHERE kind = 'scim' AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > {now})
                AND secret_hash = {hash_secret}), noted AS (
                    UPDATE service_account_secrets SET last_used_at = {now} FROM found
                    WHERE service_account_secrets.id = found.id
                        AND (found.last_used_at IS NULL OR found.last_used_at <= {since}))
         SELECT id, service_account_id, dry_run, permissions FROM found",
        hash_secret = hash_secret(token),
        since = now - NOTED_FOR,
    )
    .get_result(conn)
    .optional()?;
    Ok(row.map(|row| Found {
        token: row.token,
        permissions: row.permissions.map(|names| {
            names
                .iter()
                .filter_map(|name| Permission::from_name(name))
                .collect()
        }),
    }))
}
