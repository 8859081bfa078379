//! What rules do: they are activated, paused, archived, and put in force as planned.

use super::{
    model::{Rule, RuleStatus},
    plan_model::{PlanRule, PlannedStatus},
};
use crate::{
    app::Tx,
    authz::Authorized,
    enrollment::events::{RULE_ACTIVATED, RULE_APPLIED, RULE_ARCHIVED, RULE_PAUSED},
    http::{ApiError, ApiResult, Code},
    ledger::Event,
    resource::{Change, write},
};

/// Makes a rule do something else, and has it applied after the transaction.
pub fn set_status(tx: &mut Tx, rule: Authorized<Rule>, status: RuleStatus) -> ApiResult<Rule> {
    if status == RuleStatus::Paused && rule.status == RuleStatus::Draft {
        return Err(ApiError::new(
            Code::Conflict,
            "The rule is a draft, which does nothing that could be paused.",
        ));
    }
    let mut after = Rule::clone(&rule);
    after.status = status;
    let kind = match status {
        RuleStatus::Paused => &RULE_PAUSED,
        RuleStatus::Archived => {
            if matches!(rule.status, RuleStatus::Active | RuleStatus::Paused) {
                return Err(plan_required("An active or paused rule is archived by plan"));
            }
            &RULE_ARCHIVED
        }
        RuleStatus::Active | RuleStatus::Draft => {
            if rule.status == RuleStatus::Paused {
                return Err(plan_required("A paused rule is resumed by plan"));
            }
            after.activated_at = Some(tx.now);
            after.fields.activates_on = None;
            &RULE_ACTIVATED
        }
    };
    write::one(tx, Change::Become(rule, Box::new(after), kind))
}

/// The rule as `wish` makes it, with what is wrong with its changes refused.
pub(super) fn planned(tx: &Tx, rule: &Rule, wish: &PlanRule) -> ApiResult<Rule> {
    let mut after = rule.clone();
    if let Some(changes) = &wish.changes {
        let (fields, faults) = changes.apply_to(rule).map_err(|error| error.below("/changes"))?;
        if !faults.is_empty() {
            return Err(ApiError::invalid(faults).below("/changes"));
        }
        after.fields = fields;
    }
    match wish.becomes {
        PlannedStatus::Active if after.status == RuleStatus::Active => {}
        PlannedStatus::Active => {
            // A paused rule goes on: users who joined after its activation stay new hires of its calendar.
            if after.status != RuleStatus::Paused {
                after.activated_at = Some(tx.now);
            }
            after.status = RuleStatus::Active;
            after.fields.activates_on = None;
        }
        PlannedStatus::Archived => after.status = RuleStatus::Archived,
    }
    Ok(after)
}

/// Refuses what is done by plan. `what` begins the sentence.
pub(super) fn plan_required(what: &str) -> ApiError {
    ApiError::new(
        Code::PlanRequired,
        format!(
            "{what}: POST /v1/rules/{{rule_id}}/plans shows what it would do, and /applications does it."
        ),
    )
}

/// Puts a rule in force as planned, with changes to what it says; or archives it.
pub(super) fn put_in_force(tx: &mut Tx, rule: Authorized<Rule>, wish: &PlanRule) -> ApiResult<Rule> {
    let before = Rule::clone(&rule);
    let after = planned(tx, &before, wish)?;
    let below = |error: ApiError| error.below("/changes");
    let kind = match wish.becomes {
        PlannedStatus::Active => &RULE_APPLIED,
        PlannedStatus::Archived => &RULE_ARCHIVED,
    };
    let after = write::one(tx, Change::Become(rule, Box::new(after), kind)).map_err(below)?;
    if after == before {
        // The writer tells of changes; that somebody applied the rule as it is, is told, too.
        tx.record(Event::new(&RULE_APPLIED, after.id).before(&before).after(&after));
    }
    Ok(after)
}
