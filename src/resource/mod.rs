//! The one shape of a resource: what it consists of is declared once, and what all resources have in common (reading,
//! lists, adding, changing, archiving, many at once) is done here, the same for each.
//!
//! A resource is a struct of two parts: a struct of the fields that callers write ([`Row::Fields`]), and what Provost
//! writes. [`resource!`](crate::resource!) declares it, and [`Resource`] says what is its own: checks, what follows from a
//! change. Routes call [`routes`]; other code makes a [`Change`] and calls [`write()`](write::write).

pub mod bulk;
pub mod draft;
pub mod endpoints;
pub mod expand;
pub mod history;
pub mod list;
pub mod record;
pub mod reference;
pub mod routes;
pub mod schema;
pub mod search;
pub mod unique;
pub mod write;

use std::{borrow::Cow, ops::Deref};

use chrono::{DateTime, NaiveDate, Utc};
use diesel::QueryResult;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;
use validator::Validate;

pub use provost_macros::Record;

pub use self::{
    draft::Draft,
    expand::Expansion,
    record::{Column, Declaration, Filterable, Record},
    reference::{Reference, nameable},
    schema::{Create, NoExtra, Update},
    search::names::SearchedName,
    unique::{Claim, Unique},
    write::Change,
};
use crate::{
    app::{EventPayload, Tx},
    authz::{Permission, Protected},
    db::Condition,
    filter::{Attribute, Schema},
    http::{ApiResult, Sort, Versioned, list::PagePlan},
    ledger::EventKind,
};

/// What callers write of a resource.
pub trait Fields:
    Record + Clone + PartialEq + Serialize + DeserializeOwned + ToSchema + Validate + Send + Sync + 'static
{
}
impl<T> Fields for T where
    T: Record
        + Clone
        + PartialEq
        + Serialize
        + DeserializeOwned
        + ToSchema
        + Validate
        + Send
        + Sync
        + 'static
{
}

/// A row of a table, whose JSON is the row. Implemented by [`resource!`](crate::resource!).
pub trait Row:
    Protected
    + Versioned
    + Record
    + Deref<Target = Self::Fields>
    + Clone
    + PartialEq
    + EventPayload
    + Send
    + 'static
{
    /// What callers write of it.
    type Fields: Fields;
    /// Its table.
    const TABLE: &'static str;
    /// What the ledger calls it.
    const KIND: &'static str;
    /// The kinds of events that tell of its changes.
    const EVENTS: RowEvents;
    /// The permission to write it.
    const WRITE: Permission;

    /// What it declares.
    fn declaration() -> &'static Declaration;

    /// A new row.
    fn new(id: Uuid, fields: Self::Fields, now: DateTime<Utc>) -> Self;

    /// Its id.
    fn id(&self) -> Uuid;

    /// Gives it other fields.
    fn set_fields(&mut self, fields: Self::Fields);

    /// Counts the version up.
    fn step(&mut self, now: DateTime<Utc>);

    /// When it was archived; none where it is not, or cannot be.
    fn archived_at(&self) -> Option<DateTime<Utc>>;

    /// Archives it, or brings it back.
    fn set_archived_at(&mut self, at: Option<DateTime<Utc>>);

    /// The rows of a page, with the keys of its order.
    fn select_page(tx: &mut Tx, plan: &PagePlan, condition: Condition) -> QueryResult<Vec<(Self, Value)>>;
}

/// The kinds of events of a resource. Their payloads are the row. Made by [`resource!`](crate::resource!).
#[derive(Debug, Clone, Copy)]
pub struct RowEvents {
    /// A row is added.
    pub created: EventKind,
    /// A row gets other fields.
    pub updated: EventKind,
    /// A row is archived.
    pub archived: EventKind,
    /// A row is brought back.
    pub restored: EventKind,
    /// Whether rows can be archived.
    pub is_archivable: bool,
    /// Whether archived rows can be brought back.
    pub is_restorable: bool,
}

/// What is a resource's own. All has a default but the address and the orders.
pub trait Resource: Row {
    /// What a request to add one says beside its fields.
    type Extra: schema::Extra;

    /// Where the API has it, such as `/v1/users`.
    const PATH: &'static str;
    /// The order of its list where the client names none.
    const SORT: &'static str = "created_at";
    /// Orders of its list beside those of its columns, such as by a day that may be missing. Each has its index.
    const SORTS: &'static [Sort] = &[];
    /// What filters may name beside its columns.
    const ATTRIBUTES: &'static [Attribute] = &[];
    /// The column `search` of its table, with the table, where `q` searches it. What its folded columns hold stands there, too.
    const SEARCH: Option<&'static str> = None;
    /// What its rows name that `q` finds them by, where they have no words of their own.
    const NAMES: &'static [SearchedName] = &[];
    /// The columns of its list as CSV, where it is exported: what each is called, and the member that it shows, which may be one of
    /// what `expand` shows, such as `user.username`.
    const CSV: &'static [(&'static str, &'static str)] = &[];
    /// What `expand` may name.
    const EXPANSIONS: &'static [Expansion] = &[];
    /// The columns whose values no two rows share.
    const UNIQUE: &'static [Unique<Self>] = &[];

    /// What filters of lists may name.
    fn filters(_: &mut Tx) -> ApiResult<Schema> {
        Ok(list::schema::<Self>())
    }

    /// Takes the locks that changes of it want before anything is read.
    fn lock(_: &mut Tx) -> ApiResult<()> {
        Ok(())
    }

    /// Works out what follows from its fields, such as the first day on which somebody is active.
    fn complete(&mut self, _today: NaiveDate) {}

    /// Refuses drafts that may not be written, each with everything that is wrong with it: one statement for each question,
    /// however many they are.
    fn check(_: &mut Tx, _: &mut [Draft<Self>]) -> ApiResult<()> {
        Ok(())
    }

    /// Further values of drafts that no two rows share, beside those of [`Self::UNIQUE`].
    fn claims(_: &mut Tx, _: &[Draft<Self>]) -> ApiResult<Vec<Claim>> {
        Ok(Vec::new())
    }

    /// Refuses drafts that are wrong because others are refused, such as a circle that another draft would have opened. Asked
    /// again whenever a draft was refused.
    fn settle(_: &mut Tx, _: &mut [Draft<Self>]) -> ApiResult<()> {
        Ok(())
    }

    /// Writes what belongs to the rows, which are written by now, such as their places in a tree. What the draft has noted as
    /// taken is left out.
    fn follow(_: &mut Tx, _: &[Draft<Self>]) -> ApiResult<()> {
        Ok(())
    }

    /// Refuses drafts after they were saved, for callers with a narrower scope than everything: the save is rolled back, and the
    /// other drafts are saved again.
    fn confirm(_: &mut Tx, _: &mut [Draft<Self>]) -> ApiResult<()> {
        Ok(())
    }

    /// Whose event a change of it is, where it is a person's.
    fn person(&self) -> Option<Uuid> {
        None
    }

    /// Does what is to be done once the rows stand: says whose facts changed, who must hear of it.
    fn announce(_: &mut Tx, _: &[Draft<Self>]) -> ApiResult<()> {
        Ok(())
    }
}

/// A resource as the list of all of them has it: what the document and tests ask of each.
#[derive(Debug, Clone, Copy)]
pub struct Listed {
    /// The type, as the document calls it.
    pub schema: fn() -> Cow<'static, str>,
    /// See [`Row::KIND`].
    pub kind: &'static str,
    /// See [`Row::TABLE`].
    pub table: &'static str,
    /// See [`Row::declaration`].
    pub declaration: fn() -> &'static Declaration,
    /// The columns that callers write.
    pub fields: fn() -> Vec<Column>,
    /// See [`Row::EVENTS`].
    pub events: RowEvents,
    /// See [`Resource::EXPANSIONS`].
    pub expansions: &'static [Expansion],
}

impl Listed {
    /// The resource `T`.
    pub const fn of<T: Resource>() -> Self {
        Listed {
            schema: T::name,
            kind: T::KIND,
            table: T::TABLE,
            declaration: T::declaration,
            fields: T::Fields::columns,
            events: T::EVENTS,
            expansions: T::EXPANSIONS,
        }
    }

    /// The kinds of events that can happen to it.
    pub fn event_kinds(&self) -> impl Iterator<Item = EventKind> + use<> {
        let events = self.events;
        let is_changed = (self.fields)().iter().any(|column| !column.is_fixed);
        let kinds = [
            (true, events.created),
            (is_changed, events.updated),
            (events.is_archivable, events.archived),
            (events.is_restorable, events.restored),
        ];
        kinds
            .into_iter()
            .filter(|(happens, _)| *happens)
            .map(|(_, kind)| kind)
    }
}

/// Declares a resource: a row type, its table, and who sees and writes it.
///
/// `resource!(Category in categories, fields: CategoryFields, name: "category", kind: "category", external: None,
/// read: CoursesRead, write: CoursesWrite, covered: |scope| scope.categories("categories.id"), archived: archived_at);`
///
/// The row has the members `id`, `fields` (flattened, embedded), `version`, `created_at`, `updated_at`; with `archived: archived_at`
/// also that one, and with `archived: retired_at as "retired"` its event is called so; with `restored: never` archived rows stay
/// archived. Others are given after `new: { … }` as they are in a new row. A `visible: |scope| …` shows readers more
/// than their scope covers; a function `reduced: …` takes from that what is not public.
#[macro_export]
macro_rules! resource {
    ($row:ident in $table:ident, fields: $fields:ident, name: $name:literal, kind: $kind:literal, external: $external:expr,
     read: $read:ident, write: $write:ident, covered: |$scope:ident| $covered:expr
     $(, visible: |$visible_scope:ident| $visible:expr $(, reduced: $reduced:path)?)?
     $(, new: { $($other:ident: $value:expr),* $(,)? })?
     $(, archived: $archivable:ident $(as $past:literal)?)? $(, restored: $never:ident)? $(,)?) => {
        $crate::protected!($row in $table, name: $name, external: $external, read: $read,
            covered: |$scope| $covered $(, visible: |$visible_scope| $visible $(, reduced: $reduced)?)?);

        impl $crate::http::Versioned for $row {
            fn version(&self) -> i64 {
                self.version
            }
        }

        impl std::ops::Deref for $row {
            type Target = $fields;

            fn deref(&self) -> &$fields {
                &self.fields
            }
        }

        impl $crate::resource::Row for $row {
            type Fields = $fields;
            const TABLE: &'static str = stringify!($table);
            const KIND: &'static str = $kind;
            const EVENTS: $crate::resource::RowEvents = $crate::resource::RowEvents {
                created: $crate::resource!(@event $name, $kind, "created").after::<$row>(),
                updated: $crate::resource!(@event $name, $kind, "updated").changes::<$row>(),
                archived: $crate::resource!(@archived $name, $kind $($(, $past)?)?).changes::<$row>(),
                restored: $crate::resource!(@event $name, $kind, "restored").changes::<$row>(),
                is_archivable: $crate::resource!(@is_given $($archivable)?),
                is_restorable: $crate::resource!(@is_given $($archivable)?) && !$crate::resource!(@is_given $($never)?),
            };
            const WRITE: $crate::authz::Permission = $crate::authz::Permission::$write;

            fn declaration() -> &'static $crate::resource::Declaration {
                static DECLARATION: std::sync::LazyLock<$crate::resource::Declaration> =
                    std::sync::LazyLock::new($crate::resource::Declaration::of::<$row>);
                &DECLARATION
            }

            fn new(id: uuid::Uuid, fields: $fields, now: chrono::DateTime<chrono::Utc>) -> Self {
                $row {
                    id,
                    fields,
                    version: 1,
                    created_at: now,
                    updated_at: now,
                    $($($other: $value,)*)?
                    $($archivable: None,)?
                }
            }

            fn id(&self) -> uuid::Uuid {
                self.id
            }

            fn set_fields(&mut self, fields: $fields) {
                self.fields = fields;
            }

            fn step(&mut self, now: chrono::DateTime<chrono::Utc>) {
                self.version += 1;
                self.updated_at = now;
            }

            fn archived_at(&self) -> Option<chrono::DateTime<chrono::Utc>> {
                None$(.or(self.$archivable))?
            }

            fn set_archived_at(&mut self, _at: Option<chrono::DateTime<chrono::Utc>>) {
                $(self.$archivable = _at;)?
            }

            fn select_page(
                tx: &mut $crate::app::Tx,
                plan: &$crate::http::list::PagePlan,
                condition: $crate::db::Condition,
            ) -> diesel::QueryResult<Vec<(Self, serde_json::Value)>> {
                use diesel::{QueryDsl as _, RunQueryDsl as _, SelectableHelper as _};
                use $crate::db::schema::$table;
                $table::table
                    .select(($row::as_select(), plan.key()))
                    .filter(condition)
                    .order(plan.order_and_limit())
                    .load(tx.conn)
            }
        }
    };
    (@event $name:literal, $kind:literal, $past:literal) => {
        $crate::ledger::EventKind::new(
            concat!($kind, ".", $past),
            $kind,
            concat!("The ", $name, " was ", $past, "."),
        )
    };
    (@archived $name:literal, $kind:literal) => { $crate::resource!(@event $name, $kind, "archived") };
    (@archived $name:literal, $kind:literal, $past:literal) => { $crate::resource!(@event $name, $kind, $past) };
    (@is_given) => { false };
    (@is_given $given:ident) => { true };
}
