//! What rules do: they are activated, paused, archived, and put in force as planned.

use super::model::{Rule, RuleStatus, UpdateRule};
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
        RuleStatus::Archived => &RULE_ARCHIVED,
        RuleStatus::Active | RuleStatus::Draft => {
            after.activated_at = Some(tx.now);
            &RULE_ACTIVATED
        }
    };
    write::one(tx, Change::Become(rule, Box::new(after), kind))
}

/// Puts a rule in force, with changes to what it says.
pub(super) fn put_in_force(
    tx: &mut Tx,
    rule: Authorized<Rule>,
    changes: Option<&UpdateRule>,
) -> ApiResult<Rule> {
    let below = |error: ApiError| error.below("/changes");
    let before = Rule::clone(&rule);
    let mut after = before.clone();
    if let Some(changes) = changes {
        let (fields, faults) = changes.apply_to(&before).map_err(below)?;
        if !faults.is_empty() {
            return Err(ApiError::invalid(faults).below("/changes"));
        }
        after.fields = fields;
    }
    if after.status != RuleStatus::Active {
        after.status = RuleStatus::Active;
        after.activated_at = Some(tx.now);
    }
    let after = write::one(tx, Change::Become(rule, Box::new(after), &RULE_APPLIED)).map_err(below)?;
    if after == before {
        // The writer tells of changes; that somebody applied the rule as it is, is told, too.
        tx.record(Event::new(&RULE_APPLIED, after.id).before(&before).after(&after));
    }
    Ok(after)
}
