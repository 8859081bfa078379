//! A provider's groups claim, and the static groups that its values mean.

use std::collections::BTreeSet;

use diesel::{ExpressionMethods, QueryDsl, RunQueryDsl};
use serde_json::Value;
use uuid::Uuid;

use super::claims;
use crate::{
    access::sso::{
        Person,
        providers::model::{GroupLink, ProviderRow},
    },
    app::Tx,
    db::schema::groups,
    http::{ApiResult, FieldError},
    people::groups::members,
};

/// Links that name no static group which takes members.
pub fn faults(tx: &mut Tx, links: &[GroupLink]) -> ApiResult<Vec<FieldError>> {
    let named: Vec<Uuid> = links.iter().map(|link| link.group_id).collect();
    let known: Vec<Uuid> = groups::table
        .filter(groups::id.eq_any(named))
        .filter(groups::kind.eq("static"))
        .filter(groups::archived_at.is_null())
        .select(groups::id)
        .load(tx.conn)?;
    let unknown = links
        .iter()
        .enumerate()
        .filter(|(_, link)| !known.contains(&link.group_id))
        .map(|(index, _)| {
            FieldError::new(
                format!("/groups/{index}/group_id"),
                "names no static group that takes members",
            )
        });
    Ok(unknown.collect())
}

/// Brings a person into the groups that the claim means, and out of the others that the provider has a say in. Without the
/// claim nothing is said: some tokens have it and others do not.
pub fn follow(tx: &mut Tx, provider: &ProviderRow, person: &Person, user: Uuid) -> ApiResult<()> {
    let claims = Value::Object(person.claims.clone());
    let claim = provider
        .groups_claim
        .as_ref()
        .and_then(|name| claims::value(&claims, name));
    let Some(claim) = claim else { return Ok(()) };
    let values: BTreeSet<&str> = match claim {
        Value::Array(values) => values.iter().filter_map(Value::as_str).collect(),
        Value::String(one) => [one.as_str()].into(),
        _ => return Ok(()),
    };
    let links = provider.group_links();
    let (within, without): (Vec<_>, Vec<_>) = links
        .iter()
        .partition(|link| values.contains(link.value.as_str()));
    let within: BTreeSet<Uuid> = within.into_iter().map(|link| link.group_id).collect();
    let without = without.into_iter().map(|link| link.group_id);
    let without: BTreeSet<Uuid> = without.filter(|group| !within.contains(group)).collect();
    members::place(tx, user, within, without)
}
