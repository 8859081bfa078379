//! Writing rules: what a rule must be, and what its changes bring about.

use std::collections::HashSet;

use uuid::Uuid;

use super::{
    job::ReconcileRule,
    model::{CreateRule, Rule, RuleStatus, RuleText, UpdateRule},
    store,
};
use crate::{
    access::Authorized,
    app::Tx,
    http::{ApiError, ApiResult, Code, Faults, FieldError},
    ledger::Event,
    people::users,
};

/// Adds a draft.
pub fn create(tx: &mut Tx, new: &CreateRule) -> ApiResult<Rule> {
    let mut faults = Faults::default();
    faults.check(check_audience(tx, Some(&new.audience)))?;
    faults.check(check_courses(tx, &new.course_ids))?;
    faults.last(store::refuse_taken_code(tx, Some(&new.code), None))?;
    let text = RuleText {
        code: Some(&new.code),
        name: Some(&new.name),
        description: Some(&new.description),
        audience: Some(&new.audience),
        due: Some(&new.due),
        renewal_window: Some(new.renewal_window),
        on_leave: Some(new.on_leave),
    };
    let rule = store::insert(tx, Uuid::now_v7(), &text, &new.course_ids)?;
    tx.record(Event::new("rule.created", "rule", rule.id).after(&rule));
    Ok(rule)
}

/// Changes what a rule says. One that is active is applied anew, after the transaction.
pub fn update(tx: &mut Tx, before: &Authorized<Rule>, changes: &UpdateRule) -> ApiResult<Rule> {
    let rule = rewrite(tx, before, changes)?;
    if rule.status == RuleStatus::Active {
        ready(tx, &rule)?;
        apply_later(tx, rule.id)?;
    }
    tx.record(
        Event::new("rule.updated", "rule", rule.id)
            .before(&**before)
            .after(&rule),
    );
    Ok(rule)
}

/// Changes what a rule says and nothing else.
pub(super) fn rewrite(tx: &mut Tx, before: &Authorized<Rule>, changes: &UpdateRule) -> ApiResult<Rule> {
    if before.status == RuleStatus::Archived {
        return Err(archived());
    }
    let mut faults = Faults::default();
    faults.check(check_audience(tx, changes.audience.as_deref()))?;
    faults.check(check_courses(
        tx,
        changes.course_ids.as_deref().unwrap_or_default(),
    ))?;
    faults.last(store::refuse_taken_code(
        tx,
        changes.code.as_deref(),
        Some(before.id),
    ))?;
    let text = RuleText {
        code: changes.code.as_deref(),
        name: changes.name.as_deref(),
        description: changes.description.as_deref(),
        audience: changes.audience.as_deref(),
        due: changes.due.as_ref(),
        renewal_window: changes.renewal_window,
        on_leave: changes.on_leave,
    };
    store::update(tx, before, &text, changes.course_ids.as_deref())
}

/// Makes a rule do something else, and has it applied after the transaction.
pub fn set_status(tx: &mut Tx, before: &Authorized<Rule>, status: RuleStatus) -> ApiResult<Rule> {
    if before.status == RuleStatus::Archived {
        return Err(archived());
    }
    if status == RuleStatus::Paused && before.status == RuleStatus::Draft {
        return Err(ApiError::new(
            Code::Conflict,
            "The rule is a draft, which does nothing that could be paused.",
        ));
    }
    if status == RuleStatus::Active {
        ready(tx, before)?;
    }
    let rule = store::set_status(tx, before, status)?;
    let action = match status {
        RuleStatus::Paused => "rule.paused",
        RuleStatus::Archived => "rule.archived",
        RuleStatus::Active | RuleStatus::Draft => "rule.activated",
    };
    tx.record(Event::new(action, "rule", rule.id).before(&**before).after(&rule));
    apply_later(tx, rule.id)?;
    Ok(rule)
}

/// An active rule asks for courses that can be taken.
pub(super) fn ready(tx: &mut Tx, rule: &Rule) -> ApiResult<()> {
    if rule.course_ids.is_empty() {
        return Err(ApiError::new(
            Code::RuleNotReady,
            "The rule asks for no course yet; give it course_ids.",
        ));
    }
    let unpublished: Vec<String> = store::courses(tx, &rule.course_ids)?
        .into_iter()
        .filter(|(_, status, _)| status != "published")
        .map(|(id, status, title)| format!("{title} ({id}, {status})"))
        .collect();
    if unpublished.is_empty() {
        return Ok(());
    }
    Err(ApiError::new(
        Code::RuleNotReady,
        format!(
            "These courses are not published: {}. Publish them or take them out of course_ids.",
            unpublished.join(", ")
        ),
    ))
}

fn apply_later(tx: &mut Tx, rule_id: Uuid) -> ApiResult<()> {
    tx.enqueue(&ReconcileRule {
        rule_id,
        operation_id: None,
        progress: 0,
    })
}

pub(super) fn archived() -> ApiError {
    ApiError::new(
        Code::RuleArchived,
        "It does nothing any more and cannot be changed; make a new rule.",
    )
}

/// The audience can be read.
fn check_audience(tx: &mut Tx, audience: Option<&str>) -> ApiResult<()> {
    match audience {
        Some(text) => users::filter::parse_field(tx, "/audience", text).map(drop),
        None => Ok(()),
    }
}

/// The courses are there.
fn check_courses(tx: &mut Tx, course_ids: &[Uuid]) -> ApiResult<()> {
    let there = store::courses(tx, course_ids)?;
    let there: HashSet<Uuid> = there.into_iter().map(|(id, ..)| id).collect();
    let asked = course_ids.iter().enumerate();
    let unknown = asked.filter(|(_, course_id)| !there.contains(course_id));
    let faults = unknown
        .map(|(index, _)| FieldError::new(format!("/course_ids/{index}"), "names no course that exists"));
    let faults: Vec<_> = faults.collect();
    if faults.is_empty() {
        return Ok(());
    }
    Err(ApiError::invalid(faults))
}
