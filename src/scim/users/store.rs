//! The statements of SCIM's users.

use std::collections::HashMap;

use diesel::{
    BoolExpressionMethods, ExpressionMethods, JoinOnDsl, NullableExpressionMethods, OptionalExtension,
    QueryDsl, QueryableByName, RunQueryDsl, SelectableHelper, sql_types,
};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    filter::{LISTING, USERS},
    mapped::CUSTOM,
    record::{Record, Said},
};
use crate::{
    app::Tx,
    authz::{Permission, Protected},
    db::{
        Condition, Sql,
        schema::{external_keys, scim_users, users},
        sql::Fragment,
    },
    http::{ApiError, ApiResult, Page},
    people::{groups::model::Group, users::model::User},
    scim::{call::Client, paging, schema::CORE_USER, schema::GROUP, search::Search},
    sql,
    text::fold,
};

/// People with the client's external key and what SCIM keeps of them.
macro_rules! people {
    ($client:expr) => {
        users::table
            .left_join(
                external_keys::table.on(external_keys::object_id
                    .eq(users::id)
                    .and(external_keys::kind.eq("user"))
                    .and(external_keys::source.eq($client.source.clone()))),
            )
            .left_join(scim_users::table.on(scim_users::user_id.eq(users::id)))
    };
}

/// The columns of a [`Row`]. Managers are named to those who may see them.
macro_rules! columns {
    ($tx:expr) => {
        (
            User::as_select(),
            external_keys::key.nullable(),
            scim_users::resource.nullable(),
            scim_users::version.nullable(),
            scim_users::updated_at.nullable(),
            scim_users::deleted_at.nullable(),
            Fragment::<sql_types::Nullable<sql_types::Text>>::new(sql!(
                "(SELECT unit.code FROM org_units unit WHERE unit.id = users.org_unit_id)"
            )),
            Fragment::<sql_types::Nullable<sql_types::Text>>::new(sql!(
                "(SELECT btrim(concat(manager.given_name, ' ', manager.family_name)) FROM users manager
                    WHERE manager.id = users.manager_id AND {visible_manager})",
                visible_manager = visible_manager($tx),
            )),
            Fragment::<sql_types::Array<sql_types::Text>>::new(sql!(
                "ARRAY(SELECT definition.name FROM attribute_definitions definition
                    WHERE definition.kind = 'string' AND definition.archived_at IS NULL
                        AND definition.name = ANY({attribute}))",
                attribute = CUSTOM.map(|(_, attribute)| attribute.to_owned()).to_vec(),
            )),
        )
    };
}

type Row = (
    User,
    Option<String>,
    Option<Value>,
    Option<i64>,
    Option<chrono::DateTime<chrono::Utc>>,
    Option<chrono::DateTime<chrono::Utc>>,
    Option<String>,
    Option<String>,
    Vec<String>,
);

fn visible_manager(tx: &Tx) -> Sql {
    let scope = tx.caller.scope_if_any(Permission::UsersRead, tx.now);
    scope.map_or_else(Sql::never, |scope| scope.users("manager.id"))
}

fn record(row: Row) -> Record {
    let (user, external_id, resource, version, updated_at, deleted_at, org_unit, manager, defined) = row;
    let said = resource.zip(version).zip(updated_at);
    let said = said.map(|((resource, version), updated_at)| Said {
        resource,
        version,
        updated_at,
        deleted_at,
    });
    Record {
        user,
        external_id,
        said,
        org_unit,
        manager,
        defined,
    }
}

/// Users that SCIM knows: see [`Record::is_known`].
fn known() -> Sql {
    sql!(
        "(users.status <> 'archived' OR NOT EXISTS (
            SELECT FROM scim_users gone WHERE gone.user_id = users.id AND gone.deleted_at IS NOT NULL))"
    )
}

/// A page of the users that the caller may see, and their total.
pub fn list(tx: &mut Tx, client: &Client, search: &Search) -> ApiResult<(i64, Page<Record>)> {
    let scope = tx.scope(User::READ)?;
    let groups = tx.seen(Permission::GroupsRead).groups("g.id");
    let schema = USERS.clone().limited("groups", groups);
    let (plan, filter) = search.plan(CORE_USER, &LISTING, &schema, &tx.filter_clock())?;
    // What no filter and no order speaks of is not joined, and not asked for.
    let from = sql!(
        " FROM users LEFT JOIN scim_users ON scim_users.user_id = users.id
         CROSS JOIN (SELECT {source}::text AS source) client WHERE ",
        source = client.source.as_str(),
    );
    let conditions = [User::covered(&scope), known(), filter];
    let (total, page) = paging::page(tx, search, &plan, "users.id", &from, &conditions)?;
    let ids = page.data;
    let rows: Vec<Row> = people!(client)
        .filter(users::id.eq_any(&ids))
        .select(columns!(tx))
        .load(tx.conn)?;
    let mut records: HashMap<Uuid, Record> = rows.into_iter().map(|row| (row.0.id, record(row))).collect();
    let page = Page {
        data: ids.iter().filter_map(|id| records.remove(id)).collect(),
        next_cursor: page.next_cursor,
    };
    Ok((total, page))
}

/// The person with that id whom the caller may see.
pub fn read(tx: &mut Tx, client: &Client, id: Uuid) -> ApiResult<Record> {
    let scope = tx.scope(User::READ)?;
    find(tx, client, id, User::covered(&scope))?.ok_or_else(|| ApiError::not_found("user"))
}

/// The person with that id, whom the caller was authorized for.
pub fn authorized(tx: &mut Tx, client: &Client, id: Uuid) -> ApiResult<Record> {
    find(tx, client, id, Sql::always())?.ok_or_else(|| ApiError::not_found("user"))
}

fn find(tx: &mut Tx, client: &Client, id: Uuid, condition: Sql) -> ApiResult<Option<Record>> {
    let row: Option<Row> = people!(client)
        .filter(users::id.eq(id))
        .filter(Condition::new(Sql::all([known(), condition])))
        .select(columns!(tx))
        .first(tx.conn)
        .optional()?;
    Ok(row.map(record))
}

/// A user that a client deleted.
#[derive(Debug, QueryableByName)]
pub struct Deleted {
    /// Who.
    #[diesel(sql_type = sql_types::Uuid)]
    pub id: Uuid,
    /// What they were called.
    #[diesel(sql_type = sql_types::Text)]
    pub username: String,
    /// What the client called them.
    #[diesel(sql_type = sql_types::Nullable<sql_types::Text>)]
    pub external_id: Option<String>,
    /// Whether it was this client that deleted them.
    #[diesel(sql_type = sql_types::Bool)]
    pub is_own: bool,
}

/// Users deleted by clients, with that name or that external id of this client.
pub fn deleted(
    tx: &mut Tx,
    client: &Client,
    username: &str,
    external_id: Option<&str>,
) -> ApiResult<Vec<Deleted>> {
    let deleted = sql!(
        "SELECT users.id, users.username, own.key AS external_id,
            scim_users.deleted_by IS NOT DISTINCT FROM {source} AS is_own FROM users
         JOIN scim_users ON scim_users.user_id = users.id
         LEFT JOIN external_keys own ON own.kind = 'user' AND own.object_id = users.id
            AND own.source = {source}
         WHERE users.status = 'archived' AND scim_users.deleted_at IS NOT NULL AND users.id IN (
            SELECT id FROM users WHERE username_folded = {folded} UNION ALL SELECT object_id
            FROM external_keys WHERE kind = 'user' AND source = {source} AND key = {external_id})",
        source = client.source.as_str(),
        folded = fold(username),
        external_id = external_id.map(str::to_owned),
    )
    .load(tx.conn)?;
    Ok(deleted)
}

/// Stores what a client said about a person; SCIM shows them from now on.
pub fn upsert(tx: &mut Tx, user: Uuid, resource: &Value) -> ApiResult<()> {
    sql!(
        "INSERT INTO scim_users (user_id, resource, updated_at) VALUES ({user}, {resource}, {tx.now})
         ON CONFLICT (user_id) DO UPDATE SET resource = excluded.resource,
            version = scim_users.version + 1, updated_at = excluded.updated_at, deleted_at = NULL,
            deleted_by = NULL"
    )
    .execute(tx.conn)?;
    Ok(())
}

/// Shows a person again that a client deleted.
pub fn recall(tx: &mut Tx, user: Uuid) -> ApiResult<()> {
    sql!(
        "UPDATE scim_users SET deleted_at = NULL, deleted_by = NULL, version = version + 1,
            updated_at = {tx.now} WHERE user_id = {user}"
    )
    .execute(tx.conn)?;
    Ok(())
}

/// Notes that the client deleted a person.
pub fn forget(tx: &mut Tx, client: &Client, user: Uuid) -> ApiResult<()> {
    sql!(
        "INSERT INTO scim_users (user_id, resource, updated_at, deleted_at, deleted_by)
         VALUES ({user}, '{}', {tx.now}, {tx.now}, {source})
         ON CONFLICT (user_id) DO UPDATE SET version = scim_users.version + 1,
            updated_at = excluded.updated_at, deleted_at = excluded.deleted_at,
            deleted_by = excluded.deleted_by",
        source = client.source.as_str(),
    )
    .execute(tx.conn)?;
    Ok(())
}

/// The id of the org unit with that code.
pub fn org_unit(tx: &mut Tx, code: &str) -> ApiResult<Option<Uuid>> {
    use crate::db::schema::org_units;
    let id = org_units::table
        .filter(org_units::code_folded.eq(fold(code)))
        .select(org_units::id)
        .first(tx.conn)
        .optional()?;
    Ok(id)
}

#[derive(QueryableByName)]
struct GroupOf {
    #[diesel(sql_type = sql_types::Uuid)]
    user_id: Uuid,
    #[diesel(sql_type = sql_types::Uuid)]
    id: Uuid,
    #[diesel(sql_type = sql_types::Text)]
    name: String,
}

/// The groups that people are in, of those that the caller may see, as SCIM shows them.
pub fn groups_of(tx: &mut Tx, client: &Client, people: &[Uuid]) -> ApiResult<HashMap<Uuid, Vec<Value>>> {
    let Some(scope) = tx.caller.scope_if_any(Permission::GroupsRead, tx.now) else {
        return Ok(HashMap::new());
    };
    let found: Vec<GroupOf> = sql!(
        "SELECT member.user_id, groups.id, groups.name FROM group_members member
         JOIN groups ON groups.id = member.group_id
         WHERE member.user_id = ANY({people}) AND groups.archived_at IS NULL AND {covered}
         ORDER BY member.user_id, groups.id",
        covered = Group::covered(&scope),
    )
    .load(tx.conn)?;
    let mut groups: HashMap<Uuid, Vec<Value>> = HashMap::new();
    for group in found {
        let location = format!("{}{}/{}", client.base, GROUP.endpoint, group.id);
        let group_of =
            json!({ "value": group.id, "$ref": location, "display": group.name, "type": "direct" });
        groups.entry(group.user_id).or_default().push(group_of);
    }
    Ok(groups)
}
