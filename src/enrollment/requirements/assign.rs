//! Assigns requirements by hand and removes their reasons: the same statements for one and for a thousand.

use std::collections::{HashMap, HashSet};

use chrono::NaiveDate;
use uuid::Uuid;

use super::{
    model::{
        CreateRequirement, DUE_TOO_EARLY, EndReason, ReasonKind, RemoveRequirementReason, Requirement,
        RequirementReason, RequirementWithReasons, StoredRequirement,
    },
    store::{self, NewReason, NewRequirement},
};
use crate::{
    app::Tx,
    authz::{Authorized, Permission},
    enrollment::{
        enrollments,
        events::{REASON_ADDED, REASON_ENDED, REQUIREMENT_ENDED, REQUIREMENT_OPENED},
        people::{self, Pair},
        rules::reconcile,
        target::said_of_target,
    },
    http::{
        ApiError, ApiResult, Code, Faults,
        bulk::{Outcome, Outcomes, write_each},
    },
    ledger::Event,
    people::days::Zones,
    sql,
};

/// Assigns requirements: adds a reason to the current requirement, or opens one. Each is checked and refused by itself.
pub fn assign(tx: &mut Tx, new: Vec<CreateRequirement>) -> ApiResult<Outcomes<RequirementWithReasons>> {
    let pairs = new
        .iter()
        .filter_map(|new| Some((new.user_id, new.target.course_id()?)));
    let pairs: Vec<Pair> = pairs.collect();
    let allowed = people::allow(tx, Permission::RequirementsWrite, &pairs)?;
    let users: Vec<Uuid> = pairs.iter().map(|(user, _)| *user).collect();
    let (zones, now) = (Zones::of(tx, &users)?, tx.now);
    let today = |user| zones.day(user, now);
    let checked = new.into_iter().zip(allowed).map(|(new, allowed)| {
        let mut faults = Faults::default();
        faults.check(check_due(&new, today(new.user_id)))?;
        faults.last(allowed.map_err(said_of_target))?;
        Ok(new)
    });
    let checked = checked.collect();
    write_each(checked, |new| assign_allowed(tx, new, today))
}

/// Refuses a due date before the day on which the requirement opens.
fn check_due(new: &CreateRequirement, today: NaiveDate) -> ApiResult<()> {
    if new.due_on.is_some_and(|due| due < new.opens_on.unwrap_or(today)) {
        return Err(ApiError::field("/due_on", DUE_TOO_EARLY));
    }
    Ok(())
}

/// `today` is the day where a user is.
fn assign_allowed(
    tx: &mut Tx,
    new: Vec<CreateRequirement>,
    today: impl Fn(Uuid) -> NaiveDate,
) -> ApiResult<Outcomes<RequirementWithReasons>> {
    let learners = people::lock(tx, new.iter().map(|new| new.user_id))?;
    let courses = people::courses(tx, new.iter().filter_map(|new| new.target.course_id()))?;
    let mut latest = store::latest(tx, new.iter().map(|new| (new.user_id, new.target.id)))?;
    let (mut opened, mut resumed, mut reasons) = (Vec::new(), Vec::new(), Vec::new());
    let mut asked = Vec::with_capacity(new.len());
    for new in &new {
        let learns = learners.check_learns(new.user_id);
        if let Err(error) = learns.and_then(|()| courses.open(new.target.id)) {
            asked.push(Err(said_of_target(error)));
            continue;
        }
        let pair = (new.user_id, new.target.id);
        let reason = RequirementReason {
            id: Uuid::now_v7(),
            kind: ReasonKind::Person,
            rule_id: None,
            rule_version: None,
            assigned_by: tx.caller.actor.id,
            note: new.note.clone(),
            scheduled_on: new.due_on,
            due_on: new.due_on,
            valid_until: None,
            renews_on: None,
            created_at: tx.now,
            ended_at: None,
        };
        let requirement_id = match latest.get_mut(&pair) {
            Some(latest) if latest.stands_on(today(new.user_id)) => {
                if std::mem::take(&mut latest.is_ended) {
                    resumed.push((new.user_id, latest.id, today(new.user_id)));
                }
                let event = Event::new(&REASON_ADDED, latest.id);
                tx.record(event.about(new.user_id).after(&reason));
                latest.id
            }
            earlier => {
                let cycle = earlier.map_or(1, |earlier| earlier.cycle + 1);
                let opens_on = new.opens_on.unwrap_or_else(|| today(new.user_id));
                let row = NewRequirement::new(tx, new, cycle, opens_on);
                let event = Event::new(&REQUIREMENT_OPENED, row.id);
                tx.record(event.about(new.user_id).after(&row.opened(new.target, &reason)));
                latest.insert(pair, row.latest(new.target));
                let id = row.id;
                opened.push(row);
                id
            }
        };
        reasons.push(NewReason {
            user_id: new.user_id,
            requirement_id,
            recorded_at: tx.now,
            reason,
        });
        asked.push(Ok((new.user_id, requirement_id)));
    }
    store::resume(tx, &resumed)?;
    store::insert(tx, &opened, &reasons)?;
    let written: HashSet<Pair> = asked
        .iter()
        .filter_map(|asked| asked.as_ref().ok().copied())
        .collect();
    settle_people(tx, &written)?;
    let opened: Vec<Uuid> = opened
        .iter()
        .map(|row| row.id)
        .chain(resumed.iter().map(|(_, id, _)| *id))
        .collect();
    let people: Vec<Uuid> = written.iter().map(|(user, _)| *user).collect();
    let required = sql!(
        "SELECT user_id, course_id FROM requirements
         WHERE user_id = ANY({people}) AND id = ANY({opened}) AND satisfied_at IS NULL AND ended_at IS NULL"
    );
    enrollments::store::enroll(tx, required)?;
    let shown = show(tx, written)?;
    write_each(asked, |ids| Ok(outcomes(&shown, ids, Outcome::Created)))
}

/// Reconciles the users of pairs of user and requirement.
fn settle_people(tx: &mut Tx, ids: &HashSet<Pair>) -> ApiResult<()> {
    let people: HashSet<Uuid> = ids.iter().map(|(user, _)| *user).collect();
    reconcile::reconcile(tx, &*Vec::from_iter(people), None).map(drop)
}

/// Reads the requirements of pairs of user and requirement.
fn show(tx: &mut Tx, ids: HashSet<Pair>) -> ApiResult<HashMap<Uuid, RequirementWithReasons>> {
    let found = store::of_ids(tx, ids)?;
    let shown = store::with_reasons(tx, found)?.into_iter();
    Ok(shown.map(|shown| (shown.requirement.id, shown)).collect())
}

fn outcomes(
    shown: &HashMap<Uuid, RequirementWithReasons>,
    ids: Vec<Pair>,
    became: fn(RequirementWithReasons) -> Outcome<RequirementWithReasons>,
) -> Outcomes<RequirementWithReasons> {
    let found = ids.into_iter().map(|(_, id)| {
        let shown = shown.get(&id).cloned().map(became);
        shown.ok_or_else(|| ApiError::internal("a requirement is gone"))
    });
    found.collect()
}

/// Removes reasons that users gave. A requirement ends with its last reason.
pub fn remove_reasons(
    tx: &mut Tx,
    asked: Vec<(Authorized<Requirement>, RemoveRequirementReason)>,
) -> ApiResult<Outcomes<RequirementWithReasons>> {
    let people: Vec<Uuid> = asked.iter().map(|(requirement, _)| requirement.user_id).collect();
    people::lock(tx, people.iter().copied())?;
    let ids: Vec<Uuid> = asked.iter().map(|(_, removal)| removal.reason_id).collect();
    let live = store::live_reasons(tx, &people, &ids)?;
    let checked = asked.iter().map(|(requirement, removal)| {
        let found = live
            .iter()
            .find(|(id, reason)| *id == requirement.id && reason.id == removal.reason_id);
        let (_, reason) = found.ok_or_else(|| ApiError::not_found("live reason"))?;
        if reason.kind == ReasonKind::Rule {
            return Err(ApiError::new(
                Code::Conflict,
                "A rule gives this reason; change the rule, or the facts that it looks at.",
            ));
        }
        Ok((&**requirement, reason))
    });
    write_each(checked.collect(), |removed| end_reasons(tx, &removed))
}

fn ended_event(tx: &Tx, requirement: &Requirement) -> Event {
    let before = StoredRequirement::from(requirement);
    let after = StoredRequirement {
        ended_at: Some(tx.now),
        end_reason: Some(EndReason::Withdrawn),
        version: before.version + 1,
        ..before.clone()
    };
    Event::new(&REQUIREMENT_ENDED, requirement.id)
        .before(&before)
        .after(&after)
}

fn end_reasons(
    tx: &mut Tx,
    removed: &[(&Requirement, &RequirementReason)],
) -> ApiResult<Outcomes<RequirementWithReasons>> {
    let requirements = removed
        .iter()
        .map(|(requirement, _)| (requirement.user_id, requirement.id));
    let ids: Vec<Pair> = requirements.collect();
    let reasons: Vec<Uuid> = removed.iter().map(|(_, reason)| reason.id).collect();
    let ended = store::end_reasons(tx, &ids, &reasons)?;
    let last: HashMap<Uuid, Uuid> = removed
        .iter()
        .map(|(requirement, reason)| (requirement.id, reason.id))
        .collect();
    for (requirement, reason) in removed {
        let is_last = last.get(&requirement.id) == Some(&reason.id);
        let event = match is_last && ended.contains(&requirement.id) {
            true => ended_event(tx, requirement),
            false => Event::new(&REASON_ENDED, requirement.id).after(&RequirementReason {
                ended_at: Some(tx.now),
                ..RequirementReason::clone(reason)
            }),
        };
        tx.record(event.about(requirement.user_id));
    }
    let written: HashSet<Pair> = ids.iter().copied().collect();
    settle_people(tx, &written)?;
    let shown = show(tx, written)?;
    Ok(outcomes(&shown, ids, Outcome::Present))
}
