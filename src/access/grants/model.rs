//! The types of `/v1/grants`.

use chrono::{DateTime, Utc};
use diesel::{Queryable, Selectable};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;
use validator::{Validate, ValidationError};

use crate::{
    access::ScopeKind,
    app::Wake,
    db::schema::grants,
    http::{Versioned, rules::rule},
    instant, protected, text_enum,
};

text_enum! {
    /// What holds a role.
    PrincipalKind {
        /// A person.
        User = "user",
        /// Every member of a static group, as long as they are one.
        Group = "group",
        /// A program with credentials of its own.
        ServiceAccount = "service_account",
    }
}

/// A role that somebody holds in a scope.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Queryable, Selectable, ToSchema)]
#[diesel(table_name = grants)]
pub struct Grant {
    /// Our id.
    pub id: Uuid,
    /// What holds it.
    pub principal_kind: PrincipalKind,
    /// Which one.
    pub principal_id: Uuid,
    /// What it holds.
    pub role_id: Uuid,
    /// How far it reaches.
    pub scope_kind: ScopeKind,
    /// Of which org unit, group, category or course; null for the other kinds.
    pub scope_id: Option<Uuid>,
    /// From when it counts; at once, if null.
    pub starts_at: Option<DateTime<Utc>>,
    /// Until when it counts; for ever, if null.
    pub ends_at: Option<DateTime<Utc>>,
    /// Where it came from: `api`, `command`.
    #[schema(example = "api")]
    pub source: String,
    /// Counts up with every change; the ETag.
    pub version: i64,
    /// When it was given.
    pub created_at: DateTime<Utc>,
    /// When it was last changed.
    pub updated_at: DateTime<Utc>,
    /// When it was taken back.
    pub revoked_at: Option<DateTime<Utc>>,
}

impl Versioned for Grant {
    fn version(&self) -> i64 {
        self.version
    }
}

protected!(Grant in grants, name: "grant", external: None, read: RolesRead,
    covered: |scope| scope.scopes("grants.scope_kind", "grants.scope_id"));

impl Grant {
    /// Whose next request must look again at what they hold.
    pub fn wake(&self) -> Wake {
        match self.principal_kind {
            PrincipalKind::User | PrincipalKind::ServiceAccount => Wake::Caller(self.principal_id),
            PrincipalKind::Group => Wake::Callers,
        }
    }

    /// The person whom it is about, if it is about one.
    pub fn person(&self) -> Option<Uuid> {
        (self.principal_kind == PrincipalKind::User).then_some(self.principal_id)
    }
}

/// A role to be given to somebody in a scope.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
#[validate(schema(function = scope_fits, skip_on_field_errors = false))]
#[validate(schema(function = programs_have_no_reports, skip_on_field_errors = false))]
#[validate(schema(function = ends_after_start, skip_on_field_errors = false))]
pub struct CreateGrant {
    /// What gets it.
    pub principal_kind: PrincipalKind,
    /// Which one.
    pub principal_id: Uuid,
    /// What it gets.
    pub role_id: Uuid,
    /// How far it reaches.
    pub scope_kind: ScopeKind,
    /// Of which org unit, group, category or course; absent for the other kinds.
    #[serde(default)]
    pub scope_id: Option<Uuid>,
    /// From when it counts; at once, if absent.
    #[serde(default, deserialize_with = "instant::optional")]
    pub starts_at: Option<DateTime<Utc>>,
    /// Until when it counts; for ever, if absent.
    #[serde(default, deserialize_with = "instant::optional")]
    pub ends_at: Option<DateTime<Utc>>,
}

fn scope_fits(grant: &CreateGrant) -> Result<(), ValidationError> {
    let fault = match (grant.scope_kind.table().is_some(), grant.scope_id) {
        (true, None) => "is required for this kind of scope",
        (false, Some(_)) => "must be left out: this kind of scope names nothing",
        _ => return Ok(()),
    };
    rule("/scope_id", fault)
}

fn programs_have_no_reports(grant: &CreateGrant) -> Result<(), ValidationError> {
    let is_program = grant.principal_kind == PrincipalKind::ServiceAccount;
    if is_program && matches!(grant.scope_kind, ScopeKind::OwnReports | ScopeKind::OwnSelf) {
        return rule(
            "/scope_kind",
            "must be another: a service account is no person and has no reports",
        );
    }
    Ok(())
}

fn ends_after_start(grant: &CreateGrant) -> Result<(), ValidationError> {
    match (grant.starts_at, grant.ends_at) {
        (Some(start), Some(end)) if end <= start => rule("/ends_at", "must be after starts_at"),
        _ => Ok(()),
    }
}
