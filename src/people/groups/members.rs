//! Who is in which group: the statements, and what every change of membership brings with it.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use diesel::{
    ExpressionMethods, JoinOnDsl, QueryDsl, QueryableByName, RunQueryDsl, SelectableHelper, sql_types,
};
use uuid::Uuid;

use super::model::{Group, GroupKind, GroupMember, GroupMembersChanged, UpdateGroupMembers};
use crate::{
    access::inclusion,
    app::Tx,
    authz::{Authorized, Permission, Protected},
    db::{
        Sql,
        schema::{group_members, users},
    },
    http::{ApiError, ApiResult, Code, FieldError, ListQuery, Listing, Page, Sort, list::SortKind},
    ledger::Event,
    people::{
        events::{MEMBER_ADDED, MEMBER_REMOVED},
        facts,
        users::{filter, model::User},
    },
    sql,
};

const LISTING: Listing = Listing {
    id: "users.id",
    sorts: &[
        Sort {
            name: "username",
            column: "users.username",
            kind: SortKind::Text,
        },
        Sort {
            name: "family_name",
            column: "users.family_name",
            kind: SortKind::Text,
        },
    ],
};

/// A membership that began or ended.
#[derive(Debug, Clone, Copy)]
pub(super) struct Membership {
    pub group: Uuid,
    pub user: Uuid,
    pub is_member: bool,
}

/// A page of the group's members that the caller may see.
pub fn list(tx: &mut Tx, group: Uuid, query: &ListQuery) -> ApiResult<Page<GroupMember>> {
    let scope = tx.scope(Permission::UsersRead)?;
    let (page, filter) = query.page(&LISTING, &filter::schema_for_caller(tx)?, &tx.filter_clock())?;
    let rows = users::table
        .inner_join(group_members::table.on(group_members::user_id.eq(users::id)))
        .filter(group_members::group_id.eq(group))
        .filter(page.rows([User::covered(&scope), filter]))
        .select((GroupMember::as_select(), page.key()))
        .order(page.order())
        .limit(page.limit())
        .load(tx.conn)?;
    Ok(page.page(rows, |member| member.user_id))
}

/// Adds and removes members of a static group. All or nothing: unknown people are told by field.
pub fn change(
    tx: &mut Tx,
    group: &Authorized<Group>,
    changes: &UpdateGroupMembers,
) -> ApiResult<GroupMembersChanged> {
    refuse_unless_static(group)?;
    refuse_unless_may_grant(tx, group.id)?;
    refuse_unseen(tx, changes)?;
    inclusion::require_over(tx, group.id, &changes.add)?;
    let removed = end(
        tx,
        sql!(
            "member.group_id = {group.id} AND member.user_id = ANY({removed})",
            removed = changes.remove.as_slice()
        ),
    )?;
    let removed: Vec<Uuid> = removed.into_iter().map(|ended| ended.user).collect();
    let added = insert(tx, group.id, &changes.add)?;
    let ended = removed.iter().map(|user| (*user, false));
    let memberships: Vec<_> = ended
        .chain(added.iter().map(|user| (*user, true)))
        .map(|(user, is_member)| Membership {
            group: group.id,
            user,
            is_member,
        })
        .collect();
    announce(tx, &memberships);
    Ok(GroupMembersChanged { added, removed })
}

/// Adds a person to static groups and removes them from others, for callers who may choose the members; groups that take none
/// are passed over.
pub fn place(tx: &mut Tx, user: Uuid, within: BTreeSet<Uuid>, without: BTreeSet<Uuid>) -> ApiResult<()> {
    let removed = end(
        tx,
        sql!(
            "member.user_id = {user} AND member.group_id IN (SELECT groups.id FROM groups
                WHERE groups.id = ANY({without}) AND groups.kind = 'static')",
            without = without.into_iter().collect::<Vec<_>>(),
        ),
    )?;
    let added: Vec<VisibleUser> = sql!(
        "INSERT INTO group_members (group_id, user_id, added_at) SELECT groups.id, {user}, {tx.now}
         FROM groups WHERE groups.kind = 'static' AND groups.archived_at IS NULL
            AND groups.id = ANY({within}) ON CONFLICT DO NOTHING RETURNING group_id AS id",
        within = within.into_iter().collect::<Vec<_>>(),
    )
    .load(tx.conn)?;
    let begun = added.into_iter().map(|group| Membership {
        group: group.id,
        user,
        is_member: true,
    });
    let memberships: Vec<_> = removed.into_iter().chain(begun).collect();
    announce(tx, &memberships);
    Ok(())
}

/// The CTEs `ended (group_id, user_id)` and `kept`: they end the memberships of the row `member` for which `which` holds, and keep
/// them as history.
pub(super) fn ended(tx: &Tx, which: Sql) -> Sql {
    sql!(
        "ended AS (
            DELETE FROM group_members member WHERE {which}
            RETURNING member.group_id, member.user_id, member.added_at),
         kept AS (
            INSERT INTO group_member_history (group_id, user_id, added_at, removed_at)
            SELECT group_id, user_id, added_at, {tx.now} FROM ended WHERE added_at < {tx.now}
            ON CONFLICT DO NOTHING)"
    )
}

/// Ends memberships, and answers which.
fn end(tx: &mut Tx, which: Sql) -> ApiResult<Vec<Membership>> {
    #[derive(QueryableByName)]
    struct Ended {
        #[diesel(sql_type = sql_types::Uuid)]
        group_id: Uuid,
        #[diesel(sql_type = sql_types::Uuid)]
        user_id: Uuid,
    }
    let ended: Vec<Ended> = sql!(
        "WITH {ended} SELECT group_id, user_id FROM ended",
        ended = ended(tx, which)
    )
    .load(tx.conn)?;
    let ended = ended.into_iter().map(|row| Membership {
        group: row.group_id,
        user: row.user_id,
        is_member: false,
    });
    Ok(ended.collect())
}

/// Adds users to a group, however many, and returns those that were not members.
fn insert(tx: &mut Tx, group: Uuid, people: &[Uuid]) -> ApiResult<Vec<Uuid>> {
    let added: Vec<VisibleUser> = sql!(
        "INSERT INTO group_members (group_id, user_id, added_at) SELECT DISTINCT {group}, id, {tx.now}
         FROM unnest({people}) AS given(id) ON CONFLICT DO NOTHING RETURNING user_id AS id"
    )
    .load(tx.conn)?;
    Ok(added.into_iter().map(|user| user.id).collect())
}

/// Ends every membership of a group that is archived.
pub fn end_all(tx: &mut Tx, groups: &[Uuid]) -> ApiResult<()> {
    if groups.is_empty() {
        return Ok(());
    }
    let ended = end(tx, sql!("member.group_id = ANY({groups})"))?;
    announce(tx, &ended);
    Ok(())
}

/// Touches every member of groups whose codes change: filters name groups by code.
pub fn touch_all(tx: &mut Tx, groups: &[Uuid]) -> ApiResult<()> {
    if groups.is_empty() {
        return Ok(());
    }
    let members: Vec<Uuid> = group_members::table
        .filter(group_members::group_id.eq_any(groups))
        .select(group_members::user_id)
        .load(tx.conn)?;
    facts::follow(tx, members)
}

/// What memberships that began or ended bring with them: events, rules that are evaluated again, grants that are loaded again.
pub(super) fn announce(tx: &mut Tx, memberships: &[Membership]) {
    for membership in memberships {
        let kind = if membership.is_member {
            MEMBER_ADDED
        } else {
            MEMBER_REMOVED
        };
        tx.record(Event::new(&kind, membership.group).about(membership.user));
    }
    tx.touch_users(memberships.iter().map(|membership| membership.user));
}

fn refuse_unless_static(group: &Group) -> ApiResult<()> {
    if group.archived_at.is_some() {
        return Err(ApiError::new(
            Code::Conflict,
            "The group is archived: nobody can be added to it.",
        ));
    }
    match group.kind {
        GroupKind::Static => Ok(()),
        GroupKind::Dynamic => Err(ApiError::new(
            Code::GroupIsDynamic,
            "Change the group's filter, or the facts about the people that it looks at.",
        )),
    }
}

/// Choosing the members of a group that holds roles grants those roles.
fn refuse_unless_may_grant(tx: &mut Tx, group: Uuid) -> ApiResult<()> {
    if inclusion::holders_beyond_caller(tx, inclusion::held_by_members(vec![group], tx.now))?.is_empty() {
        Ok(())
    } else {
        Err(grants_too_much())
    }
}

pub(super) fn grants_too_much() -> ApiError {
    ApiError::new(
        Code::GrantExceedsCaller,
        "This group holds roles, so choosing its members needs roles.write and every permission of those roles, in scopes that include theirs.",
    )
}

#[derive(QueryableByName)]
struct VisibleUser {
    #[diesel(sql_type = sql_types::Uuid)]
    id: Uuid,
}

fn refuse_unseen(tx: &mut Tx, changes: &UpdateGroupMembers) -> ApiResult<()> {
    let scope = tx.scope(Permission::UsersRead)?;
    let named: Vec<Uuid> = changes.add.iter().chain(&changes.remove).copied().collect();
    let seen: Vec<VisibleUser> = sql!(
        "SELECT users.id FROM users WHERE users.id = ANY({named}) AND {covered}",
        covered = User::covered(&scope),
    )
    .load(tx.conn)?;
    let seen: HashSet<Uuid> = seen.into_iter().map(|user| user.id).collect();
    let lists = BTreeMap::from([("add", &changes.add), ("remove", &changes.remove)]);
    let unseen = lists.iter().flat_map(|(name, ids)| {
        let unseen = ids.iter().enumerate().filter(|(_, id)| !seen.contains(id));
        unseen.map(move |(index, _)| {
            FieldError::new(format!("/{name}/{index}"), "names nobody whom you may see")
        })
    });
    let faults: Vec<_> = unseen.collect();
    if faults.is_empty() {
        Ok(())
    } else {
        Err(ApiError::invalid(faults))
    }
}
