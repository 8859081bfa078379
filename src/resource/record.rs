//! What a row consists of, declared once: its columns serve statements, filters, orders and their documentation.

use chrono::{DateTime, NaiveDate, Utc};
use uuid::Uuid;

use super::{Resource, Row};
use crate::{
    app::Tx,
    db::{Sql, sql::Fixed, text_enum::Words},
    filter::{self, Attribute, Kind, Schema},
    http::{
        ApiResult, ListQuery, Listing, Sort,
        list::{PagePlan, SortKind},
    },
    sql,
};

/// A column of a table, which is a member of the row's JSON by the same name.
#[derive(Debug, Clone, Copy)]
pub struct Column {
    /// Its name.
    pub name: &'static str,
    /// Its name with its table.
    pub path: &'static str,
    /// What it means, in a sentence.
    pub doc: &'static str,
    /// How filters compare it; none where they do not name it.
    pub kind: Option<Kind>,
    /// Whether its key form stands in a column `<name>_folded`, which is written with it.
    pub is_folded: bool,
    /// Whether lists can be in its order.
    pub is_sortable: bool,
    /// Whether it is set when the row is added and never changed.
    pub is_fixed: bool,
    /// Whether it is no column of the table: `Resource::follow` writes it where it is.
    pub is_elsewhere: bool,
    /// What it is computed from, where it is no column of the table: an expression that names columns as `§column`, where `§`
    /// stands for the name of the row and a dot.
    pub computed: Option<&'static str>,
}

impl Column {
    /// The column as filters name it; `search` is the column of its table that `q` searches.
    pub fn attribute(&self, search: Option<&'static str>) -> Option<Attribute> {
        let mut attribute = Attribute::scalar(self.name, self.kind?, self.path, self.doc);
        if let (Some(within), true) = (search, self.is_folded) {
            let column = self.path;
            attribute.column = filter::Column::Searched { column, within };
        }
        Some(attribute)
    }

    /// The order of lists by this column.
    pub fn sort(&self) -> Option<Sort> {
        let kind = match self.kind? {
            Kind::Date => SortKind::Date,
            Kind::Instant => SortKind::Instant,
            Kind::Integer => SortKind::Integer,
            _ => SortKind::Text,
        };
        self.is_sortable.then_some(Sort {
            name: self.name,
            column: self.path,
            kind,
        })
    }
}

/// A struct whose fields are columns. Derived: `#[derive(Record)]`.
pub trait Record {
    /// Its columns, in the order of its fields.
    fn columns() -> Vec<Column>;
}

/// A type whose values filters compare.
pub trait Filterable {
    /// How.
    const KIND: Kind;
}

impl<T: Filterable> Filterable for Option<T> {
    const KIND: Kind = T::KIND;
}

impl<T: Words> Filterable for T {
    const KIND: Kind = Kind::Enum(T::WORDS);
}

macro_rules! filterable {
    ($($type:ty => $kind:ident),* $(,)?) => {$(
        impl Filterable for $type {
            const KIND: Kind = Kind::$kind;
        }
    )*};
}

filterable! {
    String => String,
    bool => Bool,
    i16 => Integer,
    i32 => Integer,
    i64 => Integer,
    f64 => Number,
    NaiveDate => Date,
    DateTime<Utc> => Instant,
    Uuid => Id,
}

/// `a, b, b_folded`: the columns as a statement names them, each after `before`, such as the name of a table and a dot.
pub fn names(columns: &[Column], before: &'static str) -> Sql {
    let before = Fixed(before);
    let stored = columns.iter().filter(|column| !column.is_elsewhere);
    let names = stored.map(|column| {
        let name = Fixed(column.name);
        match (column.computed, column.is_folded) {
            (Some(computed), _) => {
                let mut parts = computed.split('§').map(Fixed);
                let first = parts.next().unwrap_or(Fixed(""));
                let whole = parts.fold(sql!("{first}"), |whole, part| sql!("{whole}{before}{part}"));
                sql!("{whole} AS {name}")
            }
            (None, true) => sql!("{before}{name}, {before}{name}_folded"),
            (None, false) => sql!("{before}{name}"),
        }
    });
    Sql::list(names)
}

/// A list of what a query answers for each column: `given` by its name, where that is something, else the column of the
/// table `before`, such as `p.`.
pub fn selected(columns: &[Column], before: &'static str, given: impl Fn(&str) -> Option<Sql>) -> Sql {
    let stored = columns.iter().filter(|column| !column.is_elsewhere);
    let selected = stored.map(|column| match given(column.name) {
        Some(value) => sql!("{value} AS {name}", name = Fixed(column.name)),
        None => names(&[*column], before),
    });
    Sql::list(selected)
}

/// A row of the table as the API shows it: the columns that it declares, and none beside them.
pub fn shown<T: Row>() -> Sql {
    json_of(&T::declaration().columns, |column| {
        sql!("{path}", path = Fixed(column.path))
    })
}

/// The columns of `T` as JSON, and none beside them, as Rust writes it. `row` names the row of its table, such as `q.`.
pub fn as_json<T: Record>(row: &'static str) -> Sql {
    json_of(&T::columns(), |column| {
        names(
            &[Column {
                is_folded: false,
                ..*column
            }],
            row,
        )
    })
}

fn json_of(columns: &[Column], path: impl Fn(&Column) -> Sql) -> Sql {
    let stored = columns.iter().filter(|column| !column.is_elsewhere);
    let columns = Sql::list(stored.map(|column| {
        let (path, name) = (path(column), Fixed(column.name));
        match column.kind {
            Some(Kind::Instant) => sql!("json_instant({path}) AS {name}"),
            _ => path,
        }
    }));
    // No column is called like the row, or it would stand for it.
    sql!("(SELECT to_jsonb(whole_row) FROM (SELECT {columns}) AS whole_row)")
}

/// What a resource declares, worked out once: see [`super::Row::declaration`].
#[derive(Debug)]
pub struct Declaration {
    /// Its columns.
    pub columns: Vec<Column>,
    /// What filters may name.
    pub attributes: Vec<Attribute>,
    /// The orders of its list; the first is the default. Each has its index.
    pub sorts: Vec<Sort>,
}

impl Declaration {
    /// That of `T`.
    pub fn of<T: Resource>() -> Self {
        let mut declaration = Self::new::<T>(T::ATTRIBUTES, T::SORT, T::SEARCH);
        declaration.sorts.extend_from_slice(T::SORTS);
        declaration
    }

    /// That of any record: what filters may name beside its columns, the order that lists have by default, and the column
    /// that `q` searches.
    pub fn new<T: Record>(others: &[Attribute], sort: &str, search: Option<&'static str>) -> Self {
        let columns = T::columns();
        let named = columns.iter().filter_map(|column| column.attribute(search));
        let attributes = named.chain(others.iter().copied()).collect();
        let mut sorts: Vec<Sort> = columns.iter().filter_map(Column::sort).collect();
        sorts.sort_by_key(|known| known.name != sort);
        Declaration {
            columns,
            attributes,
            sorts,
        }
    }

    /// What a list of records does with its parameters; `id` is the column of their ids.
    pub fn plan(&'static self, tx: &Tx, id: &'static str, query: &ListQuery) -> ApiResult<(PagePlan, Sql)> {
        let listing = Listing {
            id,
            sorts: &self.sorts,
        };
        query.page(&listing, &Schema::new(&self.attributes), &tx.filter_clock())
    }
}
