//! What is required of a person for a target, and why: by the very function that settles it ([`super::settle`]).

use std::collections::HashMap;

use chrono::NaiveDate;
use diesel::{ExpressionMethods, QueryDsl, QueryableByName, RunQueryDsl, SelectableHelper, sql_types};
use serde_json::Value;
use uuid::Uuid;

use super::{
    audience_model::Reach,
    changes::{self, Basis},
    explain_model::{
        DueMove, DueMover, EvidenceKind, Obstacle, OverrideInForce, RequirementExplanation, TargetDue,
        TargetEvidence, TargetIssue, TargetRule, WhyNot,
    },
    model::{EarlyCompletions, Rule},
    person::{Cycle, Evidence, Person, Proof, Reason},
    plan,
    policy::Policy,
    reconcile::{self, Question},
    settle::{Case, Mover},
};
use crate::{
    app::Tx,
    authz::{self, Permission, Protected},
    catalog::courses::model::{Course, CourseStatus},
    db::{Condition, Sql, schema::rules},
    enrollment::{
        overrides::model::OverrideEffect,
        requirements::{
            self,
            deciding::{DecidingReasons, ReasonDates},
            model::RequirementWithReasons,
        },
        target::Target,
    },
    filter::{Explanation, Facts, Filter},
    http::{ApiError, ApiResult, Ref},
    people::users::{self, model::User},
    sql,
};

/// The course that `id` names, if the caller may see it, or a requirement of `user` names it, which the caller may see.
pub fn course(tx: &mut Tx, user: &User, id: &Ref<Course>) -> ApiResult<Course> {
    let condition = Condition::new(sql!(
        "{named} AND ({visible} OR EXISTS (SELECT FROM requirements q
            WHERE q.user_id = {user.id} AND q.course_id = courses.id))",
        named = authz::named(id),
        visible = Course::visible(&tx.seen(Course::READ)),
    ));
    let found = Course::select(tx, condition, Condition::new(Sql::always()), false)?;
    let (course, _) = found.ok_or_else(|| ApiError::not_found(Course::NAME))?;
    Ok(course)
}

/// Explains what is required of `user` for `course`.
pub fn explain(tx: &mut Tx, user: &User, course: &Course) -> ApiResult<RequirementExplanation> {
    reconcile::look(
        tx,
        user.id.into(),
        &Question::default(),
        |tx, _, people, basis| {
            let person = people.first().ok_or_else(|| ApiError::not_found(User::NAME))?;
            explain_person(tx, person, course, basis)
        },
    )
}

fn explain_person(
    tx: &mut Tx,
    person: &Person,
    course: &Course,
    basis: &Basis,
) -> ApiResult<RequirementExplanation> {
    let target = Target::course(course.id);
    let can_begin = course.status == CourseStatus::Published;
    let differences = changes::differences(std::slice::from_ref(person), basis);
    let would = differences.iter().filter_map(plan::shown);
    let case = Case::of(person, target, basis.policies, can_begin);
    let cycle = case.settle().pop();
    let asking = asking(basis.policies, target, cycle.as_ref());
    let seen = seen(tx, &asking)?;
    let view = View {
        audiences: audiences(tx, person.id, &seen)?,
        overrides: overrides(tx, person.id, person.today)?,
        case,
        person,
        cycle: cycle.as_ref(),
        seen,
    };
    let rules = asking.iter().map(|policy| view.rule(policy));
    let rules = rules
        .filter(|rule| rule.applies || rule.reason_id.is_some() || view.seen.contains_key(&rule.rule_id));
    Ok(RequirementExplanation {
        user_id: person.id,
        target,
        today: person.today,
        requirement: current(tx, person, target)?,
        would: would.filter(|change| change.target == target).collect(),
        rules: rules.collect(),
        decides: view.decides(),
        evidence: view.all_evidence(),
        to_satisfy: view.to_satisfy(),
    })
}

/// The rules that ask for the target, or are a reason of its requirement, in the order of their ids.
fn asking<'a>(policies: &'a HashMap<Uuid, Policy>, target: Target, cycle: Option<&Cycle>) -> Vec<&'a Policy> {
    let mut asking: Vec<&Policy> = policies
        .values()
        .filter(|policy| {
            let is_reason = cycle.is_some_and(|cycle| cycle.reason_of(policy.rule_id).is_some());
            policy.targets.contains(&target) || is_reason
        })
        .collect();
    asking.sort_by_key(|policy| policy.rule_id);
    asking
}

/// Those of the rules that the caller may see.
fn seen(tx: &mut Tx, asking: &[&Policy]) -> ApiResult<HashMap<Uuid, Rule>> {
    let visible = Condition::new(Rule::visible(&tx.seen(Permission::RulesRead)));
    let ids = asking.iter().map(|policy| policy.rule_id);
    let rules: Vec<Rule> = rules::table
        .filter(rules::id.eq_any(ids))
        .filter(visible)
        .select(Rule::as_select())
        .load(tx.conn)?;
    Ok(rules.into_iter().map(|rule| (rule.id, rule)).collect())
}

/// The audiences of rules, clause by clause; not those that can be read no more. One statement reads the facts for all of them.
fn audiences(
    tx: &mut Tx,
    user_id: Uuid,
    rules: &HashMap<Uuid, Rule>,
) -> ApiResult<HashMap<Uuid, Explanation>> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = sql_types::Array<sql_types::Jsonb>)]
        facts: Vec<Value>,
    }
    let (all, shown) = (users::filter::schema(tx)?, users::filter::schema_for_caller(tx)?);
    let filters = rules.values().filter_map(|rule| {
        let reach = Reach::of(rule);
        Some((rule.id, reach.filter(&all).ok()?, reach.filter(&shown).ok()?))
    });
    let filters: Vec<(Uuid, Filter, Filter)> = filters.collect();
    let mut facts = sql!("'{}'::jsonb");
    for (_, whole, shown) in &filters {
        facts.push(sql!(
            ", {whole}, {shown}",
            whole = whole.facts_sql(),
            shown = shown.facts_sql()
        ));
    }
    let row: Row =
        sql!("SELECT ARRAY[{facts}] AS facts FROM users WHERE users.id = {user_id}").get_result(tx.conn)?;
    let clock = tx.filter_clock();
    let pairs = row.facts.get(1..).unwrap_or_default().chunks_exact(2);
    let explained = filters.iter().zip(pairs).map(|((rule, filter, _), facts)| {
        let explanation = filter.explain_showing(&Facts::of(&facts[0]), &Facts::of(&facts[1]), &clock);
        (*rule, explanation)
    });
    Ok(explained.collect())
}

/// The overrides for a person that count on a day, by rule.
pub(super) fn overrides(
    tx: &mut Tx,
    user_id: Uuid,
    today: NaiveDate,
) -> ApiResult<HashMap<Uuid, OverrideInForce>> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = sql_types::Uuid)]
        id: Uuid,
        #[diesel(sql_type = sql_types::Uuid)]
        rule_id: Uuid,
        #[diesel(sql_type = sql_types::Text)]
        effect: OverrideEffect,
        #[diesel(sql_type = sql_types::Nullable<sql_types::Date>)]
        until: Option<NaiveDate>,
    }
    let rows: Vec<Row> = sql!(
        "SELECT id, rule_id, effect, until FROM rule_overrides
         WHERE user_id = {user_id} AND archived_at IS NULL AND (until IS NULL OR until >= {today})"
    )
    .load(tx.conn)?;
    let overrides = rows.into_iter().map(|row| {
        let in_force = OverrideInForce {
            id: row.id,
            effect: row.effect,
            until: row.until,
        };
        (row.rule_id, in_force)
    });
    Ok(overrides.collect())
}

/// The requirement of the current cycle, as it is stored.
fn current(tx: &mut Tx, person: &Person, target: Target) -> ApiResult<Option<RequirementWithReasons>> {
    let Some(cycle) = person.cycles.get(&target) else {
        return Ok(None);
    };
    let found = requirements::store::of_ids(tx, [(person.id, cycle.id)])?;
    Ok(requirements::store::with_reasons(tx, found)?.pop())
}

/// What an explanation is made of.
struct View<'a> {
    case: Case<'a>,
    person: &'a Person,
    /// The latest cycle, as settling would leave it.
    cycle: Option<&'a Cycle>,
    /// The rules that the caller may see.
    seen: HashMap<Uuid, Rule>,
    audiences: HashMap<Uuid, Explanation>,
    overrides: HashMap<Uuid, OverrideInForce>,
}

impl View<'_> {
    /// The cycle, if it goes on.
    fn live(&self) -> Option<&Cycle> {
        self.cycle.filter(|cycle| cycle.ended.is_none())
    }

    /// What satisfies the cycle.
    fn proof(&self) -> Option<&Evidence> {
        let (proof, _) = self.live()?.satisfied?;
        self.case.evidence(proof)
    }

    fn rule(&self, policy: &Policy) -> TargetRule {
        let rule = self.seen.get(&policy.rule_id);
        let want = self.case.want(policy.rule_id);
        let membership = self.person.memberships.get(&policy.rule_id);
        let membership = membership.filter(|membership| membership.left_on.is_none());
        let override_in_force = self.overrides.get(&policy.rule_id).copied();
        let is_released = self.person.released.contains(&policy.rule_id);
        let is_outside = want.is_none() && !is_released && membership.is_none();
        let reason = self.live().and_then(|cycle| cycle.reason_of(policy.rule_id));
        let obstacles = [
            Obstacle::of_status(policy.status),
            self.person.is_archived.then_some(Obstacle::UserArchived),
            is_released.then_some(Obstacle::Released),
            is_outside.then_some(Obstacle::OutsideAudience),
        ];
        TargetRule {
            rule_id: policy.rule_id,
            rule_version: policy.version,
            applies: want.is_some(),
            obstacles: obstacles.into_iter().flatten().collect(),
            override_in_force,
            audience: self.audiences.get(&policy.rule_id).cloned(),
            joined_on: membership.map(|membership| membership.joined_on),
            reason_id: reason.and_then(stored_id),
            due: TargetDue {
                policy: rule.map(|rule| rule.due.clone()),
                scheduled_on: reason.and_then(|reason| reason.scheduled_on),
                due_on: reason.and_then(|reason| reason.due_on),
                moved_by: reason.map(|reason| self.moves(reason)).unwrap_or_default(),
            },
            issues: self.issues(policy.rule_id),
            valid_until: reason.and_then(|reason| reason.valid_until),
            renews_on: reason.and_then(|reason| reason.renews_on),
            repeat: rule.and_then(|rule| rule.repeat.clone()),
        }
    }

    fn issues(&self, rule: Uuid) -> Vec<TargetIssue> {
        let all = self
            .live()
            .map(|cycle| self.case.issues(cycle))
            .unwrap_or_default();
        let of_rule = all.into_iter().filter(|(of, _)| *of == rule);
        let issues = of_rule.map(|(_, kind)| {
            let stored = self.case.issue(rule, kind);
            TargetIssue {
                id: stored.map(|issue| issue.id),
                kind,
                choice: stored.and_then(|issue| issue.choice),
            }
        });
        issues.collect()
    }

    /// What moved the due date of a reason of the cycle.
    fn moves(&self, reason: &Reason) -> Vec<DueMove> {
        let Some(cycle) = self.live().filter(|cycle| cycle.satisfied.is_none()) else {
            return Vec::new();
        };
        let Some(due) = self.case.due(reason, cycle.renews.as_ref(), cycle.opens_on) else {
            return Vec::new();
        };
        // A first due date has the minimum lead in it already.
        let want = reason.rule_id.and_then(|rule| self.case.want(rule));
        let first = want.filter(|_| cycle.renews.is_none()).and_then(|want| {
            let without = want.policy.due.without_lead(self.person, want.joined_on)?;
            let is_held_back = want.policy.due.not_before_lead(without, want.joined_on) > without;
            is_held_back.then_some((Mover::MinimumLead, due.scheduled_on))
        });
        let moves = first.into_iter().chain(due.moves);
        moves
            .map(|(mover, to)| {
                let (by, id) = match mover {
                    Mover::Grace => (DueMover::Grace, None),
                    Mover::MinimumLead => (DueMover::MinimumLead, None),
                    Mover::Extension(id) => (DueMover::Extension, Some(id)),
                    Mover::Absence(id) => (DueMover::Absence, Some(id)),
                    Mover::Resolution(id) => (DueMover::Resolution, Some(id)),
                };
                DueMove { by, id, to }
            })
            .collect()
    }

    fn decides(&self) -> DecidingReasons {
        let Some(cycle) = self.live() else {
            return DecidingReasons::default();
        };
        let dates = cycle.reasons.iter().map(|reason| ReasonDates {
            reason_id: stored_id(reason),
            rule_id: reason.rule_id,
            due_on: reason.due_on,
            valid_until: reason.valid_until,
            renews_on: reason.renews_on,
        });
        let dates: Vec<ReasonDates> = dates.collect();
        DecidingReasons::of(cycle.due_on, cycle.valid_until, cycle.renews_on, &dates)
    }

    fn all_evidence(&self) -> Vec<TargetEvidence> {
        let mut all: Vec<_> = self.case.all_evidence().collect();
        all.sort_by_key(|evidence| evidence.at);
        all.into_iter()
            .map(|evidence| self.one_evidence(evidence))
            .collect()
    }

    fn one_evidence(&self, evidence: &Evidence) -> TargetEvidence {
        let why_not = match self.live() {
            Some(cycle) => self.case.why_not(cycle, evidence),
            None => Some(WhyNot::NothingRequiresIt),
        };
        let (kind, id) = match evidence.proof {
            Proof::Completion(id) => (EvidenceKind::Completion, id),
            Proof::Waiver(id) => (EvidenceKind::Waiver, id),
        };
        TargetEvidence {
            kind,
            id,
            on: evidence.on,
            expires_on: evidence.expires_on,
            version_counts_until: evidence.version_counts_until,
            equivalent_of: Some(evidence.course_id).filter(|course| *course != self.case.target().id),
            valid_until: self
                .live()
                .and_then(|cycle| self.case.counts_until(cycle, evidence)),
            counts: why_not.is_none(),
            why_not,
            satisfies: self.proof().is_some_and(|proof| proof.proof == evidence.proof),
        }
    }

    fn to_satisfy(&self) -> String {
        let Some(cycle) = self.live() else {
            return "Nothing: neither a rule nor a person requires the course of the user.".into();
        };
        if cycle.satisfied.is_some() {
            let until = match cycle.valid_until {
                Some(day) if day < self.person.today => format!("it was satisfied until {day}"),
                Some(day) => format!("it is satisfied until {day}"),
                None if self.case.is_last(cycle) => "it is satisfied, and no rule asks for it again".into(),
                None => "it is satisfied for ever".into(),
            };
            let next = cycle
                .renews_on
                .map(|day| format!("; the next cycle opens on {day}"));
            return format!("Nothing: {until}{next}.", next = next.unwrap_or_default());
        }
        let ignores_early = |reason: &Reason| {
            let want = reason.rule_id.and_then(|rule| self.case.want(rule));
            want.is_some_and(|want| want.policy.early == EarlyCompletions::Ignore)
        };
        let since = match cycle.reasons.iter().any(ignores_early) {
            true => format!(", on {} or later", cycle.opens_on),
            false => String::new(),
        };
        let beyond = cycle.renews.as_ref().and_then(|renewed| renewed.valid_until);
        let beyond = beyond
            .map(|day| format!(" that is valid beyond {day}"))
            .unwrap_or_default();
        let by = cycle.due_on.map(|day| format!(", by {day}")).unwrap_or_default();
        format!("A completion of the course or of an equivalent one{beyond}{since}{by}, or a waiver.")
    }
}

/// The id of a reason that is stored.
fn stored_id(reason: &Reason) -> Option<Uuid> {
    Some(reason.id).filter(|id| !id.is_nil())
}
