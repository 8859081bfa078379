//! Reads the facts about people that settling needs: one statement for each kind of fact, for one person or for thousands.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use diesel::{QueryableByName, RunQueryDsl, sql_types};
use serde_json::Value;
use uuid::Uuid;

use super::{
    audience::{Move, Overrides},
    due::DuePolicy,
    issues::Issue,
    person::{Away, Cycle, Evidence, Membership, MoreTime, Person, Proof, Reason, Renewed},
    policy::Policy,
    reconcile::ReconcileScope,
};
use crate::{
    app::Tx,
    enrollment::{
        issues::model::{IssueChoice, IssueKind},
        requirements::model::EndReason,
        target::Target,
    },
    http::ApiResult,
    people::days::{self, TIME_ZONE, UNIT_ZONE},
    period::Period,
    sql,
};

/// The people in reach with the facts about them. `moves` happen on the day that it is for each, and are laid over their
/// memberships. `day`, if given, is today for all.
pub(super) fn load(
    tx: &mut Tx,
    reach: &ReconcileScope,
    policies: &HashMap<Uuid, Policy>,
    moves: &mut [Move],
    day: Option<NaiveDate>,
) -> ApiResult<Vec<Person>> {
    let mut people = people(tx, reach, policies, day)?;
    memberships(tx, reach, &mut people)?;
    for one in moves {
        let Some(person) = people.get_mut(&one.user_id) else {
            continue;
        };
        one.on = person.today;
        let memberships = &mut person.memberships;
        match one.joins {
            true => {
                memberships.insert(
                    one.rule_id,
                    Membership {
                        joined_on: one.on,
                        left_on: None,
                    },
                );
            }
            false => {
                if let Some(membership) = memberships.get_mut(&one.rule_id) {
                    // Who moves west may leave on the day before they joined.
                    one.on = one.on.max(membership.joined_on);
                    membership.left_on = Some(one.on);
                }
            }
        }
    }
    cycles(tx, reach, &mut people)?;
    reasons(tx, reach, &mut people)?;
    completions(tx, reach, &mut people)?;
    equivalents(tx, &mut people)?;
    exceptions(tx, reach, &mut people)?;
    Ok(people.into_values().collect())
}

type People = BTreeMap<Uuid, Person>;

#[derive(QueryableByName)]
struct PersonRow {
    #[diesel(sql_type = sql_types::Uuid)]
    id: Uuid,
    #[diesel(sql_type = sql_types::Bool)]
    is_archived: bool,
    #[diesel(sql_type = sql_types::Nullable<sql_types::Text>)]
    time_zone: Option<String>,
    #[diesel(sql_type = sql_types::Nullable<sql_types::Date>)]
    hired_on: Option<NaiveDate>,
    #[diesel(sql_type = sql_types::Nullable<sql_types::Date>)]
    activated_on: Option<NaiveDate>,
    #[diesel(sql_type = sql_types::Nullable<sql_types::Timestamptz>)]
    first_signed_in_at: Option<DateTime<Utc>>,
    #[diesel(sql_type = sql_types::Nullable<sql_types::Jsonb>)]
    dates: Option<Value>,
}

fn people(
    tx: &mut Tx,
    reach: &ReconcileScope,
    policies: &HashMap<Uuid, Policy>,
    day: Option<NaiveDate>,
) -> ApiResult<People> {
    let named = policies.values().filter_map(|policy| match &policy.due {
        DuePolicy::AfterAttribute { attribute, .. } => Some(attribute.clone()),
        _ => None,
    });
    let named: HashSet<String> = named.collect();
    let named: Vec<String> = named.into_iter().collect();
    let rows: Vec<PersonRow> = sql!(
        "SELECT users.id, users.status = 'archived' AS is_archived, {TIME_ZONE} AS time_zone, users.hired_on,
            users.activated_on, users.first_signed_in_at, CASE WHEN cardinality({named}) > 0 THEN (SELECT jsonb_object_agg(name, users.attributes -> name)
                FROM unnest({named}) AS name WHERE users.attributes ? name) END AS dates
         FROM users {UNIT_ZONE} WHERE {users}",
        users = reach.users("users.id"),
    )
    .load(tx.conn)?;
    let (todays, now) = (days::Todays::of(tx), tx.now);
    let people = rows.into_iter().map(|row| {
        let dates = row
            .dates
            .as_ref()
            .and_then(Value::as_object)
            .into_iter()
            .flatten();
        let dates = dates.filter_map(|(name, value)| Some((name.clone(), value.as_str()?.parse().ok()?)));
        let zone = todays.zone(row.time_zone.as_deref());
        let on = |at: DateTime<Utc>| at.with_timezone(&zone).date_naive();
        let person = Person {
            id: row.id,
            is_archived: row.is_archived,
            zone,
            today: day.unwrap_or_else(|| on(now)),
            hired_on: row.hired_on,
            activated_on: row.activated_on,
            signed_in_on: row.first_signed_in_at.map(on),
            dates: dates.collect(),
            memberships: BTreeMap::new(),
            cycles: BTreeMap::new(),
            evidence: HashMap::new(),
            absences: Vec::new(),
            released: BTreeSet::new(),
            required: BTreeSet::new(),
            extensions: Vec::new(),
            issues: Vec::new(),
        };
        (row.id, person)
    });
    Ok(people.collect())
}

#[derive(QueryableByName)]
struct MembershipRow {
    #[diesel(sql_type = sql_types::Uuid)]
    user_id: Uuid,
    #[diesel(sql_type = sql_types::Uuid)]
    rule_id: Uuid,
    #[diesel(sql_type = sql_types::Date)]
    joined_on: NaiveDate,
    #[diesel(sql_type = sql_types::Nullable<sql_types::Date>)]
    left_on: Option<NaiveDate>,
}

fn memberships(tx: &mut Tx, reach: &ReconcileScope, people: &mut People) -> ApiResult<()> {
    let rows: Vec<MembershipRow> = sql!(
        "SELECT user_id, rule_id, joined_on, left_on FROM rule_members WHERE {users}",
        users = reach.users("rule_members.user_id"),
    )
    .load(tx.conn)?;
    for row in rows {
        if let Some(person) = people.get_mut(&row.user_id) {
            let membership = Membership {
                joined_on: row.joined_on,
                left_on: row.left_on,
            };
            person.memberships.insert(row.rule_id, membership);
        }
    }
    Ok(())
}

#[derive(QueryableByName)]
struct CycleRow {
    #[diesel(sql_type = sql_types::Uuid)]
    user_id: Uuid,
    #[diesel(sql_type = sql_types::Uuid)]
    id: Uuid,
    #[diesel(sql_type = sql_types::Uuid)]
    target_id: Uuid,
    #[diesel(sql_type = sql_types::Integer)]
    cycle: i32,
    #[diesel(sql_type = sql_types::Date)]
    opens_on: NaiveDate,
    #[diesel(sql_type = sql_types::Nullable<sql_types::Date>)]
    due_on: Option<NaiveDate>,
    #[diesel(sql_type = sql_types::Nullable<sql_types::Timestamptz>)]
    satisfied_at: Option<DateTime<Utc>>,
    #[diesel(sql_type = sql_types::Nullable<sql_types::Uuid>)]
    completion_id: Option<Uuid>,
    #[diesel(sql_type = sql_types::Nullable<sql_types::Uuid>)]
    waiver_id: Option<Uuid>,
    #[diesel(sql_type = sql_types::Nullable<sql_types::Date>)]
    valid_until: Option<NaiveDate>,
    #[diesel(sql_type = sql_types::Nullable<sql_types::Date>)]
    renews_on: Option<NaiveDate>,
    #[diesel(sql_type = sql_types::Nullable<sql_types::Text>)]
    end_reason: Option<EndReason>,
    #[diesel(sql_type = sql_types::Nullable<sql_types::Uuid>)]
    renewed_completion: Option<Uuid>,
    #[diesel(sql_type = sql_types::Nullable<sql_types::Uuid>)]
    renewed_waiver: Option<Uuid>,
    #[diesel(sql_type = sql_types::Nullable<sql_types::Date>)]
    renewed_until: Option<NaiveDate>,
}

/// The current cycles, and what satisfied the cycle before each.
fn cycles(tx: &mut Tx, reach: &ReconcileScope, people: &mut People) -> ApiResult<()> {
    let rows: Vec<CycleRow> = sql!(
        "SELECT q.user_id, q.id, q.target_id, q.cycle, q.opens_on, q.due_on, q.satisfied_at, q.completion_id, q.waiver_id,
            q.valid_until, q.renews_on, q.end_reason, q.renewed_completion, q.renewed_waiver, q.renewed_until
         FROM (SELECT r.*, lead(r.cycle) OVER cycles AS later,
                CASE WHEN lag(r.ended_at) OVER cycles IS NULL THEN lag(r.completion_id) OVER cycles END AS renewed_completion,
                CASE WHEN lag(r.ended_at) OVER cycles IS NULL THEN lag(r.waiver_id) OVER cycles END AS renewed_waiver,
                CASE WHEN lag(r.ended_at) OVER cycles IS NULL THEN lag(r.valid_until) OVER cycles END AS renewed_until
            FROM requirements r WHERE {users} AND {targets}
            WINDOW cycles AS (PARTITION BY r.user_id, r.target_id ORDER BY r.cycle)) q
         WHERE q.later IS NULL",
        users = reach.users("r.user_id"),
        targets = reach.targets("r.target_id"),
    )
    .load(tx.conn)?;
    for row in rows {
        if let Some(person) = people.get_mut(&row.user_id) {
            person.cycles.insert(Target::course(row.target_id), cycle(&row));
        }
    }
    Ok(())
}

#[derive(QueryableByName)]
struct ReasonRow {
    #[diesel(sql_type = sql_types::Uuid)]
    user_id: Uuid,
    #[diesel(sql_type = sql_types::Uuid)]
    requirement_id: Uuid,
    #[diesel(sql_type = sql_types::Uuid)]
    id: Uuid,
    #[diesel(sql_type = sql_types::Nullable<sql_types::Uuid>)]
    rule_id: Option<Uuid>,
    #[diesel(sql_type = sql_types::Nullable<sql_types::BigInt>)]
    rule_version: Option<i64>,
    #[diesel(sql_type = sql_types::Nullable<sql_types::Date>)]
    scheduled_on: Option<NaiveDate>,
    #[diesel(sql_type = sql_types::Nullable<sql_types::Date>)]
    due_on: Option<NaiveDate>,
    #[diesel(sql_type = sql_types::Nullable<sql_types::Date>)]
    valid_until: Option<NaiveDate>,
    #[diesel(sql_type = sql_types::Nullable<sql_types::Timestamptz>)]
    ended_at: Option<DateTime<Utc>>,
}

/// The reasons of the current cycles. Joined here and not by PostgreSQL, which joins a range of people badly while it knows
/// little of tables that grow.
fn reasons(tx: &mut Tx, reach: &ReconcileScope, people: &mut People) -> ApiResult<()> {
    let rows: Vec<ReasonRow> = sql!(
        "SELECT rr.user_id, rr.requirement_id, rr.id, rr.rule_id, rr.rule_version, rr.scheduled_on, rr.due_on,
            rr.valid_until, rr.ended_at
         FROM requirement_reasons rr WHERE {users}",
        users = reach.users("rr.user_id"),
    )
    .load(tx.conn)?;
    let mut by_cycle: HashMap<Uuid, Vec<ReasonRow>> = HashMap::new();
    for row in rows.into_iter().filter(|row| people.contains_key(&row.user_id)) {
        by_cycle.entry(row.requirement_id).or_default().push(row);
    }
    for cycle in people.values_mut().flat_map(|person| person.cycles.values_mut()) {
        let mut rows = by_cycle.remove(&cycle.id).unwrap_or_default();
        rows.sort_by_key(|row| row.id);
        // A cycle ends with its last reasons.
        let last_end = rows.iter().filter_map(|row| row.ended_at).max();
        for row in rows {
            let reason = Reason {
                id: row.id,
                rule_id: row.rule_id,
                rule_version: row.rule_version,
                scheduled_on: row.scheduled_on,
                due_on: row.due_on,
                valid_until: row.valid_until,
            };
            match row.ended_at {
                None => cycle.reasons.push(reason),
                Some(at) if cycle.ended.is_some() && Some(at) == last_end => cycle.past_reasons.push(reason),
                Some(_) => {}
            }
        }
    }
    Ok(())
}

fn cycle(row: &CycleRow) -> Cycle {
    let renewed = proof(row.renewed_completion, row.renewed_waiver);
    Cycle {
        id: row.id,
        number: row.cycle,
        opens_on: row.opens_on,
        due_on: row.due_on,
        satisfied: proof(row.completion_id, row.waiver_id).zip(row.satisfied_at),
        valid_until: row.valid_until,
        renews_on: row.renews_on,
        ended: row.end_reason,
        renews: renewed.map(|proof| Renewed {
            proof,
            valid_until: row.renewed_until,
        }),
        reasons: Vec::new(),
        past_reasons: Vec::new(),
    }
}

fn proof(completion: Option<Uuid>, waiver: Option<Uuid>) -> Option<Proof> {
    completion.map(Proof::Completion).or(waiver.map(Proof::Waiver))
}

#[derive(QueryableByName)]
struct EvidenceRow {
    #[diesel(sql_type = sql_types::Uuid)]
    user_id: Uuid,
    #[diesel(sql_type = sql_types::Uuid)]
    course_id: Uuid,
    #[diesel(sql_type = sql_types::Uuid)]
    id: Uuid,
    #[diesel(sql_type = sql_types::Timestamptz)]
    at: DateTime<Utc>,
    #[diesel(sql_type = sql_types::Date)]
    on: NaiveDate,
    #[diesel(sql_type = sql_types::Nullable<sql_types::Date>)]
    expires_on: Option<NaiveDate>,
    #[diesel(sql_type = sql_types::Nullable<sql_types::Date>)]
    version_counts_until: Option<NaiveDate>,
    #[diesel(sql_type = sql_types::Nullable<sql_types::Timestamptz>)]
    replaced_at: Option<DateTime<Utc>>,
    #[diesel(sql_type = sql_types::Nullable<sql_types::Text>)]
    validity: Option<Period>,
}

/// Completions that no correction has taken the place of.
fn completions(tx: &mut Tx, reach: &ReconcileScope, people: &mut People) -> ApiResult<()> {
    let rows: Vec<EvidenceRow> = sql!(
        "SELECT c.user_id, c.course_id, c.id, c.occurred_at AS \"at\", c.occurred_on AS \"on\", c.expires_on,
            replaced.earlier_count_until AS version_counts_until, replaced.published_at AS replaced_at,
            v.validity_period AS validity
         FROM completions c JOIN course_versions v ON v.id = c.course_version_id
         LEFT JOIN LATERAL (SELECT later.earlier_count_until, later.published_at FROM course_versions later
            WHERE later.course_id = v.course_id AND later.number > v.number AND later.earlier_count_until IS NOT NULL
            ORDER BY later.earlier_count_until, later.number LIMIT 1) replaced ON TRUE
         WHERE {users} AND NOT c.is_void AND NOT EXISTS (SELECT FROM completions s
                WHERE s.user_id = c.user_id AND s.supersedes_id = c.id)
         ORDER BY c.user_id, c.occurred_at, c.id",
        users = reach.users("c.user_id"),
    )
    .load(tx.conn)?;
    for row in rows {
        if let Some(person) = people.get_mut(&row.user_id) {
            let evidence = Evidence {
                proof: Proof::Completion(row.id),
                course_id: row.course_id,
                at: row.at,
                on: row.on,
                expires_on: row.expires_on,
                version_counts_until: row.version_counts_until,
                replaced_on: row.replaced_at.map(|at| person.day(at)),
                validity: row.validity,
            };
            person.evidence.entry(row.course_id).or_default().push(evidence);
        }
    }
    Ok(())
}

#[derive(QueryableByName)]
struct EquivalentRow {
    #[diesel(sql_type = sql_types::Uuid)]
    course_id: Uuid,
    #[diesel(sql_type = sql_types::Uuid)]
    equivalent_id: Uuid,
}

/// Counts completions of equivalent courses, too.
fn equivalents(tx: &mut Tx, people: &mut People) -> ApiResult<()> {
    let pairs: Vec<EquivalentRow> = sql!(
        "SELECT course_id, equivalent_id FROM course_equivalences WHERE archived_at IS NULL
         UNION
         SELECT equivalent_id, course_id FROM course_equivalences WHERE archived_at IS NULL AND is_mutual"
    )
    .load(tx.conn)?;
    if pairs.is_empty() {
        return Ok(());
    }
    for person in people.values_mut() {
        let own = person.evidence.clone();
        for pair in &pairs {
            if let Some(evidence) = own.get(&pair.equivalent_id) {
                let all = person.evidence.entry(pair.course_id).or_default();
                all.extend(evidence.iter().cloned());
            }
        }
    }
    Ok(())
}

#[derive(QueryableByName)]
struct ExceptionRow {
    #[diesel(sql_type = sql_types::Text)]
    kind: String,
    #[diesel(sql_type = sql_types::Uuid)]
    user_id: Uuid,
    /// The absence, the waiver, the extension or the issue.
    #[diesel(sql_type = sql_types::Uuid)]
    id: Uuid,
    #[diesel(sql_type = sql_types::Nullable<sql_types::Uuid>)]
    rule_id: Option<Uuid>,
    #[diesel(sql_type = sql_types::Nullable<sql_types::Uuid>)]
    course_id: Option<Uuid>,
    #[diesel(sql_type = sql_types::Nullable<sql_types::Date>)]
    first: Option<NaiveDate>,
    #[diesel(sql_type = sql_types::Nullable<sql_types::Date>)]
    last: Option<NaiveDate>,
    #[diesel(sql_type = sql_types::Nullable<sql_types::Text>)]
    issue: Option<IssueKind>,
    #[diesel(sql_type = sql_types::Nullable<sql_types::Text>)]
    choice: Option<IssueChoice>,
}

/// Notes which rules release people and which must include them. `people` are in the order of their ids.
pub(super) fn lay_over(people: &mut [Person], overrides: &Overrides) {
    for (user, rule, is_released) in overrides.each() {
        if let Ok(index) = people.binary_search_by_key(&user, |person| person.id) {
            let rules = match is_released {
                true => &mut people[index].released,
                false => &mut people[index].required,
            };
            rules.insert(rule);
        }
    }
}

/// Absences, waivers, extensions and issues.
fn exceptions(tx: &mut Tx, reach: &ReconcileScope, people: &mut People) -> ApiResult<()> {
    let rows: Vec<ExceptionRow> = sql!(
        "SELECT 'absence' AS kind, a.user_id, a.id, NULL::uuid AS rule_id, NULL::uuid AS course_id, a.starts_on AS first,
            a.ends_on AS last, NULL AS issue, NULL AS choice FROM absences a WHERE a.archived_at IS NULL AND {absent}
         UNION ALL
         SELECT 'waiver', w.user_id, w.id, NULL, w.course_id, w.begins_on, w.expires_on, NULL, NULL FROM waivers w
         WHERE w.archived_at IS NULL AND {waived}
         UNION ALL
         SELECT 'extension', e.user_id, e.id, NULL, e.course_id, e.due_on, NULL, NULL, NULL FROM extensions e
         WHERE e.archived_at IS NULL AND {extended}
         UNION ALL
         SELECT 'extension', m.user_id, e.id, NULL, e.course_id, e.due_on, NULL, NULL, NULL FROM extensions e
         JOIN group_members m ON m.group_id = e.group_id WHERE e.archived_at IS NULL AND {members}
         UNION ALL
         SELECT 'issue', i.user_id, i.id, i.rule_id, i.course_id, i.due_on, NULL, i.kind, i.choice FROM rule_issues i
         WHERE i.closed_at IS NULL AND {issues}
         ORDER BY user_id, kind, first",
        absent = reach.users("a.user_id"),
        waived = reach.users("w.user_id"),
        extended = reach.users("e.user_id"),
        members = reach.users("m.user_id"),
        issues = reach.users("i.user_id"),
    )
    .load(tx.conn)?;
    for row in rows {
        let Some(person) = people.get_mut(&row.user_id) else {
            continue;
        };
        let id = row.id;
        match (row.kind.as_str(), row.rule_id, row.course_id, row.first) {
            ("absence", _, _, Some(first)) => person.absences.push(Away {
                id,
                starts_on: first,
                ends_on: row.last,
            }),
            ("waiver", _, Some(course), Some(first)) if first <= person.today => {
                person.evidence.entry(course).or_default().push(Evidence {
                    proof: Proof::Waiver(id),
                    course_id: course,
                    at: first.and_time(NaiveTime::MIN).and_utc(),
                    on: first,
                    expires_on: row.last,
                    version_counts_until: None,
                    replaced_on: None,
                    validity: None,
                });
            }
            ("extension", _, Some(course), Some(first)) => person.extensions.push(MoreTime {
                id,
                target: Target::course(course),
                due_on: first,
            }),
            ("issue", Some(rule_id), Some(course), due_on) => {
                person.issues.extend(row.issue.map(|kind| Issue {
                    id,
                    rule_id,
                    target: Target::course(course),
                    kind,
                    choice: row.choice,
                    due_on,
                }));
            }
            _ => {}
        }
    }
    Ok(())
}
