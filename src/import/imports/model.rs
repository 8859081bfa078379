//! The types of `/v1/imports`.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use diesel::{Queryable, Selectable};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;
use validator::Validate;

use crate::{
    db::schema::{import_rows, imports},
    http::{Parameters, Problem, Versioned},
    import::read::Issue,
    protected, text_enum,
};

text_enum! {
    /// How far an import is.
    ImportStatus {
        /// The file is being read and compared.
        Planning = "planning",
        /// The plan waits to be looked at and applied.
        Planned = "planned",
        /// The plan is being applied.
        Applying = "applying",
        /// Done.
        Applied = "applied",
        /// Given up; `problem` says why.
        Failed = "failed",
        /// Ended early, as somebody asked; `problem` says what to do.
        Cancelled = "cancelled",
    }
}

text_enum! {
    /// What a plan does with a row.
    RowAction {
        /// Adds what it is about.
        Create = "create",
        /// Changes it.
        Update = "update",
        /// Brings back what an earlier import ended because it was missing from its file, and changes it as the row says.
        Restore = "restore",
        /// Nothing: it is so already.
        Unchanged = "unchanged",
        /// It is missing from the file, and gets the status that the profile says.
        End = "end",
        /// The row has errors, and nothing is done with it.
        Refuse = "refuse",
        /// The row is blank or says the same as one before it.
        Skip = "skip",
    }
}

/// An import.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Queryable, Selectable, ToSchema)]
#[diesel(table_name = imports)]
pub struct Import {
    /// Our id.
    pub id: Uuid,
    /// The profile that its file is read with.
    pub profile_id: Uuid,
    /// That profile's version.
    pub profile_version: i64,
    /// What it writes.
    #[schema(example = "users")]
    pub resource: String,
    /// The file's name, as its sender gave it.
    pub file_name: Option<String>,
    /// How far it is.
    pub status: ImportStatus,
    /// How many rows the plan creates, changes, and so on; null until it is made. Once applying it has
    /// ended, also early, what was done.
    #[schema(value_type = Option<ImportCounts>)]
    pub counts: Option<Value>,
    /// Stands for all that the plan would do; applying it takes this.
    pub plan_hash: Option<String>,
    /// Why it failed or was cancelled.
    #[schema(value_type = Option<Problem>)]
    pub problem: Option<Value>,
    /// The operation that plans or applies it, whichever was begun last.
    pub operation_id: Uuid,
    /// Counts up with every change; the ETag.
    pub version: i64,
    /// When the file came.
    pub created_at: DateTime<Utc>,
    /// When it was last changed.
    pub updated_at: DateTime<Utc>,
}

impl Versioned for Import {
    fn version(&self) -> i64 {
        self.version
    }
}

protected!(Import in imports, name: "import", external: None, read: ImportsRead,
    covered: |scope| scope.global());

/// How many rows a plan creates, changes, and so on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ImportCounts {
    /// Rows of the file.
    pub rows: i64,
    /// Rows that add something.
    pub create: i64,
    /// Rows that change something.
    pub update: i64,
    /// Rows that bring back what an earlier file left out.
    pub restore: i64,
    /// Rows that say what is so already.
    pub unchanged: i64,
    /// Things that are missing from the file and get the profile's status for that.
    pub end: i64,
    /// Rows with errors.
    pub refuse: i64,
    /// Rows that are blank or repeat another.
    pub skip: i64,
    /// Rows with warnings.
    pub warnings: i64,
    /// Present objects that would go: those missing from the file, and those that the file archives or retires.
    pub removals: i64,
    /// Those who are there, of whom `removals` are a part.
    pub present: i64,
    /// What is made beside the rows, by kind, such as org units.
    #[schema(example = json!({"org_unit": 6}))]
    pub also_created: BTreeMap<String, i64>,
}

/// What a plan does with a row, and why.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Queryable, Selectable, ToSchema)]
#[diesel(table_name = import_rows)]
pub struct ImportRow {
    /// The line of the file that it begins on, the first being 1. Those missing from the file come after the last.
    pub line: i64,
    /// The row's key in the other system.
    pub key: Option<String>,
    /// What is done with it.
    #[schema(value_type = RowAction)]
    pub action: Option<String>,
    /// What it is about; of a new thing, the id that it gets.
    pub object_id: Option<Uuid>,
    /// That thing's version when the plan was made.
    pub object_version: Option<i64>,
    /// What the profile made of the row.
    #[schema(value_type = Object)]
    pub fields: Value,
    /// What changes, as `{"field": {"from": …, "to": …}}`.
    #[schema(value_type = Object)]
    pub changes: Value,
    /// What is wrong with it.
    #[schema(value_type = Vec<Issue>)]
    pub issues: Value,
}

/// The parameters of a new import.
#[derive(Debug, Clone, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct CreateImport {
    /// The profile's code or id.
    #[param(min_length = 1, max_length = 200, example = "hr_export")]
    pub profile: String,
    /// The file's name, for those who look at the import later.
    #[param(max_length = 200)]
    pub file_name: Option<String>,
}

impl Parameters for CreateImport {}

/// A plan that is to be applied.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
pub struct ApplyImport {
    /// The plan's hash, as it was read.
    #[schema(min_length = 1, max_length = 128)]
    pub plan_hash: String,
    /// Lets the plan remove more than its profile allows, in percent.
    #[serde(default)]
    #[schema(minimum = 0, maximum = 100)]
    pub allow_removals_percent: Option<u32>,
    /// Writes all rows in one transaction, or none. Other writers of these objects wait until it ends.
    #[serde(default)]
    #[schema(default = false)]
    pub all_or_nothing: bool,
}
