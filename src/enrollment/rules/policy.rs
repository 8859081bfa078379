//! Rules as settling them reads them: what they say, without what they are called.

use std::{
    collections::HashMap,
    sync::{Arc, LazyLock, Mutex, PoisonError},
};

use chrono::{DateTime, Utc};
use diesel::{
    ExpressionMethods, NullableExpressionMethods, QueryDsl, QueryableByName, RunQueryDsl, SelectableHelper,
    sql_types,
};
use uuid::Uuid;

use super::{
    audience_model::Reach,
    due::DuePolicy,
    model::{EarlyCompletions, OnAbsence, OnLeave, Rule, RuleStatus},
    repeat::{Calendar, NewHires, Repeat},
};
use crate::{
    app::Tx,
    db::schema::{requirement_reasons, rules},
    enrollment::target::Target,
    filter::{Filter, Schema},
    http::ApiResult,
    people::users,
    period::Period,
    sql,
};

/// What a rule says.
#[derive(Debug, Clone, PartialEq)]
pub struct Policy {
    /// Its id.
    pub rule_id: Uuid,
    /// Its version.
    pub version: i64,
    /// Its status: active or paused.
    pub status: RuleStatus,
    /// When it was activated.
    pub activated_at: Option<DateTime<Utc>>,
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
            activated_at: rule.activated_at,
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

/// The rules that do something: active ones, and paused ones, whose reasons still count.
#[derive(Debug, Clone, Default)]
pub struct Rules {
    /// What they say, by their ids.
    pub policies: HashMap<Uuid, Policy>,
    /// The filters of their audiences, in the order of the rules.
    pub filters: Vec<(Uuid, Filter)>,
    /// Those whose audiences can be read no more, because an attribute that they name is gone: nobody joins or leaves these
    /// until they are fixed.
    pub unreadable: Vec<Uuid>,
}

impl Rules {
    fn of<'a>(rules: impl Iterator<Item = &'a Rule>, schema: &Schema) -> Self {
        let mut all = Rules::default();
        for rule in rules {
            match Reach::of(rule).filter(schema) {
                Ok(filter) => all.filters.push((rule.id, filter)),
                Err(faults) => {
                    log::error!(
                        "the audience of rule {} cannot be read, so nobody joins or leaves it: {faults}",
                        rule.id
                    );
                    all.unreadable.push(rule.id);
                }
            }
            all.policies.insert(rule.id, Policy::from(rule));
        }
        all.filters.sort_by_key(|(rule, _)| *rule);
        all
    }
}

/// The rules of one state of the database, which [`stamp`] names: reading hundreds of rules for each change of a user would cost
/// more than settling it.
static KNOWN: LazyLock<Mutex<Known>> = LazyLock::new(Mutex::default);

type Known = Option<(Stamp, Arc<Rules>)>;

/// What differs whenever a rule, or an attribute that audiences may name, was written.
#[derive(Debug, Clone, PartialEq, QueryableByName)]
struct Stamp {
    #[diesel(sql_type = sql_types::Text)]
    database: String,
    #[diesel(sql_type = sql_types::Text)]
    rules: String,
    #[diesel(sql_type = sql_types::Text)]
    attributes: String,
}

fn stamp(tx: &mut Tx) -> ApiResult<Stamp> {
    Ok(sql!(
        "SELECT current_database()::text AS database, (SELECT concat_ws(' ', count(*), sum(version), max(updated_at)) FROM rules) AS rules,
            (SELECT concat_ws(' ', count(*), sum(version), max(updated_at)) FROM attribute_definitions) AS attributes"
    )
    .get_result(tx.conn)?)
}

/// The rules that do something. `instead`, if given, stands for the stored rule of its id: what a plan would put in force.
pub fn load(tx: &mut Tx, instead: Option<&Rule>) -> ApiResult<Arc<Rules>> {
    if let Some(new) = instead {
        let stored = stored(tx)?;
        let kept = stored.iter().filter(|rule| new.id != rule.id);
        let schema = users::filter::schema(tx)?;
        let all = kept.chain(Some(new).filter(|rule| does_something(rule)));
        return Ok(Arc::new(Rules::of(all, &schema)));
    }
    let stamp = stamp(tx)?;
    let known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner).clone();
    if let Some((_, rules)) = known.filter(|(known, _)| *known == stamp) {
        return Ok(rules);
    }
    let stored = stored(tx)?;
    let schema = users::filter::schema(tx)?;
    let rules = Arc::new(Rules::of(stored.iter(), &schema));
    *KNOWN.lock().unwrap_or_else(PoisonError::into_inner) = Some((stamp, rules.clone()));
    Ok(rules)
}

fn stored(tx: &mut Tx) -> ApiResult<Vec<Rule>> {
    let stored = rules::table
        .filter(rules::status.eq_any(["active", "paused"]))
        .order(rules::id)
        .select(Rule::as_select())
        .load(tx.conn)?;
    Ok(stored)
}

/// What archived rules said that are a reason of `requirements` of `people`.
pub fn archived(tx: &mut Tx, people: &[Uuid], requirements: &[Uuid]) -> ApiResult<HashMap<Uuid, Policy>> {
    let reasons = requirement_reasons::table
        .filter(requirement_reasons::user_id.eq_any(people))
        .filter(requirement_reasons::requirement_id.eq_any(requirements))
        .select(requirement_reasons::rule_id);
    let archived: Vec<Rule> = rules::table
        .filter(rules::id.nullable().eq_any(reasons))
        .filter(rules::status.eq(RuleStatus::Archived))
        .select(Rule::as_select())
        .load(tx.conn)?;
    Ok(archived
        .iter()
        .map(|rule| (rule.id, Policy::from(rule)))
        .collect())
}

fn does_something(rule: &Rule) -> bool {
    matches!(rule.status, RuleStatus::Active | RuleStatus::Paused)
}
