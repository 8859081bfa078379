//! The types of `/v1/users`.

use chrono::{DateTime, NaiveDate, Utc};
use diesel::{Queryable, Selectable};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;
use uuid::Uuid;
use validator::{Validate, ValidationError};

use crate::{
    bulk_row,
    db::schema::users,
    http::rules::rule,
    people::external_keys::model::ExternalKey,
    resource,
    resource::{Create, Record, Update},
    text_enum,
};

text_enum! {
    /// The status of a user.
    UserStatus {
        /// Cannot sign in until activated.
        Invited = "invited",
        /// May sign in.
        Active = "active",
        /// May not sign in for now; keeps requirements and history.
        Suspended = "suspended",
        /// Has left: cannot sign in, and the requirements end. History stays.
        Archived = "archived",
    }
}

/// A person.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Queryable, Selectable, ToSchema, Record)]
#[diesel(table_name = users)]
pub struct User {
    /// Our id.
    pub id: Uuid,
    /// What callers write.
    #[serde(flatten)]
    #[diesel(embed)]
    pub fields: UserFields,
    /// The first day on which the user was active.
    pub activated_on: Option<NaiveDate>,
    /// Counts up with every change; the ETag.
    #[record(opaque)]
    pub version: i64,
    /// When the user was created.
    #[record(sort)]
    pub created_at: DateTime<Utc>,
    /// When the user was last changed.
    #[record(sort)]
    pub updated_at: DateTime<Utc>,
}

/// What callers write of a person.
#[derive(
    Debug, Clone, PartialEq, Serialize, Deserialize, Queryable, Selectable, ToSchema, Validate, Record,
)]
#[serde(deny_unknown_fields)]
#[diesel(table_name = users)]
#[validate(schema(function = leaves_after_hiring, skip_on_field_errors = false))]
pub struct UserFields {
    /// What they sign in with; unique, in whatever case.
    #[schema(min_length = 1, max_length = 200, pattern = r"^\S+$", example = "ana.silva")]
    #[record(folded, sort)]
    pub username: String,
    /// The e-mail address. Not every user has one.
    #[serde(default)]
    #[schema(format = Email, max_length = 254)]
    #[record(folded)]
    pub email: Option<String>,
    /// Given name.
    #[schema(min_length = 1, max_length = 200, example = "Ana")]
    #[record(folded)]
    pub given_name: String,
    /// Family name.
    #[schema(max_length = 200, example = "Silva")]
    #[record(folded, sort)]
    pub family_name: String,
    /// Whether they may sign in.
    #[serde(default = "active")]
    #[schema(default = "active")]
    pub status: UserStatus,
    /// Language and region, as a BCP 47 tag.
    #[serde(default = "default_locale")]
    #[schema(
        default = "en",
        pattern = "^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$",
        max_length = 35,
        example = "pt-BR"
    )]
    pub locale: String,
    /// IANA time zone; null where it is inherited: the nearest org unit's that has one, else the academy's.
    #[serde(default)]
    #[schema(max_length = 64, format = "time-zone", example = "America/Sao_Paulo")]
    pub time_zone: Option<String>,
    /// Job title.
    #[serde(default)]
    #[schema(max_length = 200)]
    pub title: Option<String>,
    /// The job's code in the HR system.
    #[serde(default)]
    #[schema(max_length = 200)]
    pub job_code: Option<String>,
    /// Department, in the HR system's words.
    #[serde(default)]
    #[schema(max_length = 200)]
    pub department: Option<String>,
    /// The place of work, in the HR system's words. `location_id` names a location in Provost.
    #[serde(default)]
    #[schema(max_length = 200)]
    pub location: Option<String>,
    /// Cost centre.
    #[serde(default)]
    #[schema(max_length = 200)]
    pub cost_centre: Option<String>,
    /// Kind of employment, in the HR system's words.
    #[serde(default)]
    #[schema(max_length = 200)]
    pub employment_type: Option<String>,
    /// First day of work.
    #[serde(default)]
    pub hired_on: Option<NaiveDate>,
    /// Last day of work.
    #[serde(default)]
    pub left_on: Option<NaiveDate>,
    /// The person whom they report to.
    #[serde(default)]
    pub manager_id: Option<Uuid>,
    /// The unit that they belong to.
    #[serde(default)]
    pub org_unit_id: Option<Uuid>,
    /// The place of work, one of `/v1/locations`; `expand=place` shows it. Its time zone does not apply to the user.
    #[serde(default)]
    pub location_id: Option<Uuid>,
    /// Custom attributes by name; `/v1/attribute-definitions` defines them. A PATCH sets the named attributes, null
    /// removes one, the others stay (RFC 7396).
    #[serde(default = "no_attributes")]
    #[schema(value_type = Object)]
    #[record(opaque)]
    pub attributes: Value,
}

/// What a request to add a person says beside the fields.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
pub struct UserExtra {
    /// External keys of the user.
    #[serde(default)]
    #[schema(max_items = 20)]
    pub external_keys: Vec<ExternalKey>,
}

/// A person to be added.
pub type CreateUser = Create<User>;

/// Changes to a person.
pub type UpdateUser = Update<User>;

bulk_row! {
    /// A user to create or update: either `create`, or `id` with `update`.
    BulkUserRow: CreateUser, UpdateUser
}

resource!(User in users, fields: UserFields, name: "user", kind: "user", external: Some("user"),
    read: UsersRead, write: UsersWrite,
    covered: |scope| scope.users("users.id"),
    new: { activated_on: None });

fn leaves_after_hiring(user: &UserFields) -> Result<(), ValidationError> {
    match (user.hired_on, user.left_on) {
        (Some(hired), Some(left)) if left < hired => rule("/left_on", "must not be before hired_on"),
        _ => Ok(()),
    }
}

fn active() -> UserStatus {
    UserStatus::Active
}

fn default_locale() -> String {
    "en".into()
}

fn no_attributes() -> Value {
    json!({})
}
