//! Exceptions from the demo company's rules: absences, overrides, extensions, waivers and equivalent courses, as they stand today.

use std::collections::{HashMap, HashSet};

use chrono::Days;
use diesel::{ExpressionMethods, JoinOnDsl, NullableExpressionMethods, QueryDsl, RunQueryDsl};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{
    app::Tx,
    db::schema::{courses, groups, requirements, rules},
    enrollment::{
        equivalences::model::CourseEquivalence, extensions::model::Extension, overrides::model::RuleOverride,
        waivers::model::Waiver,
    },
    http::{ApiError, ApiResult, body},
    people::absences::model::Absence,
    resource::{Change, Resource, write},
};

/// One in so many people is, was or will be away.
const ONE_IS_AWAY_IN: usize = 25;

/// The place of the person who helps out where they must learn more.
const HELPS_OUT: usize = 11;

/// Makes a few of each, about some of these people.
pub fn create(tx: &mut Tx, people: &[Uuid]) -> ApiResult<()> {
    add::<Absence>(tx, absences(tx, people))?;
    let rules: HashMap<String, Uuid> = rules::table
        .select((rules::code, rules::id))
        .load(tx.conn)?
        .into_iter()
        .collect();
    let courses: HashMap<String, Uuid> = courses::table
        .select((courses::code, courses::id))
        .load(tx.conn)?
        .into_iter()
        .collect();
    let groups: HashMap<String, Uuid> = groups::table
        .select((groups::code, groups::id))
        .load(tx.conn)?
        .into_iter()
        .collect();
    let person = |place: usize| people.get(place % people.len().max(1));
    let target = |code: &str| json!({ "kind": "course", "id": courses.get(code) });
    let overrides = [
        (
            3,
            "released",
            "code-of-conduct",
            Some(90),
            "Took part in writing it.",
        ),
        (7, "released", "security-awareness", None, "Teaches the course."),
        (
            HELPS_OUT,
            "required",
            "data-protection",
            Some(180),
            "Helps out in sales.",
        ),
    ];
    let overrides = overrides.map(|(place, effect, rule, days, reason)| {
        json!({ "rule_id": rules.get(rule), "user_id": person(place), "effect": effect,
            "until": days.and_then(|days| in_days(tx, days)), "reason": reason })
    });
    add::<RuleOverride>(tx, overrides.to_vec())?;
    let to_extend = who_must(tx, "CONDUCT", people)?;
    let extensions = vec![
        json!({ "user_id": to_extend, "target": target("CONDUCT"), "due_on": in_days(tx, 45),
            "reason": "On a project abroad." }),
        json!({ "group_id": groups.get("first-aiders"), "target": target("FIRST-AID"), "due_on": in_days(tx, 60),
            "reason": "The training room is being rebuilt." }),
    ];
    add::<Extension>(tx, extensions)?;
    let (paramedic, without_account) = (
        who_must(tx, "FIRST-AID", people)?,
        who_must(tx, "SECURITY", people)?,
    );
    let waivers = vec![
        json!({ "user_id": paramedic, "target": target("FIRST-AID"), "begins_on": in_days(tx, -200),
            "expires_on": in_days(tx, 165), "reason": "Is a paramedic.", "evidence": "Certificate of the Red Cross" }),
        json!({ "user_id": without_account, "target": target("SECURITY"), "begins_on": in_days(tx, -30),
            "reason": "Has no account." }),
        // An override says that this person must: an issue for somebody to decide about.
        json!({ "user_id": person(HELPS_OUT), "target": target("PRIVACY"), "begins_on": in_days(tx, -10),
            "expires_on": in_days(tx, 355), "reason": "Was a data protection officer." }),
    ];
    add::<Waiver>(tx, waivers)?;
    let equivalent = json!({ "course_id": courses.get("FIRE"), "equivalent_id": courses.get("WORKSAFE-006"),
        "note": "Its last module is the same." });
    add::<CourseEquivalence>(tx, vec![equivalent])
}

/// Some were away, some are, some will be.
fn absences(tx: &Tx, people: &[Uuid]) -> Vec<Value> {
    let away = people.iter().step_by(ONE_IS_AWAY_IN).enumerate();
    let away = away.map(|(index, user)| {
        let (kind, from, to) = match index % 4 {
            0 => ("parental_leave", -70, Some(200)),
            1 => ("sickness", -12, None),
            2 => ("sickness", -400, Some(-390)),
            _ => ("leave", 20, Some(41)),
        };
        json!({ "user_id": user, "kind": kind, "starts_on": in_days(tx, from),
            "ends_on": to.and_then(|to| in_days(tx, to)) })
    });
    away.collect()
}

/// The first of `people` who must complete the course still; the first of all, if nobody must.
fn who_must(tx: &mut Tx, code: &str, people: &[Uuid]) -> ApiResult<Option<Uuid>> {
    let must: HashSet<Uuid> = requirements::table
        .inner_join(courses::table.on(courses::id.nullable().eq(requirements::course_id)))
        .filter(courses::code.eq(code))
        .filter(requirements::satisfied_at.is_null())
        .filter(requirements::ended_at.is_null())
        .select(requirements::user_id)
        .load(tx.conn)?
        .into_iter()
        .collect();
    let first = people.iter().find(|person| must.contains(person));
    Ok(first.or(people.first()).copied())
}

/// The day so many days from today.
fn in_days(tx: &Tx, days: i64) -> Option<chrono::NaiveDate> {
    let distance = Days::new(days.unsigned_abs());
    match days < 0 {
        true => tx.today().checked_sub_days(distance),
        false => tx.today().checked_add_days(distance),
    }
}

fn add<T: Resource>(tx: &mut Tx, rows: Vec<Value>) -> ApiResult<()> {
    let changes = rows
        .into_iter()
        .map(|mut row| Ok(Change::<T>::create(body::read_value(&mut row)?)));
    let changes = changes.collect::<ApiResult<Vec<_>>>()?;
    let outcomes = write::write(tx, changes)?;
    outcomes
        .into_iter()
        .try_for_each(|outcome| outcome.map(drop))
        .map_err(|error| ApiError::internal(format!("the demo's {}: {error}", T::NAME)))
}
