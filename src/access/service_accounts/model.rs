//! The types of `/v1/service-accounts`.

use chrono::{DateTime, Utc};
use diesel::{AsChangeset, Insertable, Queryable, Selectable};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;
use validator::Validate;

use crate::{
    access::Permission,
    db::schema::{service_account_secrets, service_accounts},
    http::{Versioned, rules::rule},
    instant, protected, text_enum,
};

text_enum! {
    /// Whether a service account may call.
    ServiceAccountStatus {
        /// It may.
        Active = "active",
        /// It may not for now; its tokens are refused from their next request.
        Suspended = "suspended",
    }
}

/// A program that calls the API.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Queryable, Selectable, ToSchema)]
#[diesel(table_name = service_accounts)]
pub struct ServiceAccount {
    /// Our id, which is its `client_id`.
    pub id: Uuid,
    /// Its unique name.
    #[schema(example = "HR feed")]
    pub name: String,
    /// Whether it may call.
    pub status: ServiceAccountStatus,
    /// Counts up with every change; the ETag.
    pub version: i64,
    /// When it was added.
    pub created_at: DateTime<Utc>,
    /// When it was last changed.
    pub updated_at: DateTime<Utc>,
}

impl Versioned for ServiceAccount {
    fn version(&self) -> i64 {
        self.version
    }
}

protected!(ServiceAccount in service_accounts, name: "service account", external: None, read: RolesRead,
    covered: |scope| scope.global());

/// A service account to be added.
#[derive(Debug, Clone, Serialize, Deserialize, Insertable, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
#[diesel(table_name = service_accounts)]
pub struct CreateServiceAccount {
    /// Its unique name.
    #[schema(min_length = 1, max_length = 200, example = "HR feed")]
    pub name: String,
    /// Whether it may call.
    #[serde(default = "active")]
    #[schema(default = "active")]
    pub status: ServiceAccountStatus,
}

fn active() -> ServiceAccountStatus {
    ServiceAccountStatus::Active
}

/// Changes to a service account: a field that is absent stays.
#[derive(Debug, Clone, Default, Serialize, Deserialize, AsChangeset, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
#[diesel(table_name = service_accounts)]
pub struct UpdateServiceAccount {
    /// Its unique name.
    #[schema(min_length = 1, max_length = 200, nullable = false)]
    pub name: Option<String>,
    /// Whether it may call.
    #[schema(nullable = false)]
    pub status: Option<ServiceAccountStatus>,
}

text_enum! {
    /// What a secret is good for.
    SecretKind {
        /// To get access tokens with, at `POST /oauth/token`.
        Client = "client",
        /// To be sent to `/scim/v2` as it is, as a bearer token; good for nothing else.
        Scim = "scim",
    }
}

/// A secret of a service account, without the secret.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Queryable, Selectable, ToSchema)]
#[diesel(table_name = service_account_secrets)]
pub struct Secret {
    /// Our id.
    pub id: Uuid,
    /// Whose it is.
    pub service_account_id: Uuid,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// Until when it counts; for ever, if null.
    pub expires_at: Option<DateTime<Utc>>,
    /// When it was revoked.
    pub revoked_at: Option<DateTime<Utc>>,
    /// When it was last used; of a SCIM token, to the minute.
    pub last_used_at: Option<DateTime<Utc>>,
    /// What it is good for.
    pub kind: SecretKind,
    /// Of a SCIM token: whether what is written with it is tried and recorded only.
    pub dry_run: bool,
    /// What its tokens are confined to; null for all that the account may do.
    #[schema(value_type = Option<Vec<Permission>>)]
    pub permissions: Option<Vec<String>>,
}

/// A secret changes once: when it is revoked.
impl Versioned for Secret {
    fn version(&self) -> i64 {
        1 + i64::from(self.revoked_at.is_some())
    }
}

/// A secret to be made.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
#[validate(schema(function = only_scim_tokens_try, skip_on_field_errors = false))]
pub struct CreateSecret {
    /// Until when it shall count; for ever, if absent.
    #[serde(default, deserialize_with = "instant::optional")]
    pub expires_at: Option<DateTime<Utc>>,
    /// What it shall be good for.
    #[serde(default = "client")]
    #[schema(default = "client")]
    pub kind: SecretKind,
    /// Of a SCIM token: whether what is written with it shall be tried and recorded only, under `/v1/scim/dry-runs`.
    #[serde(default)]
    pub dry_run: bool,
    /// What its tokens shall be confined to, whatever the account is granted; all that the account may do, if absent.
    #[serde(default)]
    #[schema(min_items = 1, max_items = 100)]
    pub permissions: Option<Vec<Permission>>,
}

fn client() -> SecretKind {
    SecretKind::Client
}

fn only_scim_tokens_try(secret: &CreateSecret) -> Result<(), validator::ValidationError> {
    match (secret.kind, secret.dry_run) {
        (SecretKind::Client, true) => rule("/dry_run", "belongs to secrets of the kind scim only"),
        _ => Ok(()),
    }
}

/// A secret that was just made.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct IssuedSecret {
    /// The secret's record.
    pub record: Secret,
    /// The secret: shown this once and kept nowhere. Null where an idempotent request is repeated.
    pub secret: Option<String>,
}

impl Versioned for IssuedSecret {
    fn version(&self) -> i64 {
        self.record.version()
    }
}
