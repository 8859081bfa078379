//! What must hold of people before they are written: one statement for each question, whoever many they are.

use std::collections::{HashMap, HashSet};

use diesel::{ExpressionMethods, QueryDsl, RunQueryDsl};
use uuid::Uuid;

use super::{
    model::{LEFT_TOO_EARLY, User},
    write::Draft,
};
use crate::{
    access::{self, Permission, Protected, inclusion},
    app::Tx,
    db::{
        Condition,
        schema::{org_units, users},
    },
    http::{ApiError, ApiResult, Code, FieldError},
    people::{
        attributes::check::Definitions,
        closure::REPORTING_LINES,
        draft::{self, Unique, standing},
        external_keys,
        external_keys::model::ExternalKey,
        org_units::model::OrgUnit,
    },
    sql,
};

/// Finds everything that is wrong with each draft and refuses those with faults.
pub(super) fn all(tx: &mut Tx, drafts: &mut [Draft]) -> ApiResult<()> {
    drafts.iter_mut().for_each(days);
    attributes(tx, drafts)?;
    managers(tx, drafts)?;
    units(tx, drafts)?;
    emails(tx, drafts)?;
    USERNAME.check(tx, drafts)?;
    keys(tx, drafts)?;
    circles(tx, drafts)
}

fn days(draft: &mut Draft) {
    let user = &draft.after;
    let mut faults = Vec::new();
    if let (Some(hired), Some(left)) = (user.hired_on, user.left_on)
        && left < hired
    {
        faults.push(FieldError::new("/left_on", LEFT_TOO_EARLY));
    }
    draft.refuse_faults(faults);
}

fn attributes(tx: &mut Tx, drafts: &mut [Draft]) -> ApiResult<()> {
    if drafts.iter().all(|draft| draft.extra.attributes.is_empty()) {
        return Ok(());
    }
    let definitions = Definitions::load(tx)?;
    for draft in drafts {
        draft.refuse_faults(definitions.faults(&draft.extra.attributes, "/attributes"));
    }
    Ok(())
}

/// Who gets a user's mail can reset their password, so another address, or none, takes what setting a password takes.
fn emails(tx: &mut Tx, drafts: &mut [Draft]) -> ApiResult<()> {
    let changing = drafts.iter().filter(|draft| draft.changes(|user| &user.email));
    let changing: Vec<Uuid> = changing.map(|draft| draft.after.id).collect();
    let beyond = beyond_caller(tx, changing)?;
    for draft in drafts.iter_mut().filter(|draft| beyond.contains(&draft.after.id)) {
        draft.refuse(email_beyond_caller());
    }
    Ok(())
}

/// Refuses to give a user an address that could become theirs later, as [`emails`] does for theirs.
pub fn require_to_add_address(tx: &mut Tx, user: Uuid) -> ApiResult<()> {
    match beyond_caller(tx, vec![user])?.is_empty() {
        true => Ok(()),
        false => Err(email_beyond_caller()),
    }
}

/// Of these users, those who were granted more than the caller holds. Nobody is beyond themselves.
fn beyond_caller(tx: &mut Tx, mut people: Vec<Uuid>) -> ApiResult<HashSet<Uuid>> {
    let own = tx.caller.person();
    people.retain(|person| Some(*person) != own);
    if people.is_empty() {
        return Ok(HashSet::new());
    }
    let powers = inclusion::reaching_those(sql!("SELECT unnest({people})"), tx.now);
    inclusion::holders_beyond_caller(tx, powers)
}

fn email_beyond_caller() -> ApiError {
    ApiError::new(
        Code::GrantExceedsCaller,
        "This person was granted more than you hold, and by another e-mail address you could sign in as them; leave their addresses as they are, or ask somebody who holds as much.",
    )
}

/// The ids that drafts newly name in a field.
fn named(drafts: &[Draft], field: impl Fn(&User) -> &Option<Uuid>) -> Vec<Uuid> {
    let setting = drafts.iter().filter(|draft| draft.sets(&field));
    setting.filter_map(|draft| *field(&draft.after)).collect()
}

fn nameable<T: Protected>(tx: &Tx) -> Condition {
    Condition::new(access::nameable::<T>(tx, Permission::UsersWrite))
}

fn managers(tx: &mut Tx, drafts: &mut [Draft]) -> ApiResult<()> {
    let named = named(drafts, |user| &user.manager_id);
    if named.is_empty() {
        return Ok(());
    }
    let known: Vec<Uuid> = users::table
        .filter(users::id.eq_any(named))
        .filter(nameable::<User>(tx))
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
            draft.refuse(ApiError::field("/manager_id", "names nobody whom you may see"));
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
        .filter(nameable::<OrgUnit>(tx))
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
            Some(None) => "names no unit that you may see",
        };
        draft.refuse(ApiError::field("/org_unit_id", fault));
    }
    Ok(())
}

/// Usernames are unique in whatever case and form.
const USERNAME: Unique<User> = Unique {
    column: "username",
    pointer: "/username",
    value: |user| &user.username,
};

/// No two people have the same key of the same source.
fn keys(tx: &mut Tx, drafts: &mut [Draft]) -> ApiResult<()> {
    let given: Vec<ExternalKey> = drafts
        .iter()
        .flat_map(|draft| draft.extra.external_keys.clone())
        .collect();
    let found = external_keys::store::find(tx, "user", &given)?;
    let mut seen: HashSet<ExternalKey> = found.into_iter().map(|(key, _)| key).collect();
    for draft in drafts {
        let mut own = HashSet::new();
        let keys = std::mem::take(&mut draft.extra.external_keys);
        for (index, key) in keys.iter().enumerate() {
            if seen.contains(key) || !own.insert(key.clone()) {
                draft.refuse(ApiError::taken(format!("/external_keys/{index}")));
            }
        }
        draft.extra.external_keys = keys;
        if draft.stands() {
            seen.extend(own);
        }
    }
    Ok(())
}

/// Nobody reports to themselves, however far round. Refusing one may close a circle that it would have opened, so it
/// is asked until nobody more is refused.
fn circles(tx: &mut Tx, drafts: &mut [Draft]) -> ApiResult<()> {
    draft::tell_refused_of_circles(tx, &REPORTING_LINES, MANAGER, drafts)?;
    loop {
        let standing_ones = drafts.iter().filter(|draft| draft.stands());
        let circling = draft::circling(tx, &REPORTING_LINES, MANAGER, standing_ones)?;
        if circling.is_empty() {
            return Ok(());
        }
        for draft in standing(drafts).filter(|draft| circling.contains(&draft.after.id)) {
            draft.refuse(REPORTING_LINES.cycle());
        }
    }
}

const MANAGER: fn(&User) -> &Option<Uuid> = |user| &user.manager_id;
