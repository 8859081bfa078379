//! The types of `/v1/import-profiles`.

use chrono::{DateTime, Utc};
use diesel::{Queryable, Selectable};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;
use validator::{Validate, ValidationError};

use crate::{
    db::schema::{import_profile_versions, import_profiles},
    http::{Versioned, rules::complaints},
    import::{check, mapping::Mapping},
    protected,
};

/// A profile's own row, without its mapping.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Queryable, Selectable)]
#[diesel(table_name = import_profiles)]
pub struct ProfileRow {
    /// Our id.
    pub id: Uuid,
    /// Its code.
    pub code: String,
    /// Its name.
    pub name: String,
    /// What it imports.
    pub resource: String,
    /// The version, which is that of the mapping too.
    pub version: i64,
    /// When it was added.
    pub created_at: DateTime<Utc>,
    /// When it was last changed.
    pub updated_at: DateTime<Utc>,
    /// When it was put away.
    pub archived_at: Option<DateTime<Utc>>,
}

impl Versioned for ProfileRow {
    fn version(&self) -> i64 {
        self.version
    }
}

protected!(ProfileRow in import_profiles, name: "import profile", external: None, read: ImportsRead,
    covered: |scope| scope.global());

/// How files of one kind are read: a mapping with a name.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ImportProfile {
    /// Our id.
    pub id: Uuid,
    /// What programs call it.
    #[schema(example = "hr_export")]
    pub code: String,
    /// Its display name.
    #[schema(example = "HR export")]
    pub name: String,
    /// What it imports.
    #[schema(example = "users")]
    pub resource: String,
    /// How a file is read, in this version.
    #[schema(value_type = Mapping)]
    pub mapping: Value,
    /// Counts up with every change; the ETag. Each version is kept.
    pub version: i64,
    /// When it was added.
    pub created_at: DateTime<Utc>,
    /// When it was last changed.
    pub updated_at: DateTime<Utc>,
    /// When it was put away; null while it can be used.
    pub archived_at: Option<DateTime<Utc>>,
}

impl ImportProfile {
    /// The profile with its mapping.
    pub fn of(row: ProfileRow, mapping: Value) -> Self {
        ImportProfile {
            id: row.id,
            code: row.code,
            name: row.name,
            resource: row.resource,
            mapping,
            version: row.version,
            created_at: row.created_at,
            updated_at: row.updated_at,
            archived_at: row.archived_at,
        }
    }
}

impl Versioned for ImportProfile {
    fn version(&self) -> i64 {
        self.version
    }
}

/// A version of a profile, never changed after it is written.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Queryable, Selectable, ToSchema)]
#[diesel(table_name = import_profile_versions)]
pub struct ImportProfileVersion {
    /// The profile.
    pub profile_id: Uuid,
    /// Its number; the first is 1.
    pub number: i64,
    /// How a file is read.
    #[schema(value_type = Mapping)]
    pub mapping: Value,
    /// When it was written.
    pub created_at: DateTime<Utc>,
}

/// An import profile to create; also the format of a profile in a file.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
pub struct CreateImportProfile {
    /// What programs call it.
    #[schema(pattern = "^[a-z][a-z0-9_-]{0,62}$", example = "hr_export")]
    pub code: String,
    /// Its display name.
    #[schema(min_length = 1, max_length = 200, example = "HR export")]
    pub name: String,
    /// What it imports: `users`, `courses`, `absences`, `rule_overrides`, `extensions`, `waivers`, `course_equivalences` or
    /// `rule_issues`.
    #[schema(min_length = 1, max_length = 60, example = "users")]
    pub resource: String,
    /// How a file is read.
    #[validate(custom(function = is_sound))]
    pub mapping: Mapping,
}

/// A rule for bodies: what holds of every mapping, whatever it fills.
fn is_sound(mapping: &Mapping) -> Result<(), ValidationError> {
    complaints(check::faults(mapping, None, "/mapping"))
}

/// Changes to a profile: a field that is absent stays. A mapping is given as a whole.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
pub struct UpdateImportProfile {
    /// Its display name.
    #[schema(min_length = 1, max_length = 200, nullable = false)]
    pub name: Option<String>,
    /// How a file is read.
    #[schema(nullable = false)]
    #[validate(custom(function = is_sound))]
    pub mapping: Option<Mapping>,
}
