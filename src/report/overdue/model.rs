//! The types of `/v1/reports/overdue`.

use chrono::NaiveDate;
use diesel::{
    QueryableByName,
    sql_types::{Date, Integer, Jsonb, Nullable, Text, Uuid as SqlUuid},
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::http::{
    FieldError, ListQuery, Parameters,
    csv::{CsvRow, Format, cell},
};

/// What an overdue report is about.
#[derive(Debug, Clone, Default, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct OverdueQuery {
    /// Rows a page; CSV always holds all.
    #[param(minimum = 1, maximum = 200, default = 50)]
    pub limit: Option<i64>,
    /// Where to go on: `next_cursor` of the page before.
    pub cursor: Option<String>,
    /// `due_on`, the longest overdue first, or `-due_on`.
    #[param(example = "due_on")]
    pub sort: Option<String>,
    /// A unit: it and all below it.
    pub org_unit_id: Option<Uuid>,
    /// One course.
    pub course_id: Option<Uuid>,
    /// A filter over users.
    #[param(max_length = 4096)]
    pub filter: Option<String>,
    /// `json` or `csv`; overrides `Accept`.
    #[param(inline)]
    pub format: Option<Format>,
    /// Begin CSV with a byte order mark, so that Excel shows all letters as they are. JSON never has one.
    #[param(default = false)]
    pub bom: Option<bool>,
    /// What is wrong with the parameters so far.
    #[serde(skip)]
    pub faults: Vec<FieldError>,
}

impl Parameters for OverdueQuery {
    fn fault_collector(&mut self) -> Option<&mut Vec<FieldError>> {
        Some(&mut self.faults)
    }
}

impl OverdueQuery {
    /// What it has in common with other lists.
    pub fn common(&self) -> ListQuery {
        ListQuery {
            limit: self.limit,
            cursor: self.cursor.clone(),
            sort: self.sort.clone(),
            filter: self.filter.clone(),
            faults: self.faults.clone(),
        }
    }
}

/// A requirement that is overdue, with the user and their manager.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, QueryableByName, ToSchema)]
pub struct OverdueRequirement {
    /// The requirement.
    #[diesel(sql_type = SqlUuid)]
    pub requirement_id: Uuid,
    /// Who is late.
    #[diesel(sql_type = SqlUuid)]
    pub user_id: Uuid,
    /// The new password.
    #[diesel(sql_type = Text)]
    pub username: String,
    /// Their given name.
    #[diesel(sql_type = Text)]
    pub given_name: String,
    /// Their family name.
    #[diesel(sql_type = Text)]
    pub family_name: String,
    /// Where they get mail.
    #[diesel(sql_type = Nullable<Text>)]
    pub email: Option<String>,
    /// Their unit.
    #[diesel(sql_type = Nullable<SqlUuid>)]
    pub org_unit_id: Option<Uuid>,
    /// Its code.
    #[diesel(sql_type = Nullable<Text>)]
    pub org_unit_code: Option<String>,
    /// Its name.
    #[diesel(sql_type = Nullable<Text>)]
    pub org_unit_name: Option<String>,
    /// What they must take.
    #[diesel(sql_type = SqlUuid)]
    pub course_id: Uuid,
    /// Its code.
    #[diesel(sql_type = Text)]
    pub course_code: String,
    /// Its title.
    #[diesel(sql_type = Text)]
    pub course_title: String,
    /// By when it had to be done.
    #[diesel(sql_type = Date)]
    pub due_on: NaiveDate,
    /// Days since then, in UTC.
    #[diesel(sql_type = Integer)]
    #[schema(minimum = 1)]
    pub days_overdue: i32,
    /// Whom they report to.
    #[diesel(sql_type = Nullable<SqlUuid>)]
    pub manager_id: Option<Uuid>,
    /// What the manager signs in with.
    #[diesel(sql_type = Nullable<Text>)]
    pub manager_username: Option<String>,
    /// The manager's name.
    #[diesel(sql_type = Nullable<Text>)]
    pub manager_name: Option<String>,
    /// Where the manager gets mail.
    #[diesel(sql_type = Nullable<Text>)]
    pub manager_email: Option<String>,
}

/// A row with what it is ordered by.
#[derive(QueryableByName)]
pub struct OverdueRow {
    /// The row.
    #[diesel(embed)]
    pub requirement: OverdueRequirement,
    /// What it is ordered by.
    #[diesel(sql_type = Jsonb)]
    pub sort_key: Value,
}

impl CsvRow for OverdueRequirement {
    const HEADER: &'static [&'static str] = &[
        "requirement_id",
        "user_id",
        "username",
        "given_name",
        "family_name",
        "email",
        "org_unit_id",
        "org_unit_code",
        "org_unit_name",
        "course_id",
        "course_code",
        "course_title",
        "due_on",
        "days_overdue",
        "manager_id",
        "manager_username",
        "manager_name",
        "manager_email",
    ];

    fn cells(&self) -> Vec<String> {
        vec![
            self.requirement_id.to_string(),
            self.user_id.to_string(),
            self.username.clone(),
            self.given_name.clone(),
            self.family_name.clone(),
            cell(self.email.as_ref()),
            cell(self.org_unit_id.as_ref()),
            cell(self.org_unit_code.as_ref()),
            cell(self.org_unit_name.as_ref()),
            self.course_id.to_string(),
            self.course_code.clone(),
            self.course_title.clone(),
            self.due_on.to_string(),
            self.days_overdue.to_string(),
            cell(self.manager_id.as_ref()),
            cell(self.manager_username.as_ref()),
            cell(self.manager_name.as_ref()),
            cell(self.manager_email.as_ref()),
        ]
    }
}
