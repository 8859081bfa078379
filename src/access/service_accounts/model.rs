//! The types of `/v1/service-accounts`.

use chrono::{DateTime, Utc};
use diesel::{Queryable, Selectable};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;
use validator::Validate;

use crate::{
    app::{Tx, Wake},
    authz::Permission,
    db::schema::{service_account_secrets, service_accounts},
    http::{ApiResult, Versioned, rules::rule},
    instant, resource,
    resource::{Create, Draft, NoExtra, Record, Resource, Row, Unique, Update, draft},
    text_enum,
};

text_enum! {
    /// The status of a service account.
    ServiceAccountStatus {
        /// May call.
        Active = "active",
        /// May not call for now; its tokens are refused from the next request on.
        Suspended = "suspended",
    }
}

/// A program that calls the API.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Queryable, Selectable, ToSchema, Record)]
#[diesel(table_name = service_accounts)]
pub struct ServiceAccount {
    /// Our id, which is its `client_id`.
    pub id: Uuid,
    /// What callers write.
    #[serde(flatten)]
    #[diesel(embed)]
    pub fields: ServiceAccountFields,
    /// Counts up with every change; the ETag.
    #[record(opaque)]
    pub version: i64,
    /// When it was added.
    #[record(sort)]
    pub created_at: DateTime<Utc>,
    /// When it was last changed.
    pub updated_at: DateTime<Utc>,
}

/// What callers write of a service account.
#[derive(
    Debug, Clone, PartialEq, Serialize, Deserialize, Queryable, Selectable, ToSchema, Validate, Record,
)]
#[serde(deny_unknown_fields)]
#[diesel(table_name = service_accounts)]
pub struct ServiceAccountFields {
    /// Its unique name.
    #[schema(min_length = 1, max_length = 200, example = "HR feed")]
    #[record(folded, sort)]
    pub name: String,
    /// The status.
    #[serde(default = "active")]
    #[schema(default = "active")]
    pub status: ServiceAccountStatus,
}

fn active() -> ServiceAccountStatus {
    ServiceAccountStatus::Active
}

/// A service account to create.
pub type CreateServiceAccount = Create<ServiceAccount>;

/// Changes to a service account.
pub type UpdateServiceAccount = Update<ServiceAccount>;

resource!(ServiceAccount in service_accounts, fields: ServiceAccountFields, name: "service account",
    kind: "service_account", external: None, read: RolesRead, write: RolesWrite,
    covered: |scope| scope.global());

impl Resource for ServiceAccount {
    type Extra = NoExtra;
    const PATH: &'static str = "/v1/service-accounts";
    const UNIQUE: &'static [Unique<Self>] = &[Unique::new("name", |account| &account.name)];

    fn check(tx: &mut Tx, drafts: &mut [Draft<Self>]) -> ApiResult<()> {
        draft::require_everywhere(tx, drafts, Self::WRITE, Draft::is_new)
    }

    fn announce(tx: &mut Tx, drafts: &[Draft<Self>]) -> ApiResult<()> {
        draft::due(drafts).for_each(|draft| tx.wake(Wake::Caller(draft.after.id)));
        Ok(())
    }
}

text_enum! {
    /// The kind of a secret.
    SecretKind {
        /// Gives access tokens at `POST /oauth/token`.
        Client = "client",
        /// A bearer token for `/scim/v2`, and for nothing else.
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
    /// When it was created.
    pub created_at: DateTime<Utc>,
    /// Until when it counts; for ever, if null.
    pub expires_at: Option<DateTime<Utc>>,
    /// When it was revoked.
    pub revoked_at: Option<DateTime<Utc>>,
    /// When it was last used; of a SCIM token, to the minute.
    pub last_used_at: Option<DateTime<Utc>>,
    /// Its kind.
    pub kind: SecretKind,
    /// Of a SCIM token: whether what is written with it is tried and recorded only.
    pub dry_run: bool,
    /// The permissions that its tokens are confined to; null for all that the account may do.
    #[schema(value_type = Option<Vec<Permission>>)]
    pub permissions: Option<Vec<String>>,
}

/// A secret changes once: when it is revoked.
impl Versioned for Secret {
    fn version(&self) -> i64 {
        1 + i64::from(self.revoked_at.is_some())
    }
}

/// A secret to create.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
#[validate(schema(function = only_scim_tokens_try, skip_on_field_errors = false))]
pub struct CreateSecret {
    /// When it expires; default: never.
    #[serde(default, deserialize_with = "instant::optional")]
    pub expires_at: Option<DateTime<Utc>>,
    /// Its kind.
    #[serde(default = "client")]
    #[schema(default = "client")]
    pub kind: SecretKind,
    /// Of a SCIM token: whether what is written with it shall be tried and recorded only, under `/v1/scim/dry-runs`.
    #[serde(default)]
    pub dry_run: bool,
    /// The permissions that its tokens are confined to; default: all that the account may do.
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
