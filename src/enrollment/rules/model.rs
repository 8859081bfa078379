//! The types of `/v1/rules`.

use chrono::{DateTime, Utc};
use diesel::{
    AsChangeset, Insertable, Queryable, Selectable,
    sql_types::{self, Array},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;
use validator::Validate;

use super::due::DuePolicy;
use crate::{
    db::{schema::rules, sql::Fragment},
    http::Versioned,
    period::Period,
    protected, sql, text_enum,
};

text_enum! {
    /// What a rule does.
    RuleStatus {
        /// Nothing yet.
        Draft = "draft",
        /// Makes requirements.
        Active = "active",
        /// Nothing for now; the requirements that only it made have ended.
        Paused = "paused",
        /// Nothing any more.
        Archived = "archived",
    }
}

text_enum! {
    /// What becomes of a requirement when its person leaves the rule's audience.
    OnLeave {
        /// It ends, unless something else asks for it.
        End = "end",
        /// It stays until it is satisfied; no further cycle opens.
        Keep = "keep",
    }
}

/// A rule: who must hold which courses, by when.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Queryable, Selectable, ToSchema)]
#[diesel(table_name = rules)]
pub struct Rule {
    /// Our id.
    pub id: Uuid,
    /// A short name for programs; unique.
    #[schema(example = "fire-safety-site")]
    pub code: String,
    /// Its name.
    #[schema(example = "Fire safety for everybody on site")]
    pub name: String,
    /// What it is for.
    pub description: String,
    /// What it does.
    pub status: RuleStatus,
    /// Who, in the filter language over people. Archived people are in no audience.
    #[schema(example = "org_unit eq \"emea\" and employment_type ne \"contractor\"")]
    pub audience: String,
    /// What: the courses to be held, each by itself.
    #[diesel(
        select_expression = course_ids(),
        select_expression_type = Fragment<Array<sql_types::Uuid>>
    )]
    pub course_ids: Vec<Uuid>,
    /// By when.
    pub due: DuePolicy,
    /// How long before a completion lapses the next cycle opens.
    pub renewal_window: Period,
    /// What becomes of requirements when people leave the audience.
    pub on_leave: OnLeave,
    /// When it was last activated.
    pub activated_at: Option<DateTime<Utc>>,
    /// Counts up with every change; the ETag.
    pub version: i64,
    /// When it was added.
    pub created_at: DateTime<Utc>,
    /// When it was last changed.
    pub updated_at: DateTime<Utc>,
}

fn course_ids() -> Fragment<Array<sql_types::Uuid>> {
    Fragment::new(sql!(
        "ARRAY(SELECT rule_courses.course_id FROM rule_courses WHERE rule_courses.rule_id = rules.id
            ORDER BY 1)"
    ))
}

impl Versioned for Rule {
    fn version(&self) -> i64 {
        self.version
    }
}

protected!(Rule in rules, name: "rule", external: None, read: RulesRead, covered: |scope| scope.global());

/// A rule to be added, as a draft.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
pub struct CreateRule {
    /// A short name for programs; unique.
    #[schema(
        min_length = 1,
        max_length = 100,
        pattern = r"^\S+$",
        example = "fire-safety-site"
    )]
    pub code: String,
    /// Its name.
    #[schema(
        min_length = 1,
        max_length = 200,
        example = "Fire safety for everybody on site"
    )]
    pub name: String,
    /// What it is for.
    #[serde(default)]
    #[schema(max_length = 5000, format = "multiline")]
    pub description: String,
    /// Who, in the filter language over people.
    #[schema(
        min_length = 1,
        max_length = 4096,
        format = "multiline",
        example = "department eq \"Production\""
    )]
    pub audience: String,
    /// What: the courses to be held, each by itself.
    #[serde(default)]
    #[schema(max_items = 100)]
    pub course_ids: Vec<Uuid>,
    /// By when.
    pub due: DuePolicy,
    /// How long before a completion lapses the next cycle opens.
    #[serde(default = "default_renewal_window")]
    pub renewal_window: Period,
    /// What becomes of requirements when people leave the audience.
    #[serde(default = "default_on_leave")]
    #[schema(default = "end")]
    pub on_leave: OnLeave,
}

/// Changes to a rule: a field that is absent stays.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
pub struct UpdateRule {
    /// A short name for programs; unique.
    #[schema(min_length = 1, max_length = 100, pattern = r"^\S+$", nullable = false)]
    pub code: Option<String>,
    /// Its name.
    #[schema(min_length = 1, max_length = 200, nullable = false)]
    pub name: Option<String>,
    /// What it is for.
    #[schema(max_length = 5000, format = "multiline", nullable = false)]
    pub description: Option<String>,
    /// Who, in the filter language over people.
    #[schema(min_length = 1, max_length = 4096, format = "multiline", nullable = false)]
    pub audience: Option<String>,
    /// What: the courses to be held, each by itself.
    #[schema(max_items = 100, nullable = false)]
    pub course_ids: Option<Vec<Uuid>>,
    /// By when.
    #[schema(nullable = false)]
    pub due: Option<DuePolicy>,
    /// How long before a completion lapses the next cycle opens.
    #[schema(nullable = false)]
    pub renewal_window: Option<Period>,
    /// What becomes of requirements when people leave the audience.
    #[schema(nullable = false)]
    pub on_leave: Option<OnLeave>,
}

/// The columns of a rule that its author sets.
#[derive(Debug, Insertable, AsChangeset)]
#[diesel(table_name = rules)]
pub struct RuleText<'a> {
    /// See [`Rule::code`].
    pub code: Option<&'a str>,
    /// See [`Rule::name`].
    pub name: Option<&'a str>,
    /// See [`Rule::description`].
    pub description: Option<&'a str>,
    /// See [`Rule::audience`].
    pub audience: Option<&'a str>,
    /// See [`Rule::due`].
    pub due: Option<&'a DuePolicy>,
    /// See [`Rule::renewal_window`].
    pub renewal_window: Option<Period>,
    /// See [`Rule::on_leave`].
    pub on_leave: Option<OnLeave>,
}

fn default_renewal_window() -> Period {
    "P30D".parse().unwrap_or_default()
}

fn default_on_leave() -> OnLeave {
    OnLeave::End
}
