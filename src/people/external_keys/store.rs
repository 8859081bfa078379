//! The statements of external keys, for every kind of thing.

use std::collections::HashSet;

use diesel::{
    BoolExpressionMethods, ExpressionMethods, QueryDsl, QueryableByName, RunQueryDsl, SelectableHelper,
    TextExpressionMethods, sql_types,
};
use uuid::Uuid;

use super::model::ExternalKey;
use crate::{app::Tx, db::schema::external_keys, http::ApiResult, sql};

/// The sources of SCIM clients' keys.
const OF_CLIENTS: &str = "scim:%";

/// The keys of one thing, but for those of SCIM clients, which are theirs alone.
pub fn of(tx: &mut Tx, kind: &str, object: Uuid) -> ApiResult<Vec<ExternalKey>> {
    let keys = external_keys::table
        .filter(
            external_keys::kind
                .eq(kind)
                .and(external_keys::object_id.eq(object))
                .and(external_keys::source.not_like(OF_CLIENTS)),
        )
        .order((external_keys::source, external_keys::key))
        .select(ExternalKey::as_select())
        .load(tx.conn)?;
    Ok(keys)
}

/// Adds keys to things; `already_exists` if one is taken.
pub fn insert(tx: &mut Tx, kind: &str, keys: &[(Uuid, ExternalKey)]) -> ApiResult<()> {
    if keys.is_empty() {
        return Ok(());
    }
    let (objects, sources, names) = columns(keys.iter().map(|(object, key)| (*object, key)));
    sql!(
        "INSERT INTO external_keys (kind, source, key, object_id, created_at)
         SELECT {kind}, source, key, object_id, {tx.now}
         FROM unnest({sources}, {names}, {objects}) AS given(source, key, object_id)"
    )
    .execute(tx.conn)?;
    Ok(())
}

/// Takes keys from things.
pub fn delete(tx: &mut Tx, kind: &str, keys: &[(Uuid, ExternalKey)]) -> ApiResult<()> {
    if keys.is_empty() {
        return Ok(());
    }
    let (objects, sources, names) = columns(keys.iter().map(|(object, key)| (*object, key)));
    sql!(
        "DELETE FROM external_keys USING unnest({sources}, {names}, {objects}) AS given(source, key,
            object_id) WHERE external_keys.kind = {kind} AND external_keys.source = given.source
            AND external_keys.key = given.key
            AND external_keys.object_id = given.object_id"
    )
    .execute(tx.conn)?;
    Ok(())
}

/// Takes from a thing the keys of SCIM clients, and answers which.
pub fn delete_of_clients(tx: &mut Tx, kind: &str, objects: &[Uuid]) -> ApiResult<Vec<(Uuid, ExternalKey)>> {
    let of_clients = external_keys::table.filter(
        external_keys::kind
            .eq(kind)
            .and(external_keys::object_id.eq_any(objects))
            .and(external_keys::source.like(OF_CLIENTS)),
    );
    let gone = diesel::delete(of_clients)
        .returning((external_keys::object_id, ExternalKey::as_returning()))
        .get_results(tx.conn)?;
    Ok(gone)
}

#[derive(QueryableByName)]
struct Taken {
    #[diesel(sql_type = sql_types::Text)]
    source: String,
    #[diesel(sql_type = sql_types::Text)]
    key: String,
    #[diesel(sql_type = sql_types::Uuid)]
    object_id: Uuid,
}

/// Those of `keys` that name something already, and what.
pub fn find(tx: &mut Tx, kind: &str, keys: &[ExternalKey]) -> ApiResult<Vec<(ExternalKey, Uuid)>> {
    if keys.is_empty() {
        return Ok(Vec::new());
    }
    let (_, sources, names) = columns(keys.iter().map(|key| (Uuid::nil(), key)));
    let found: Vec<Taken> = sql!(
        "SELECT external_keys.source, external_keys.key, external_keys.object_id
         FROM unnest({sources}, {names}) AS given(source, key) JOIN external_keys USING (source, key)
         WHERE external_keys.kind = {kind}"
    )
    .load(tx.conn)?;
    Ok(found
        .into_iter()
        .map(|taken| {
            let key = ExternalKey {
                source: taken.source,
                key: taken.key,
            };
            (key, taken.object_id)
        })
        .collect())
}

type Columns = (Vec<Uuid>, Vec<String>, Vec<String>);

fn columns<'a>(keys: impl Iterator<Item = (Uuid, &'a ExternalKey)>) -> Columns {
    let mut columns = Columns::default();
    for (object, key) in keys {
        columns.0.push(object);
        columns.1.push(key.source.clone());
        columns.2.push(key.key.clone());
    }
    columns
}

#[derive(QueryableByName)]
struct Source {
    #[diesel(sql_type = sql_types::Text)]
    source: String,
}

/// Sources by whose keys identity providers find people who sign in.
pub fn sources_of_sign_ins(tx: &mut Tx) -> ApiResult<HashSet<String>> {
    let sources: Vec<Source> = sql!(
        "SELECT DISTINCT links_external_key ->> 'source' AS source FROM identity_providers
         WHERE links_external_key @> '{\"privileged\": true}'"
    )
    .load(tx.conn)?;
    Ok(sources.into_iter().map(|row| row.source).collect())
}
