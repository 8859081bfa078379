//! What must hold of people before they are written: one statement for each question, whoever many they are.

use std::collections::{HashMap, HashSet};

use chrono::{Datelike, NaiveDate};
use diesel::{ExpressionMethods, QueryDsl, QueryableByName, RunQueryDsl, sql_types};
use uuid::Uuid;

use super::{model::User, write::Draft};
use crate::{
    app::Tx,
    db::{
        bind,
        schema::{org_units, users},
    },
    http::{ApiError, ApiResult, Code, FieldError},
    people::{
        attributes::check::Definitions, closure::REPORTING_LINES, external_keys,
        external_keys::model::ExternalKey,
    },
    sql,
};

/// Finds what is wrong with each draft and refuses those with faults.
pub(super) fn all(tx: &mut Tx, drafts: &mut [Draft]) -> ApiResult<()> {
    drafts.iter_mut().for_each(days);
    attributes(tx, drafts)?;
    managers(tx, drafts)?;
    units(tx, drafts)?;
    for draft in drafts.iter_mut().filter(|draft| !draft.faults.is_empty()) {
        draft.refused = Some(ApiError::invalid(std::mem::take(&mut draft.faults)));
    }
    usernames(tx, drafts)?;
    keys(tx, drafts)?;
    circles(tx, drafts)
}

fn days(draft: &mut Draft) {
    let user = &draft.after;
    let mut fault = |pointer: &str, detail: &str| draft.faults.push(FieldError::new(pointer, detail));
    let too_early = |day: Option<NaiveDate>| day.is_some_and(|day| day.year() < 1);
    for (pointer, day) in [("/hired_on", user.hired_on), ("/left_on", user.left_on)] {
        if too_early(day) {
            fault(pointer, "must not be before 0001-01-01");
        }
    }
    if let (Some(hired), Some(left)) = (user.hired_on, user.left_on)
        && left < hired
    {
        fault("/left_on", "must not be before hired_on");
    }
}

fn attributes(tx: &mut Tx, drafts: &mut [Draft]) -> ApiResult<()> {
    if drafts.iter().all(|draft| draft.attributes.is_empty()) {
        return Ok(());
    }
    let definitions = Definitions::load(tx)?;
    for draft in drafts {
        let faults = definitions.faults(&draft.attributes, "/attributes");
        draft.faults.extend(faults);
    }
    Ok(())
}

/// The ids that drafts newly name in a field.
fn named(drafts: &[Draft], field: impl Fn(&User) -> &Option<Uuid>) -> Vec<Uuid> {
    let setting = drafts.iter().filter(|draft| draft.sets(&field));
    setting.filter_map(|draft| *field(&draft.after)).collect()
}

fn managers(tx: &mut Tx, drafts: &mut [Draft]) -> ApiResult<()> {
    let named = named(drafts, |user| &user.manager_id);
    if named.is_empty() {
        return Ok(());
    }
    let known: Vec<Uuid> = users::table
        .filter(users::id.eq_any(named))
        .select(users::id)
        .load(tx.conn)?;
    let known: HashSet<Uuid> = known.into_iter().collect();
    for draft in drafts
        .iter_mut()
        .filter(|draft| draft.sets(|user| &user.manager_id))
    {
        if draft
            .after
            .manager_id
            .is_some_and(|manager| !known.contains(&manager))
        {
            draft
                .faults
                .push(FieldError::new("/manager_id", "names nobody who exists"));
        }
    }
    Ok(())
}

fn units(tx: &mut Tx, drafts: &mut [Draft]) -> ApiResult<()> {
    let named = named(drafts, |user| &user.org_unit_id);
    if named.is_empty() {
        return Ok(());
    }
    let known: Vec<(Uuid, bool)> = org_units::table
        .filter(org_units::id.eq_any(named))
        .select((org_units::id, org_units::archived_at.is_null()))
        .load(tx.conn)?;
    let known: HashMap<Uuid, bool> = known.into_iter().collect();
    for draft in drafts
        .iter_mut()
        .filter(|draft| draft.sets(|user| &user.org_unit_id))
    {
        let fault = match draft.after.org_unit_id.map(|unit| known.get(&unit)) {
            None | Some(Some(true)) => continue,
            Some(Some(false)) => "names an archived unit",
            Some(None) => "names no unit that exists",
        };
        draft.faults.push(FieldError::new("/org_unit_id", fault));
    }
    Ok(())
}

#[derive(QueryableByName)]
struct Name {
    #[diesel(sql_type = sql_types::BigInt)]
    position: i64,
    #[diesel(sql_type = sql_types::Text)]
    folded: String,
    #[diesel(sql_type = sql_types::Bool)]
    is_taken: bool,
}

/// Usernames are unique in whatever case, among all people and in the request.
fn usernames(tx: &mut Tx, drafts: &mut [Draft]) -> ApiResult<()> {
    let mut setting: Vec<&mut Draft> = drafts
        .iter_mut()
        .filter(|draft| draft.refused.is_none() && draft.sets(|user| &user.username))
        .collect();
    if setting.is_empty() {
        return Ok(());
    }
    let names: Vec<String> = setting.iter().map(|draft| draft.after.username.clone()).collect();
    let ids: Vec<Uuid> = setting.iter().map(|draft| draft.after.id).collect();
    let found: Vec<Name> = sql![
        "SELECT given.position, lower(given.name) AS folded, EXISTS (
            SELECT 1 FROM users WHERE lower(users.username) = lower(given.name) AND users.id <> given.id) AS is_taken
         FROM unnest(",
        bind(names),
        ", ",
        bind(ids),
        ") WITH ORDINALITY AS given(name, id, position) ORDER BY given.position"
    ]
    .load(tx.conn)?;
    let mut seen = HashSet::new();
    for name in found {
        let is_taken = name.is_taken || !seen.insert(name.folded);
        if let Some(draft) = setting.get_mut(name.position as usize - 1).filter(|_| is_taken) {
            draft.refused = Some(taken("/username"));
        }
    }
    Ok(())
}

/// No two people have the same key of the same source.
fn keys(tx: &mut Tx, drafts: &mut [Draft]) -> ApiResult<()> {
    let given: Vec<ExternalKey> = drafts
        .iter()
        .filter(|draft| draft.refused.is_none())
        .flat_map(|draft| draft.external_keys.clone())
        .collect();
    let found = external_keys::store::find(tx, "user", &given)?;
    let mut seen: HashSet<ExternalKey> = found.into_iter().map(|(key, _)| key).collect();
    for draft in drafts.iter_mut().filter(|draft| draft.refused.is_none()) {
        let mut own = HashSet::new();
        let fault = draft
            .external_keys
            .iter()
            .position(|key| seen.contains(key) || !own.insert(key.clone()));
        match fault {
            Some(index) => draft.refused = Some(taken(&format!("/external_keys/{index}"))),
            None => seen.extend(own),
        }
    }
    Ok(())
}

fn taken(pointer: &str) -> ApiError {
    ApiError::new(
        Code::AlreadyExists,
        "Choose another value, or change the thing that has it.",
    )
    .with_field(pointer, "is taken already")
}

/// Nobody reports to themselves, however far round. Refusing one may close a circle that it would have opened, so it
/// is asked until nobody more is refused.
fn circles(tx: &mut Tx, drafts: &mut [Draft]) -> ApiResult<()> {
    loop {
        let moves: Vec<(Uuid, Option<Uuid>)> = drafts
            .iter()
            .filter(|draft| draft.refused.is_none() && draft.before.is_some())
            .filter(|draft| draft.sets(|user| &user.manager_id))
            .map(|draft| (draft.after.id, draft.after.manager_id))
            .collect();
        if moves.is_empty() {
            return Ok(());
        }
        let circling = REPORTING_LINES.cycles(tx, &moves)?;
        if circling.is_empty() {
            return Ok(());
        }
        for draft in drafts
            .iter_mut()
            .filter(|draft| circling.contains(&draft.after.id))
        {
            draft.refused = Some(REPORTING_LINES.cycle());
        }
    }
}
