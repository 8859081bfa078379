//! The types of `/v1/grants`.

use chrono::{DateTime, Utc};
use diesel::{Queryable, Selectable};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;
use validator::{Validate, ValidationError};

use crate::{
    app::Wake,
    authz::Authorized,
    authz::ScopeKind,
    bulk_row,
    db::schema::grants,
    http::rules::rule,
    instant, resource,
    resource::{Change, Create, Record, bulk::RowEdit},
    text_enum,
};

text_enum! {
    /// The kind of a grant's holder.
    PrincipalKind {
        /// A person.
        User = "user",
        /// Every member of a static group, as long as they are one.
        Group = "group",
        /// A program with credentials of its own.
        ServiceAccount = "service_account",
    }
}

/// A role that a principal holds in a scope.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Queryable, Selectable, ToSchema, Record)]
#[diesel(table_name = grants)]
pub struct Grant {
    /// Our id.
    pub id: Uuid,
    /// What callers write. It stays.
    #[serde(flatten)]
    #[diesel(embed)]
    pub fields: GrantFields,
    /// Where it came from: `api`, `command`.
    #[schema(example = "api")]
    pub source: String,
    /// Counts up with every change; the ETag.
    #[record(opaque)]
    pub version: i64,
    /// When it was given.
    #[record(sort)]
    pub created_at: DateTime<Utc>,
    /// When it was last changed.
    pub updated_at: DateTime<Utc>,
    /// When it was revoked.
    pub revoked_at: Option<DateTime<Utc>>,
}

/// What callers write of a grant.
#[derive(
    Debug, Clone, PartialEq, Serialize, Deserialize, Queryable, Selectable, ToSchema, Validate, Record,
)]
#[serde(deny_unknown_fields)]
#[diesel(table_name = grants)]
#[validate(schema(function = scope_fits, skip_on_field_errors = false))]
#[validate(schema(function = programs_have_no_reports, skip_on_field_errors = false))]
#[validate(schema(function = ends_after_start, skip_on_field_errors = false))]
pub struct GrantFields {
    /// What holds the role.
    #[record(fixed)]
    pub principal_kind: PrincipalKind,
    /// Which one.
    #[record(fixed)]
    pub principal_id: Uuid,
    /// The role.
    #[record(fixed)]
    pub role_id: Uuid,
    /// The kind of scope.
    #[record(fixed)]
    pub scope_kind: ScopeKind,
    /// Of which org unit, group, category or course; null for the other kinds.
    #[serde(default)]
    #[record(fixed)]
    pub scope_id: Option<Uuid>,
    /// From when it counts; at once, if null.
    #[serde(default, deserialize_with = "instant::optional")]
    #[record(fixed)]
    pub starts_at: Option<DateTime<Utc>>,
    /// Until when it counts; for ever, if null.
    #[serde(default, deserialize_with = "instant::optional")]
    #[record(fixed)]
    pub ends_at: Option<DateTime<Utc>>,
}

/// A role to be given to a principal in a scope.
pub type CreateGrant = Create<Grant>;

/// That a grant is to be revoked.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
pub struct RevokeGrant {}

impl RowEdit<Grant> for RevokeGrant {
    fn of(self, thing: Authorized<Grant>) -> Change<Grant> {
        Change::Archive(thing)
    }
}

bulk_row! {
    /// A grant to be made or revoked: either `create`, or `id` with `revoke`.
    BulkGrantRow: CreateGrant,
    /// Revokes it: `{}`.
    revoke: RevokeGrant
}

resource!(Grant in grants, fields: GrantFields, name: "grant", kind: "grant", external: None,
    read: RolesRead, write: RolesWrite,
    covered: |scope| scope.scopes("grants.scope_kind", "grants.scope_id"),
    new: { source: "api".to_owned() },
    archived: revoked_at as "revoked", restored: never);

impl Grant {
    /// Whose next request must look again at what they hold.
    pub fn wake(&self) -> Wake {
        match self.principal_kind {
            PrincipalKind::User | PrincipalKind::ServiceAccount => Wake::Caller(self.principal_id),
            PrincipalKind::Group => Wake::Callers,
        }
    }
}

fn scope_fits(grant: &GrantFields) -> Result<(), ValidationError> {
    let fault = match (grant.scope_kind.table().is_some(), grant.scope_id) {
        (true, None) => "is required for this kind of scope",
        (false, Some(_)) => "must be left out: this kind of scope names nothing",
        _ => return Ok(()),
    };
    rule("/scope_id", fault)
}

fn programs_have_no_reports(grant: &GrantFields) -> Result<(), ValidationError> {
    let is_program = grant.principal_kind == PrincipalKind::ServiceAccount;
    if is_program && matches!(grant.scope_kind, ScopeKind::OwnReports | ScopeKind::OwnSelf) {
        return rule(
            "/scope_kind",
            "must be another: a service account is no person and has no reports",
        );
    }
    Ok(())
}

fn ends_after_start(grant: &GrantFields) -> Result<(), ValidationError> {
    match (grant.starts_at, grant.ends_at) {
        (Some(start), Some(end)) if end <= start => rule("/ends_at", "must be after starts_at"),
        _ => Ok(()),
    }
}
