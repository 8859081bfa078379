//! The statement of what reaches a person, beside what [`crate::access::callers`] reads.

use std::collections::HashMap;

use diesel::{QueryableByName, RunQueryDsl, sql_types};
use uuid::Uuid;

use crate::{access::grants::model::Grant, app::Tx, authz::Protected, db::Sql, http::ApiResult, sql};

/// Where a grant comes from.
#[derive(Debug, Clone, QueryableByName)]
pub struct Origin {
    /// The grant; none for what everybody has.
    #[diesel(sql_type = sql_types::Nullable<sql_types::Uuid>)]
    pub grant_id: Option<Uuid>,
    /// The role.
    #[diesel(sql_type = sql_types::Uuid)]
    pub role_id: Uuid,
    /// Its code.
    #[diesel(sql_type = sql_types::Text)]
    pub role: String,
    /// The group that it was granted to.
    #[diesel(sql_type = sql_types::Nullable<sql_types::Uuid>)]
    pub group_id: Option<Uuid>,
    /// Whether the caller may see it.
    #[diesel(sql_type = sql_types::Bool)]
    pub is_visible: bool,
}

/// The origins of the grants that reach `user`, by their ids; under none, that of what everybody has. People see all of
/// their own.
pub fn origins(tx: &mut Tx, user: Uuid, grants: Vec<Uuid>) -> ApiResult<HashMap<Option<Uuid>, Origin>> {
    let visible = if tx.caller.person() == Some(user) {
        Sql::always()
    } else {
        Grant::covered(&tx.scope(Grant::READ)?)
    };
    let origins: Vec<Origin> = sql!(
        "SELECT grants.id AS grant_id, roles.id AS role_id, roles.code AS role,
            CASE WHEN grants.principal_kind = 'group' THEN grants.principal_id END AS group_id,
            {visible} AS is_visible FROM grants JOIN roles ON roles.id = grants.role_id
         WHERE grants.id = ANY ({grants}) UNION ALL SELECT NULL, roles.id, roles.code, NULL, true
         FROM roles WHERE roles.code = 'learner' AND roles.built_in"
    )
    .load(tx.conn)?;
    Ok(origins
        .into_iter()
        .map(|origin| (origin.grant_id, origin))
        .collect())
}
