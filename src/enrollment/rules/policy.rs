//! Rules as settling them reads them: what they say, without what they are called.

use std::collections::HashMap;

use chrono::NaiveDate;
use diesel::{ExpressionMethods, QueryDsl, RunQueryDsl, SelectableHelper};
use uuid::Uuid;

use super::{
    due::DuePolicy,
    model::{EarlyCompletions, OnAbsence, OnLeave, Rule, RuleStatus},
    repeat::{Calendar, NewHires, Repeat},
};
use crate::{app::Tx, db::schema::rules, enrollment::target::Target, http::ApiResult, period::Period};

/// What a rule says.
#[derive(Debug, Clone, PartialEq)]
pub struct Policy {
    /// Its id.
    pub rule_id: Uuid,
    /// Its version.
    pub version: i64,
    /// Its status: active or paused.
    pub status: RuleStatus,
    /// The day on which it was last activated.
    pub activated_on: Option<NaiveDate>,
    /// Its audience.
    pub audience: String,
    /// What it asks for.
    pub targets: Vec<Target>,
    /// By when.
    pub due: DuePolicy,
    /// Again when; as the course says, if it does not say.
    pub repeat: Option<Again>,
    /// How long before validity ends the next cycle opens.
    pub window: Period,
    /// How long after validity ended the next cycle is due.
    pub grace: Period,
    /// How long after a completion the next cycle opens at the soonest.
    pub gap: Period,
    /// Whether completions count that happened before a cycle opened.
    pub early: EarlyCompletions,
    /// What becomes of those who leave.
    pub on_leave: OnLeave,
    /// Whether due dates in an absence move, and by how much behind its end.
    pub absence_lead: Option<Period>,
}

/// [`Repeat`], with its days worked out.
#[derive(Debug, Clone, PartialEq)]
pub enum Again {
    /// One completion is enough.
    Never,
    /// So long after the completion.
    AfterCompletion(Period),
    /// So long after the due date.
    AfterDueDate(Period),
    /// On days of the calendar.
    Calendar(Calendar, NewHires),
}

impl From<&Repeat> for Again {
    fn from(repeat: &Repeat) -> Self {
        match repeat {
            Repeat::Never => Again::Never,
            Repeat::AfterCompletion { period } => Again::AfterCompletion(*period),
            Repeat::AfterDueDate { period } => Again::AfterDueDate(*period),
            Repeat::Calendar {
                days,
                starts_on,
                new_hires,
            } => Again::Calendar(Calendar::of(days, *starts_on), *new_hires),
        }
    }
}

impl From<&Rule> for Policy {
    fn from(rule: &Rule) -> Self {
        Policy {
            rule_id: rule.id,
            version: rule.version,
            status: rule.status,
            activated_on: rule.activated_at.map(|at| at.date_naive()),
            audience: rule.audience.clone(),
            targets: rule.targets.clone(),
            due: rule.due.clone(),
            repeat: rule.repeat.as_ref().map(Again::from),
            window: rule.renewal_window,
            grace: rule.grace_period,
            gap: rule.minimum_gap,
            early: rule.early_completions,
            on_leave: rule.on_leave,
            absence_lead: (rule.on_absence == OnAbsence::Move).then_some(rule.absence_lead),
        }
    }
}

/// The rules that do something, by their ids: active ones, and paused ones, whose reasons still count. `instead`, if given, stands
/// for the stored rule of its id: what a plan would put in force.
pub fn load(tx: &mut Tx, instead: Option<&Rule>) -> ApiResult<HashMap<Uuid, Policy>> {
    let stored: Vec<Rule> = rules::table
        .filter(rules::status.eq_any(["active", "paused"]))
        .select(Rule::as_select())
        .load(tx.conn)?;
    let kept = stored
        .iter()
        .filter(|rule| instead.is_none_or(|new| new.id != rule.id));
    let new = instead.into_iter().filter(|rule| does_something(rule));
    let policies = kept.chain(new).map(|rule| (rule.id, Policy::from(rule)));
    Ok(policies.collect())
}

fn does_something(rule: &Rule) -> bool {
    matches!(rule.status, RuleStatus::Active | RuleStatus::Paused)
}
