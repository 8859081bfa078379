//! The statements of SCIM's groups.

use std::collections::HashMap;

use diesel::{
    BoolExpressionMethods, ExpressionMethods, JoinOnDsl, NullableExpressionMethods, OptionalExtension,
    QueryDsl, QueryableByName, RunQueryDsl, SelectableHelper, sql_types,
};
use uuid::Uuid;

use super::{
    filter::{GROUPS, LISTING},
    record::{Member, Record},
};
use crate::{
    app::Tx,
    authz::{Permission, Protected},
    db::{
        Condition, Sql,
        schema::{external_keys, groups},
    },
    http::{ApiError, ApiResult, Page},
    people::{groups::model::Group, users::model::User},
    scim::{call::Client, paging, schema::CORE_GROUP, search::Search},
    sql,
    text::fold,
};

/// Groups with the client's external key.
macro_rules! named_groups {
    ($client:expr) => {
        groups::table.left_join(
            external_keys::table.on(external_keys::object_id
                .eq(groups::id)
                .and(external_keys::kind.eq("group"))
                .and(external_keys::source.eq($client.source.clone()))),
        )
    };
}

type Row = (Group, Option<String>);

fn record((group, external_id): Row) -> Record {
    Record { group, external_id }
}

/// Archived groups are gone for SCIM.
fn known() -> Sql {
    sql!("groups.archived_at IS NULL")
}

/// A page of those that the caller may see, and how many there are in all.
pub fn list(tx: &mut Tx, client: &Client, search: &Search) -> ApiResult<(i64, Page<Record>)> {
    let scope = tx.scope(Group::READ)?;
    let people = tx.seen(Permission::UsersRead).users("m.user_id");
    let schema = GROUPS.clone().limited("members", people);
    let (plan, filter) = search.plan(CORE_GROUP, &LISTING, &schema, &tx.filter_clock())?;
    let from = sql!(
        " FROM groups CROSS JOIN (SELECT {source}::text AS source) client WHERE ",
        source = client.source.as_str(),
    );
    let conditions = [Group::covered(&scope), known(), filter];
    let (total, page) = paging::page(tx, search, &plan, "groups.id", &from, &conditions)?;
    let ids = page.data;
    let rows: Vec<Row> = named_groups!(client)
        .filter(groups::id.eq_any(&ids))
        .select((Group::as_select(), external_keys::key.nullable()))
        .load(tx.conn)?;
    let mut records: HashMap<Uuid, Record> = rows.into_iter().map(|row| (row.0.id, record(row))).collect();
    let page = Page {
        data: ids.iter().filter_map(|id| records.remove(id)).collect(),
        next_cursor: page.next_cursor,
    };
    Ok((total, page))
}

/// The group with that id that the caller may see.
pub fn read(tx: &mut Tx, client: &Client, id: Uuid) -> ApiResult<Record> {
    let scope = tx.scope(Group::READ)?;
    find(tx, client, id, Group::covered(&scope))
}

/// The group with that id, which the caller was authorized for.
pub fn authorized(tx: &mut Tx, client: &Client, id: Uuid) -> ApiResult<Record> {
    find(tx, client, id, Sql::always())
}

fn find(tx: &mut Tx, client: &Client, id: Uuid, condition: Sql) -> ApiResult<Record> {
    let row: Option<Row> = named_groups!(client)
        .filter(groups::id.eq(id))
        .filter(Condition::new(Sql::all([known(), condition])))
        .select((Group::as_select(), external_keys::key.nullable()))
        .first(tx.conn)
        .optional()?;
    row.map(record).ok_or_else(|| ApiError::not_found("group"))
}

/// Members of groups that the caller may see and that SCIM knows.
pub fn members(tx: &mut Tx, ids: &[Uuid]) -> ApiResult<HashMap<Uuid, Vec<Member>>> {
    let Some(scope) = tx.caller.scope_if_any(Permission::UsersRead, tx.now) else {
        return Ok(HashMap::new());
    };
    let found: Vec<Member> = sql!(
        "SELECT member.group_id, member.user_id, member.added_at,
            btrim(concat(users.given_name, ' ', users.family_name)) AS name
         FROM group_members member JOIN users ON users.id = member.user_id
         WHERE member.group_id = ANY({ids}) AND NOT (users.status = 'archived' AND EXISTS (
            SELECT FROM scim_users WHERE scim_users.user_id = users.id
                AND scim_users.deleted_at IS NOT NULL))
            AND {covered} ORDER BY member.group_id, member.user_id",
        covered = User::covered(&scope),
    )
    .load(tx.conn)?;
    let mut members: HashMap<Uuid, Vec<Member>> = ids.iter().map(|id| (*id, Vec::new())).collect();
    for member in found {
        members.entry(member.group_id).or_default().push(member);
    }
    Ok(members)
}

#[derive(QueryableByName)]
struct Id {
    #[diesel(sql_type = sql_types::Uuid)]
    id: Uuid,
}

/// The members of a group that the caller may see; with `named` only these.
pub fn present(tx: &mut Tx, group: Uuid, named: Option<Vec<Uuid>>) -> ApiResult<Vec<Uuid>> {
    let scope = tx.scope(Permission::UsersRead)?;
    let among = match named {
        Some(named) => sql!("member.user_id = ANY({named})"),
        None => Sql::always(),
    };
    let found: Vec<Id> = sql!(
        "SELECT users.id FROM group_members member JOIN users ON users.id = member.user_id
         WHERE member.group_id = {group} AND {among} AND {covered}",
        covered = User::covered(&scope),
    )
    .load(tx.conn)?;
    Ok(found.into_iter().map(|user| user.id).collect())
}

/// The users that `condition` finds among `people` and, if there is a group, its members.
pub fn matching(tx: &mut Tx, group: Option<Uuid>, people: Vec<Uuid>, condition: Sql) -> ApiResult<Vec<Uuid>> {
    let found: Vec<Id> = sql!(
        "SELECT users.id FROM users
         WHERE (users.id = ANY({people}) OR users.id IN (SELECT user_id FROM group_members
            WHERE group_id = {group})) AND {condition}"
    )
    .load(tx.conn)?;
    Ok(found.into_iter().map(|user| user.id).collect())
}

/// Whether another group that SCIM knows has that name. A transaction that gives a group the same name waits for this one.
pub fn is_taken(tx: &mut Tx, name: &str, except: Option<Uuid>) -> ApiResult<bool> {
    let name = fold(name);
    tx.advisory_lock(sql!("'scim_groups ' || {name}", name = name.as_str()))?;
    let scope = tx.scope(Permission::GroupsWrite)?;
    let found = sql!(
        "SELECT id FROM groups WHERE name_folded = {name} AND id IS DISTINCT FROM {except} AND {known}
            AND {covered} LIMIT 1",
        known = known(),
        covered = Group::covered(&scope),
    )
    .execute(tx.conn)?;
    Ok(found > 0)
}

/// Whether a group has that code, archived ones included.
pub fn is_code_taken(tx: &mut Tx, code: &str) -> ApiResult<bool> {
    let found = sql!(
        "SELECT id FROM groups WHERE code_folded = {folded}",
        folded = fold(code)
    )
    .execute(tx.conn)?;
    Ok(found > 0)
}
