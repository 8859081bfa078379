//! What must hold of audiences before they are written.

use std::collections::{HashMap, HashSet};

use uuid::Uuid;

use super::{
    audience_model::{Audience, Named},
    model::Rule,
};
use crate::{
    app::Tx,
    authz::Protected,
    filter::{Filter, Schema},
    http::{ApiResult, FieldError},
    people::{
        groups::model::Group,
        org_units::model::OrgUnit,
        users::{
            self,
            model::{User, UserStatus},
        },
    },
    resource::{self, Resource, Row, nameable},
};

type Draft = resource::Draft<Rule>;

/// Refuses audiences with filters that cannot be read, and those that newly name what the caller may not see or what is archived.
pub(super) fn check(tx: &mut Tx, drafts: &mut [Draft]) -> ApiResult<()> {
    let sets_one = |draft: &Draft| draft.sets(|rule| &rule.audience);
    if !drafts.iter().any(sets_one) {
        return Ok(());
    }
    let schema = users::filter::schema(tx)?;
    let hidden = hidden(tx)?;
    let new = drafts.iter().filter(|draft| sets_one(draft));
    let lists = LISTS.map(|list| {
        new.clone()
            .flat_map(|draft| newly(draft, list.ids))
            .collect::<HashSet<_>>()
    });
    let mut known = Vec::new();
    for (list, ids) in LISTS.iter().zip(lists) {
        known.push(match ids.is_empty() {
            true => HashMap::new(),
            false => (list.load)(tx, &Vec::from_iter(ids))?,
        });
    }
    for draft in drafts.iter_mut().filter(|draft| sets_one(draft)) {
        let mut faults = Vec::new();
        for (place, part) in PARTS {
            let named = part(&draft.after.audience);
            let before = draft.before.as_ref().map(|rule| part(&rule.audience));
            let kept = before.and_then(|before| before.filter);
            if let Some(text) = named.filter {
                let hidden: &[&str] = if kept == Some(text) { &[] } else { &hidden };
                let told = filter_faults(text, &schema, hidden);
                faults.extend(
                    told.into_iter()
                        .map(|fault| FieldError::new(format!("{place}/filter"), fault)),
                );
            }
            for (list, known) in LISTS.iter().zip(&known) {
                let new: HashSet<Uuid> = newly(draft, list.ids).collect();
                for (index, id) in (list.ids)(&named)
                    .iter()
                    .enumerate()
                    .filter(|(_, id)| new.contains(id))
                {
                    let fault = match known.get(id) {
                        Some(false) => continue,
                        Some(true) => format!("names an archived {}", list.name),
                        None => format!("names no {} that you may see", list.name),
                    };
                    faults.push(FieldError::new(format!("{place}/{}/{index}", list.member), fault));
                }
            }
        }
        draft.refuse_faults(faults);
    }
    Ok(())
}

/// The attributes that the filters of a caller's rules may not name: they tell of groups and people that the caller may not see, and
/// who is asked would tell the caller. Those who may write all rules may name all.
fn hidden(tx: &Tx) -> ApiResult<Vec<&'static str>> {
    if tx.scope(Rule::WRITE)?.is_everything() {
        return Ok(Vec::new());
    }
    let told = [
        ("groups", Group::READ),
        ("group_ids", Group::READ),
        ("report_id", User::READ),
    ];
    let sees_all = |permission| {
        tx.caller
            .scope_if_any(permission, tx.now)
            .is_some_and(|scope| scope.is_everything())
    };
    let hidden = told.into_iter().filter(|(_, permission)| !sees_all(*permission));
    Ok(hidden.map(|(name, _)| name).collect())
}

fn filter_faults(text: &str, schema: &Schema, hidden: &[&str]) -> Vec<String> {
    match Filter::parse(text, schema) {
        Err(faults) => faults.0.iter().map(ToString::to_string).collect(),
        Ok(filter) => {
            let named = filter
                .attributes()
                .into_iter()
                .filter(|name| hidden.contains(name));
            let told = named.map(|name| match name {
                "report_id" => "may not name \"report_id\": you do not see all users".to_owned(),
                name => format!(
                    "may not name \"{name}\", because you do not see all groups: use the audience's group_ids"
                ),
            });
            told.collect()
        }
    }
}

/// What names users in an audience.
type Part = fn(&Audience) -> Named<'_>;

/// Where an audience names users, and how.
const PARTS: [(&str, Part); 2] = [
    ("/audience", Audience::included),
    ("/audience/except", Audience::excepted),
];

/// What the caller may name, and whether it is archived.
type Known = HashMap<Uuid, bool>;

/// A list of ids in audiences.
struct List {
    member: &'static str,
    /// What it lists.
    name: &'static str,
    ids: for<'a> fn(&Named<'a>) -> &'a [Uuid],
    /// Those that the caller may name, and whether they are archived.
    load: fn(&mut Tx, &[Uuid]) -> ApiResult<Known>,
}

const LISTS: [List; 3] = [
    List {
        member: "group_ids",
        name: "group",
        ids: |named| named.group_ids,
        load: |tx, ids| load(tx, ids, |group: &Group| group.archived_at.is_some()),
    },
    List {
        member: "org_unit_ids",
        name: "org unit",
        ids: |named| named.org_unit_ids,
        load: |tx, ids| load(tx, ids, |unit: &OrgUnit| unit.archived_at.is_some()),
    },
    List {
        member: "user_ids",
        name: "user",
        ids: |named| named.user_ids,
        load: |tx, ids| load(tx, ids, |user: &User| user.status == UserStatus::Archived),
    },
];

fn load<N: Resource>(tx: &mut Tx, ids: &[Uuid], is_archived: fn(&N) -> bool) -> ApiResult<Known> {
    let found = nameable::<Rule, N>(tx, ids)?;
    Ok(found.iter().map(|row| (row.id(), is_archived(row))).collect())
}

/// The ids that a draft has in a list and its rule had not.
fn newly(draft: &Draft, ids: for<'a> fn(&Named<'a>) -> &'a [Uuid]) -> impl Iterator<Item = Uuid> + use<> {
    let all = |rule: &Rule| -> HashSet<Uuid> {
        let parts = PARTS.iter().flat_map(|(_, part)| ids(&part(&rule.audience)));
        parts.copied().collect()
    };
    let before = draft.before.as_ref().map(all).unwrap_or_default();
    all(&draft.after)
        .into_iter()
        .filter(move |id| !before.contains(id))
}
