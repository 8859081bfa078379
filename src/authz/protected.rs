//! Reading and authorizing one thing: 404 where the caller may not see it, 403 where they may see but not do.

use std::{collections::HashMap, ops::Deref, rc::Rc};

use chrono::{DateTime, Utc};
use diesel::{PgConnection, QueryResult};
use diesel_async::AsyncPgConnection;
use uuid::Uuid;

use super::{Caller, Permission, Scope, caller::lacks};
use crate::{
    db::{Condition, Fixed, Pipeline, Sql, sql::Fragment},
    http::{ApiError, ApiResult, Ref, RefKind},
    sql,
};

/// Who asks, when, and on which connection: a transaction of [`crate::app`].
pub trait CallContext {
    /// The connection.
    fn connection(&mut self) -> &mut PgConnection;
    /// Who asks.
    fn caller(&self) -> &Caller;
    /// When.
    fn now(&self) -> DateTime<Utc>;
}

/// A kind of thing that callers see and change within their scopes. Implemented by [`protected!`](crate::protected!).
pub trait Protected: Sized {
    /// What people call it: "user".
    const NAME: &'static str;
    /// Its id column, with its table.
    const ID: &'static str;
    /// The kind of its external keys, if other systems name it.
    const EXTERNAL: Option<&'static str>;
    /// The permission to see it.
    const READ: Permission;

    /// The rows that `scope` covers.
    fn covered(scope: &Scope) -> Sql;

    /// The rows that holding [`Self::READ`] in `scope` shows: those that it covers, unless more is public.
    fn visible(scope: &Scope) -> Sql {
        Self::covered(scope)
    }

    /// Whether [`Self::reduce`] does something.
    const IS_REDUCED: bool = false;

    /// Takes from rows that are visible in `scope` and not covered by it what is not public.
    fn reduce(_: &mut dyn CallContext, _scope: &Scope, _rows: &mut [Self]) -> QueryResult<()> {
        Ok(())
    }

    /// The row that `condition` finds, and whether `allowed` holds for it; locked against other writers if `lock`.
    fn select(
        asking: &mut dyn CallContext,
        condition: Condition,
        allowed: Condition,
        lock: bool,
    ) -> QueryResult<Option<(Self, bool)>>;

    /// The row that `condition` finds, on a connection for quick reads; none if it cannot be read so.
    fn find(_: &AsyncPgConnection, _condition: Condition) -> impl Future<Output = QueryResult<Option<Self>>> {
        std::future::ready(Ok(None))
    }

    /// The rows that `condition` finds, with their ids and whether `allowed` holds for each; locked in the order of
    /// their ids if `lock`.
    fn select_all(
        asking: &mut dyn CallContext,
        condition: Condition,
        allowed: Condition,
        lock: bool,
    ) -> QueryResult<Vec<(Uuid, Self, bool)>>;
}

/// Proof that the caller may do what they named to this thing. Writers take it instead of a bare id.
#[derive(Debug)]
#[must_use]
pub struct Authorized<T>(T);

impl<T> Authorized<T> {
    /// The thing itself.
    pub fn into_inner(self) -> T {
        self.0
    }
}

impl<T> Deref for Authorized<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

/// Holds for the thing that `id` names, if it is visible in `scope`.
fn readable<T: Protected>(id: &Ref<T>, scope: &Scope) -> Condition {
    let visible = T::visible(scope);
    Condition::new(sql!("{named} AND {visible}", named = named(id)))
}

/// The thing that `id` names, within the scope of the permission to read it; 404 otherwise.
pub fn read<T: Protected>(tx: &mut impl CallContext, id: &Ref<T>) -> ApiResult<T> {
    let scope = tx.caller().scope(T::READ, tx.now())?;
    let always = Fragment::new(Sql::always());
    let found = T::select(tx, readable(id, &scope), always, false)?;
    let mut rows: Vec<T> = found.into_iter().map(|(thing, _)| thing).collect();
    T::reduce(tx, &scope, &mut rows)?;
    rows.pop().ok_or_else(|| ApiError::not_found(T::NAME))
}

/// As [`read`], without a database thread; none where the pipeline has no answer: then [`read`] decides.
pub async fn read_quickly<T: Protected>(
    pipeline: &Rc<Pipeline>,
    caller: &Caller,
    now: DateTime<Utc>,
    id: &Ref<T>,
) -> ApiResult<Option<T>> {
    let scope = caller.scope(T::READ, now)?;
    if T::IS_REDUCED && !scope.is_everything() {
        return Ok(None);
    }
    let found = pipeline.read(async |conn| T::find(conn, readable(id, &scope)).await);
    Ok(found.await.flatten())
}

/// The thing that `id` names, if the caller may use `permission` on it: to read what needs another permission than
/// the thing itself.
pub fn read_with<T: Protected>(
    tx: &mut impl CallContext,
    id: &Ref<T>,
    permission: Permission,
) -> ApiResult<T> {
    find(tx, id, permission, false)
}

/// Locks the thing that `id` names and proves that the caller may use `permission` on it.
pub fn authorize<T: Protected>(
    tx: &mut impl CallContext,
    id: &Ref<T>,
    permission: Permission,
) -> ApiResult<Authorized<T>> {
    find(tx, id, permission, true).map(Authorized)
}

fn find<T: Protected>(
    tx: &mut impl CallContext,
    id: &Ref<T>,
    permission: Permission,
    lock: bool,
) -> ApiResult<T> {
    let scope = tx.caller().scope(permission, tx.now())?;
    let covered = T::covered(&scope);
    let visible = visible::<T>(tx, &covered);
    let condition = Condition::new(sql!("{named} AND {visible}", named = named(id)));
    match T::select(tx, condition, holds(covered), lock)? {
        Some((thing, true)) => Ok(thing),
        Some((_, false)) => Err(lacks(permission)),
        None => Err(ApiError::not_found(T::NAME)),
    }
}

/// Locks the things that `ids` name and proves, or refuses, for each that the caller may use `permission` on it.
pub fn authorize_all<T: Protected>(
    tx: &mut impl CallContext,
    ids: &[Uuid],
    permission: Permission,
) -> ApiResult<HashMap<Uuid, ApiResult<Authorized<T>>>> {
    let scope = tx.caller().scope(permission, tx.now())?;
    let covered = T::covered(&scope);
    let visible = visible::<T>(tx, &covered);
    let condition = Condition::new(sql!("{among} AND {visible}", among = among::<T>(ids)));
    let found = T::select_all(tx, condition, holds(covered), true)?;
    let missing = ids.iter().map(|id| (*id, Err(ApiError::not_found(T::NAME))));
    let mut things: HashMap<_, _> = missing.collect();
    things.extend(found.into_iter().map(|(id, thing, may)| {
        let thing = if may {
            Ok(Authorized(thing))
        } else {
            Err(lacks(permission))
        };
        (id, thing)
    }));
    Ok(things)
}

/// The things that a request which takes `permission` may name beside those that it changes: what the caller may see, and
/// what the permission covers. The others are answered like those that do not exist.
pub fn nameable<T: Protected>(tx: &impl CallContext, permission: Permission) -> Sql {
    let covered = tx.caller().scope_if_any(permission, tx.now());
    let covered = covered.map_or_else(Sql::never, |scope| T::covered(&scope));
    visible::<T>(tx, &covered)
}

/// What the caller may see, beside what is `covered` for what they want to do.
fn visible<T: Protected>(tx: &impl CallContext, covered: &Sql) -> Sql {
    match tx.caller().scope_if_any(T::READ, tx.now()) {
        Some(readable) => Sql::any([T::visible(&readable), covered.clone()]),
        None => covered.clone(),
    }
}

/// Those of `ids`, just written, that are outside the scope of `permission`; the caller of this function undoes their writes.
pub fn outside<T: Protected>(
    tx: &mut impl CallContext,
    ids: &[Uuid],
    permission: Permission,
) -> ApiResult<Vec<Uuid>> {
    let scope = tx.caller().scope(permission, tx.now())?;
    if scope.is_everything() {
        return Ok(Vec::new());
    }
    let within = T::select_all(
        tx,
        Condition::new(among::<T>(ids)),
        holds(T::covered(&scope)),
        true,
    )?;
    Ok(within
        .into_iter()
        .filter(|(_, _, is_within)| !is_within)
        .map(|(id, ..)| id)
        .collect())
}

/// Whether a condition holds, as a value: where it compares a column that is null, it does not.
fn holds(condition: Sql) -> Condition {
    Condition::new(sql!("coalesce({condition}, false)"))
}

fn among<T: Protected>(ids: &[Uuid]) -> Sql {
    sql!("{id} = ANY({ids})", id = Fixed(T::ID))
}

/// Proves that a thing which was just written is within the scope of `permission`; the write is undone otherwise.
pub fn confirm<T: Protected>(tx: &mut impl CallContext, id: Uuid, permission: Permission) -> ApiResult<()> {
    let scope = tx.caller().scope(permission, tx.now())?;
    if scope.is_everything() {
        return Ok(());
    }
    let condition = Condition::new(sql!(
        "{named} AND {covered}",
        named = named::<T>(&Ref::from(id)),
        covered = T::covered(&scope),
    ));
    match T::select(tx, condition, Fragment::new(Sql::always()), false)? {
        Some(_) => Ok(()),
        None => Err(lacks(permission)),
    }
}

/// The row that `id` names, as a condition.
pub fn named<T: Protected>(id: &Ref<T>) -> Sql {
    match (&id.kind, T::EXTERNAL) {
        (RefKind::Id(id), _) => sql!("{id_2} = {id}", id_2 = Fixed(T::ID)),
        (RefKind::External { source, key }, Some(kind)) => sql!(
            "{id} = (SELECT object_id FROM external_keys WHERE kind = {kind} AND source = {source}
                    AND key = {key})",
            id = Fixed(T::ID),
            source = source.as_str(),
            key = key.as_str(),
        ),
        (RefKind::External { .. }, None) => Sql::never(),
    }
}

/// Implements [`Protected`] for a row type of a table:
/// `protected!(User in users, name: "user", external: Some("user"), read: UsersRead, covered: |scope| scope.users("users.id"));`
/// A last `visible: |scope| …` shows readers more than what their scope covers; what of it is not public, a function `reduced: …`
/// takes away.
#[macro_export]
macro_rules! protected {
    ($row:ident in $table:ident, name: $name:literal, external: $external:expr, read: $read:ident,
     covered: |$scope:ident| $covered:expr
     $(, visible: |$visible_scope:ident| $visible:expr $(, reduced: $reduced:path)?)? $(,)?) => {
        impl $crate::authz::Protected for $row {
            const NAME: &'static str = $name;
            const ID: &'static str = concat!(stringify!($table), ".id");
            const EXTERNAL: Option<&'static str> = $external;
            const READ: $crate::authz::Permission = $crate::authz::Permission::$read;

            fn covered($scope: &$crate::authz::Scope) -> $crate::db::Sql {
                $covered
            }

            $(fn visible($visible_scope: &$crate::authz::Scope) -> $crate::db::Sql {
                $visible
            }

            $(const IS_REDUCED: bool = true;

            fn reduce(
                asking: &mut dyn $crate::authz::CallContext,
                scope: &$crate::authz::Scope,
                rows: &mut [Self],
            ) -> diesel::QueryResult<()> {
                $reduced(asking, scope, rows)
            })?)?

            fn select(
                asking: &mut dyn $crate::authz::CallContext,
                condition: $crate::db::Condition,
                allowed: $crate::db::Condition,
                lock: bool,
            ) -> diesel::QueryResult<Option<(Self, bool)>> {
                use diesel::{
                    OptionalExtension as _, QueryDsl as _, RunQueryDsl as _, SelectableHelper as _,
                };
                use $crate::db::schema::$table;
                let query = $table::table
                    .select(($row::as_select(), allowed))
                    .filter(condition);
                if lock {
                    query.for_no_key_update().first(asking.connection()).optional()
                } else {
                    query.first(asking.connection()).optional()
                }
            }

            async fn find(
                mut conn: &diesel_async::AsyncPgConnection,
                condition: $crate::db::Condition,
            ) -> diesel::QueryResult<Option<Self>> {
                use diesel::{OptionalExtension as _, QueryDsl as _, SelectableHelper as _};
                use $crate::db::schema::$table;
                let query = $table::table.select($row::as_select()).filter(condition);
                let found = diesel_async::RunQueryDsl::first(query, &mut conn).await;
                found.optional()
            }

            fn select_all(
                asking: &mut dyn $crate::authz::CallContext,
                condition: $crate::db::Condition,
                allowed: $crate::db::Condition,
                lock: bool,
            ) -> diesel::QueryResult<Vec<(uuid::Uuid, Self, bool)>> {
                use diesel::{QueryDsl as _, RunQueryDsl as _, SelectableHelper as _};
                use $crate::db::schema::$table;
                let query = $table::table
                    .select(($table::id, $row::as_select(), allowed))
                    .filter(condition)
                    .order($table::id);
                if lock {
                    query.for_no_key_update().load(asking.connection())
                } else {
                    query.load(asking.connection())
                }
            }
        }
    };
}
