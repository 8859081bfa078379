//! Reads the facts about people that settling needs: one statement for each kind of fact, for one person or for thousands.

mod cycles;
mod evidence;
mod exceptions;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use chrono::{DateTime, NaiveDate, Utc};
use diesel::{QueryableByName, RunQueryDsl, sql_types};
use serde_json::Value;
use uuid::Uuid;

use super::{
    audience::{Move, Overrides},
    due::DuePolicy,
    person::{Membership, Person},
    policy::Policy,
    reconcile::ReconcileScope,
};
use crate::{
    app::Tx,
    http::ApiResult,
    people::days::{self, TIME_ZONE, UNIT_ZONE},
    sql,
};

pub(super) use self::cycles::Which;

/// The people in reach with the facts about them, and `which` of their cycles. `moves` happen on the day that it is for each, and
/// are laid over their memberships. `day`, if given, is today for all.
pub(super) fn load(
    tx: &mut Tx,
    reach: &ReconcileScope,
    policies: &HashMap<Uuid, Policy>,
    which: Which<'_>,
    moves: &mut [Move],
    day: Option<NaiveDate>,
) -> ApiResult<Vec<Person>> {
    let mut people = people(tx, reach, policies, day)?;
    memberships(tx, reach, policies, &mut people)?;
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
    cycles::cycles(tx, reach, which, &mut people)?;
    cycles::reasons(tx, reach, &mut people)?;
    evidence::completions(tx, reach, &mut people)?;
    evidence::equivalents(tx, &mut people)?;
    exceptions::exceptions(tx, reach, &mut people)?;
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
        users = reach.people(),
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

/// Who is or was in the audiences of the rules that ask for a target in reach.
fn memberships(
    tx: &mut Tx,
    reach: &ReconcileScope,
    policies: &HashMap<Uuid, Policy>,
    people: &mut People,
) -> ApiResult<()> {
    let rows: Vec<MembershipRow> = sql!(
        "SELECT user_id, rule_id, joined_on, left_on FROM rule_members WHERE {users} AND {rules}",
        users = reach.users("rule_members.user_id"),
        rules = reach.asking("rule_members.rule_id", policies),
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
