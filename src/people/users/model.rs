//! The types of `/v1/users`.

use chrono::{DateTime, NaiveDate, Utc};
use diesel::{Queryable, Selectable};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;
use uuid::Uuid;
use validator::{Validate, ValidationError};

use crate::{
    db::schema::users,
    http::{Versioned, rules::rule},
    people::{attributes::check::merge, external_keys::model::ExternalKey},
    protected, stored, text_enum,
};

text_enum! {
    /// Whether a person may sign in and be trained.
    UserStatus {
        /// Known, but has not signed in yet and cannot until they are activated.
        Invited = "invited",
        /// May sign in.
        Active = "active",
        /// May not sign in for now; keeps requirements and history.
        Suspended = "suspended",
        /// Has left: may not sign in, and their requirements end. History stays.
        Archived = "archived",
    }
}

/// A person.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Queryable, Selectable, ToSchema)]
#[diesel(table_name = users)]
pub struct User {
    /// Our id.
    pub id: Uuid,
    /// What they sign in with; unique, in whatever case.
    #[schema(example = "ana.silva")]
    pub username: String,
    /// Where they get mail. Not everybody has one.
    #[schema(format = Email)]
    pub email: Option<String>,
    /// Given name.
    #[schema(example = "Ana")]
    pub given_name: String,
    /// Family name.
    #[schema(example = "Silva")]
    pub family_name: String,
    /// Whether they may sign in.
    pub status: UserStatus,
    /// Language and region, as a BCP 47 tag.
    #[schema(example = "pt-BR")]
    pub locale: String,
    /// IANA time zone; null where it is inherited: the nearest org unit's that has one, else the academy's.
    #[schema(example = "America/Sao_Paulo")]
    pub time_zone: Option<String>,
    /// Job title.
    pub title: Option<String>,
    /// The job's code in the HR system.
    pub job_code: Option<String>,
    /// Department, in the HR system's words.
    pub department: Option<String>,
    /// Where they work.
    pub location: Option<String>,
    /// Cost centre.
    pub cost_centre: Option<String>,
    /// Kind of employment, in the HR system's words.
    pub employment_type: Option<String>,
    /// First day of work.
    pub hired_on: Option<NaiveDate>,
    /// Last day of work.
    pub left_on: Option<NaiveDate>,
    /// First day on which they were active.
    pub activated_on: Option<NaiveDate>,
    /// The person whom they report to.
    pub manager_id: Option<Uuid>,
    /// The unit that they belong to.
    pub org_unit_id: Option<Uuid>,
    /// Custom attributes, by name; each is defined under `/v1/attribute-definitions`.
    #[schema(value_type = Object)]
    pub attributes: Value,
    /// Counts up with every change; the ETag.
    pub version: i64,
    /// When they were added.
    pub created_at: DateTime<Utc>,
    /// When they were last changed.
    pub updated_at: DateTime<Utc>,
}

impl Versioned for User {
    fn version(&self) -> i64 {
        self.version
    }
}

protected!(User in users, name: "user", external: Some("user"), read: UsersRead,
    covered: |scope| scope.users("users.id"));

stored!(User in "users", events: "user", columns: [
    "username", "email", "given_name", "family_name", "status", "locale", "time_zone", "title", "job_code",
    "department", "location", "cost_centre", "employment_type", "hired_on", "left_on", "activated_on", "manager_id",
    "org_unit_id", "attributes",
], folded: ["username", "email", "given_name", "family_name"]);

/// A person to be added.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
#[validate(schema(function = leaves_after_hiring, skip_on_field_errors = false))]
pub struct CreateUser {
    /// What they sign in with.
    #[schema(min_length = 1, max_length = 200, pattern = r"^\S+$")]
    pub username: String,
    /// Where they get mail.
    #[serde(default)]
    #[schema(format = Email, max_length = 254)]
    pub email: Option<String>,
    /// Given name.
    #[schema(min_length = 1, max_length = 200)]
    pub given_name: String,
    /// Family name.
    #[schema(max_length = 200)]
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
        max_length = 35
    )]
    pub locale: String,
    /// IANA time zone; inherited, if null: the nearest org unit's that has one, else the academy's.
    #[serde(default)]
    #[schema(max_length = 64, format = "time-zone")]
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
    /// Where they work.
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
    /// Custom attributes, by name.
    #[serde(default)]
    #[schema(value_type = Object)]
    pub attributes: Map<String, Value>,
    /// What other systems call them.
    #[serde(default)]
    #[schema(max_items = 20)]
    pub external_keys: Vec<ExternalKey>,
}

/// Said of a `left_on` before `hired_on`.
pub(super) const LEFT_TOO_EARLY: &str = "must not be before hired_on";

fn leaves_after_hiring(user: &CreateUser) -> Result<(), ValidationError> {
    match (user.hired_on, user.left_on) {
        (Some(hired), Some(left)) if left < hired => rule("/left_on", LEFT_TOO_EARLY),
        _ => Ok(()),
    }
}

impl CreateUser {
    /// The person that this makes.
    pub fn into_user(self, id: Uuid, now: DateTime<Utc>) -> User {
        User {
            id,
            username: self.username,
            email: self.email,
            given_name: self.given_name,
            family_name: self.family_name,
            status: self.status,
            locale: self.locale,
            time_zone: self.time_zone,
            title: self.title,
            job_code: self.job_code,
            department: self.department,
            location: self.location,
            cost_centre: self.cost_centre,
            employment_type: self.employment_type,
            hired_on: self.hired_on,
            left_on: self.left_on,
            activated_on: (self.status == UserStatus::Active).then(|| now.date_naive()),
            manager_id: self.manager_id,
            org_unit_id: self.org_unit_id,
            attributes: merge(&Value::Null, &self.attributes),
            version: 1,
            created_at: now,
            updated_at: now,
        }
    }
}

/// Changes to a person: a field that is absent stays, null empties it.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
pub struct UpdateUser {
    /// What they sign in with.
    #[schema(min_length = 1, max_length = 200, pattern = r"^\S+$", nullable = false)]
    pub username: Option<String>,
    /// Where they get mail.
    #[serde(default, with = "serde_with::rust::double_option")]
    #[schema(value_type = Option<String>, format = Email, max_length = 254)]
    pub email: Option<Option<String>>,
    /// Given name.
    #[schema(min_length = 1, max_length = 200, nullable = false)]
    pub given_name: Option<String>,
    /// Family name.
    #[schema(max_length = 200, nullable = false)]
    pub family_name: Option<String>,
    /// Whether they may sign in.
    #[schema(nullable = false)]
    pub status: Option<UserStatus>,
    /// Language and region, as a BCP 47 tag.
    #[schema(
        pattern = "^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$",
        max_length = 35,
        nullable = false
    )]
    pub locale: Option<String>,
    /// IANA time zone; inherited, if null.
    #[serde(default, with = "serde_with::rust::double_option")]
    #[schema(value_type = Option<String>, max_length = 64, format = "time-zone")]
    pub time_zone: Option<Option<String>>,
    /// Job title.
    #[serde(default, with = "serde_with::rust::double_option")]
    #[schema(value_type = Option<String>, max_length = 200)]
    pub title: Option<Option<String>>,
    /// The job's code in the HR system.
    #[serde(default, with = "serde_with::rust::double_option")]
    #[schema(value_type = Option<String>, max_length = 200)]
    pub job_code: Option<Option<String>>,
    /// Department, in the HR system's words.
    #[serde(default, with = "serde_with::rust::double_option")]
    #[schema(value_type = Option<String>, max_length = 200)]
    pub department: Option<Option<String>>,
    /// Where they work.
    #[serde(default, with = "serde_with::rust::double_option")]
    #[schema(value_type = Option<String>, max_length = 200)]
    pub location: Option<Option<String>>,
    /// Cost centre.
    #[serde(default, with = "serde_with::rust::double_option")]
    #[schema(value_type = Option<String>, max_length = 200)]
    pub cost_centre: Option<Option<String>>,
    /// Kind of employment, in the HR system's words.
    #[serde(default, with = "serde_with::rust::double_option")]
    #[schema(value_type = Option<String>, max_length = 200)]
    pub employment_type: Option<Option<String>>,
    /// First day of work.
    #[serde(default, with = "serde_with::rust::double_option")]
    #[schema(value_type = Option<NaiveDate>)]
    pub hired_on: Option<Option<NaiveDate>>,
    /// Last day of work.
    #[serde(default, with = "serde_with::rust::double_option")]
    #[schema(value_type = Option<NaiveDate>)]
    pub left_on: Option<Option<NaiveDate>>,
    /// The person whom they report to.
    #[serde(default, with = "serde_with::rust::double_option")]
    #[schema(value_type = Option<Uuid>)]
    pub manager_id: Option<Option<Uuid>>,
    /// The unit that they belong to.
    #[serde(default, with = "serde_with::rust::double_option")]
    #[schema(value_type = Option<Uuid>)]
    pub org_unit_id: Option<Option<Uuid>>,
    /// Custom attributes: those named are set, null removes one, the others stay (RFC 7396).
    #[schema(value_type = Object, required = false, nullable = false)]
    pub attributes: Option<Map<String, Value>>,
}

impl UpdateUser {
    /// The person that this makes of `user`.
    pub fn apply_to(self, user: User, now: DateTime<Utc>) -> User {
        let status = self.status.unwrap_or(user.status);
        let activated = (status == UserStatus::Active).then(|| now.date_naive());
        User {
            username: self.username.unwrap_or(user.username),
            email: self.email.unwrap_or(user.email),
            given_name: self.given_name.unwrap_or(user.given_name),
            family_name: self.family_name.unwrap_or(user.family_name),
            status,
            locale: self.locale.unwrap_or(user.locale),
            time_zone: self.time_zone.unwrap_or(user.time_zone),
            title: self.title.unwrap_or(user.title),
            job_code: self.job_code.unwrap_or(user.job_code),
            department: self.department.unwrap_or(user.department),
            location: self.location.unwrap_or(user.location),
            cost_centre: self.cost_centre.unwrap_or(user.cost_centre),
            employment_type: self.employment_type.unwrap_or(user.employment_type),
            hired_on: self.hired_on.unwrap_or(user.hired_on),
            left_on: self.left_on.unwrap_or(user.left_on),
            activated_on: user.activated_on.or(activated),
            manager_id: self.manager_id.unwrap_or(user.manager_id),
            org_unit_id: self.org_unit_id.unwrap_or(user.org_unit_id),
            attributes: merge(&user.attributes, &self.attributes.unwrap_or_default()),
            ..user
        }
    }
}

fn active() -> UserStatus {
    UserStatus::Active
}

fn default_locale() -> String {
    "en".into()
}
