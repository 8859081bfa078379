//! Requirements by hand: somebody asks for one, or takes that back.

use chrono::NaiveDate;
use diesel::{ExpressionMethods, OptionalExtension, QueryDsl, RunQueryDsl, SelectableHelper};
use serde_json::json;
use uuid::Uuid;

use super::{
    model::{CreateRequirement, DUE_TOO_EARLY, EndReason, ReasonKind, Requirement, RequirementReason},
    store,
};
use crate::{
    access::Authorized,
    app::Tx,
    db::{
        Condition,
        schema::{requirement_reasons, requirements},
    },
    enrollment::{people, rules::reconcile},
    http::{ApiError, ApiResult, Code},
    ledger::Event,
    sql,
};

/// Refuses a due date before the day on which the requirement opens.
pub fn check_due(tx: &Tx, new: &CreateRequirement) -> ApiResult<()> {
    if new.due_on.is_some_and(|due| due < opens_on(tx, new)) {
        return Err(ApiError::field("/due_on", DUE_TOO_EARLY));
    }
    Ok(())
}

/// Asks for a requirement: gives the current one another reason, or opens one.
pub fn assign(tx: &mut Tx, new: &CreateRequirement) -> ApiResult<Requirement> {
    people::lock_learner(tx, new.user_id)?;
    people::published_course(tx, new.course_id)?;
    let id = match current(tx, new)? {
        Some(id) => id,
        None => open(tx, new)?,
    };
    add_reason(tx, id, new)?;
    reconcile::reconcile(tx, new.user_id, None)?;
    store::find(tx, new.user_id, id)
}

/// The requirement of the latest cycle, if it stands for the wish: it is open, or satisfied and counts still.
fn current(tx: &mut Tx, new: &CreateRequirement) -> ApiResult<Option<Uuid>> {
    let latest = requirements::table
        .filter(requirements::user_id.eq(new.user_id))
        .filter(requirements::course_id.eq(new.course_id))
        .order(requirements::cycle.desc())
        .select((
            requirements::id,
            Condition::new(sql!(
                "requirements.ended_at IS NULL AND (requirements.satisfied_at IS NULL
                    OR requirements.valid_until IS NULL
                    OR requirements.valid_until >= {today})",
                today = tx.today(),
            )),
        ))
        .first::<(Uuid, bool)>(tx.conn)
        .optional()?;
    Ok(latest.filter(|(_, stands)| *stands).map(|(id, _)| id))
}

fn opens_on(tx: &Tx, new: &CreateRequirement) -> NaiveDate {
    new.opens_on.unwrap_or(tx.today())
}

fn open(tx: &mut Tx, new: &CreateRequirement) -> ApiResult<Uuid> {
    let cycles: Option<i32> = requirements::table
        .filter(requirements::user_id.eq(new.user_id))
        .filter(requirements::course_id.eq(new.course_id))
        .select(diesel::dsl::max(requirements::cycle))
        .first(tx.conn)?;
    let id = Uuid::now_v7();
    diesel::insert_into(requirements::table)
        .values((
            requirements::id.eq(id),
            requirements::user_id.eq(new.user_id),
            requirements::course_id.eq(new.course_id),
            requirements::cycle.eq(cycles.unwrap_or(0) + 1),
            requirements::opens_on.eq(opens_on(tx, new)),
            requirements::due_on.eq(new.due_on),
            requirements::created_at.eq(tx.now),
            requirements::updated_at.eq(tx.now),
        ))
        .execute(tx.conn)?;
    tx.record(
        Event::new("requirement.opened", "requirement", id)
            .about(new.user_id)
            .after(new),
    );
    Ok(id)
}

fn add_reason(tx: &mut Tx, requirement_id: Uuid, new: &CreateRequirement) -> ApiResult<()> {
    let reason = diesel::insert_into(requirement_reasons::table)
        .values((
            requirement_reasons::id.eq(Uuid::now_v7()),
            requirement_reasons::user_id.eq(new.user_id),
            requirement_reasons::requirement_id.eq(requirement_id),
            requirement_reasons::kind.eq(ReasonKind::Person),
            requirement_reasons::assigned_by.eq(tx.caller.actor.id),
            requirement_reasons::note.eq(&new.note),
            requirement_reasons::due_on.eq(new.due_on),
            requirement_reasons::created_at.eq(tx.now),
        ))
        .returning(RequirementReason::as_returning())
        .get_result(tx.conn)?;
    tx.record(
        Event::new("requirement.reason_added", "requirement", requirement_id)
            .about(new.user_id)
            .after(&reason),
    );
    Ok(())
}

/// Takes back a wish. The requirement ends if nothing else asks for it.
pub fn withdraw(tx: &mut Tx, requirement: &Authorized<Requirement>, reason_id: Uuid) -> ApiResult<()> {
    people::lock(tx, requirement.user_id)?;
    let reason = requirement_reasons::table
        .find((requirement.user_id, reason_id))
        .filter(requirement_reasons::requirement_id.eq(requirement.id))
        .filter(requirement_reasons::ended_at.is_null())
        .select(RequirementReason::as_select())
        .first(tx.conn)
        .optional()?
        .ok_or_else(|| ApiError::not_found("live reason"))?;
    if reason.kind == ReasonKind::Rule {
        return Err(ApiError::new(
            Code::Conflict,
            "A rule gives this reason; change the rule, or the facts that it looks at.",
        ));
    }
    diesel::update(requirement_reasons::table.find((requirement.user_id, reason_id)))
        .set(requirement_reasons::ended_at.eq(tx.now))
        .execute(tx.conn)?;
    tx.record(
        Event::new("requirement.reason_ended", "requirement", requirement.id)
            .about(requirement.user_id)
            .before(&reason),
    );
    end_without_reasons(tx, requirement)?;
    reconcile::reconcile(tx, requirement.user_id, None).map(drop)
}

fn end_without_reasons(tx: &mut Tx, requirement: &Requirement) -> ApiResult<()> {
    let ended = sql!(
        "UPDATE requirements q SET ended_at = {tx.now}, end_reason = 'withdrawn', version = version + 1,
            updated_at = {tx.now} WHERE q.user_id = {requirement.user_id} AND q.id = {requirement.id}
            AND q.ended_at IS NULL AND NOT EXISTS (SELECT 1 FROM requirement_reasons rr
                WHERE rr.user_id = q.user_id
                    AND rr.requirement_id = q.id AND rr.ended_at IS NULL)"
    )
    .execute(tx.conn)?;
    if ended == 1 {
        tx.record(
            Event::new("requirement.ended", "requirement", requirement.id)
                .about(requirement.user_id)
                .before(requirement)
                .after(&json!({ "end_reason": EndReason::Withdrawn })),
        );
    }
    Ok(())
}
