//! Keyset lists: `limit`, `cursor`, `sort`, `filter`, and the page that answers them.
//!
//! A page continues after the last row by `(sort column, id) > (…)`, so rows neither skip nor repeat
//! under concurrent writes. A resource declares its orders once as a [`Listing`]; each has its index.

use std::{borrow::Cow, sync::LazyLock};

use chrono::NaiveDate;
use diesel::sql_types::Jsonb;
use serde::{Deserialize, Serialize};
use utoipa::{
    ToSchema,
    openapi::{ArrayBuilder, ObjectBuilder, Ref, RefOr, Schema, schema::SchemaType, schema::Type},
};
use uuid::Uuid;

use super::{
    ApiError, ApiResult,
    cursor::{self, Cursor},
    filter,
    query::joined,
};
use crate::{
    db::{
        Condition, Fixed, Sql,
        sql::{Bind, Fragment},
    },
    filter::{FilterClock, Schema as FilterSchema},
    instant, sql,
};

/// Declares the parameters of a list: those that every list takes, with docs of its own for `sort` if need be, and further ones.
///
/// `list_query! { /// The parameters of … ListThings { /// … color: Option<String> } }`
#[macro_export]
macro_rules! list_query {
    ($(#[$meta:meta])* $query:ident { $($(#[$field_meta:meta])* $field:ident: $type:ty),* $(,)? }) => {
        $crate::list_query! {
            $(#[$meta])*
            $query,
            /// The order; a leading `-` turns it round.
            sort,
            { $($(#[$field_meta])* $field: $type),* }
        }
    };
    ($(#[$meta:meta])* $query:ident, $(#[$sort_doc:meta])* sort,
     { $($(#[$field_meta:meta])* $field:ident: $type:ty),* $(,)? }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Default, serde::Serialize, serde::Deserialize, utoipa::IntoParams)]
        #[serde(deny_unknown_fields)]
        #[into_params(parameter_in = Query)]
        pub struct $query {
            /// Rows a page.
            #[param(minimum = 1, maximum = 200, default = 50)]
            pub limit: Option<i64>,
            /// Where to go on: `next_cursor` of the page before.
            pub cursor: Option<String>,
            $(#[$sort_doc])*
            #[param(example = "-created_at")]
            pub sort: Option<String>,
            /// Which rows, in the filter language.
            #[param(max_length = 4096)]
            pub filter: Option<String>,
            $($(#[$field_meta])* pub $field: $type,)*
            /// What is wrong with the parameters so far: [`ListQuery::page`](crate::http::ListQuery::page) tells it.
            #[serde(skip)]
            pub faults: Vec<$crate::http::FieldError>,
        }

        impl $crate::http::Parameters for $query {
            fn fault_collector(&mut self) -> Option<&mut Vec<$crate::http::FieldError>> {
                Some(&mut self.faults)
            }
        }

        impl $query {
            /// The parameters that every list takes.
            pub fn list(&self) -> $crate::http::ListQuery {
                $crate::http::ListQuery {
                    limit: self.limit,
                    cursor: self.cursor.clone(),
                    sort: self.sort.clone(),
                    filter: self.filter.clone(),
                    faults: self.faults.clone(),
                }
            }
        }
    };
}

list_query! {
    /// The parameters that every list takes.
    ListQuery {}
}

/// How a sort column's values travel in a cursor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SortKind {
    /// Text, in the order of people: letters first, then accents, then case.
    Text,
    /// `timestamptz`.
    Instant,
    /// `date`.
    Date,
    /// A whole number.
    Integer,
    /// An id.
    Id,
}

/// An order that a list offers. Its column is never NULL.
#[derive(Debug, Clone, Copy)]
pub struct Sort {
    /// What clients call it.
    pub name: &'static str,
    /// The column, with its table.
    pub column: &'static str,
    /// What the column holds.
    pub kind: SortKind,
}

impl Sort {
    /// By a day that rows may lack: `column` gives those without one the last of all days, and the index has the same words.
    pub const fn by_day(name: &'static str, column: &'static str) -> Self {
        Sort {
            name,
            column,
            kind: SortKind::Date,
        }
    }
}

/// The orders of a resource's list; the first is the default.
#[derive(Debug)]
pub struct Listing {
    /// The id column, which settles ties.
    pub id: &'static str,
    /// What `sort` may name.
    pub sorts: &'static [Sort],
}

/// A page that is about to be read.
#[derive(Debug)]
pub struct PagePlan {
    column: Sql,
    sort_text: String,
    descending: bool,
    id: &'static str,
    after: Option<(Bind, Uuid)>,
    limit: i64,
    says_limit: bool,
}

/// The ends of statements that say how many rows to read.
static LIMITS: LazyLock<Vec<String>> =
    LazyLock::new(|| (0..=MOST + 1).map(|rows| format!(" LIMIT {rows}")).collect());

/// The order of texts, after the column. Indexes name the same collation.
pub const ORDER_OF_TEXT: Fixed = Fixed(" COLLATE provost_order");

const DEFAULT_LIMIT: i64 = 50;
/// Rows a page at most.
const MOST: usize = 200;
const BATCH: i64 = 1_000;

impl ListQuery {
    /// How many rows a page has at most.
    pub fn size(&self) -> i64 {
        self.limit.unwrap_or(DEFAULT_LIMIT)
    }

    /// The order of the cursor, if it is one.
    pub fn order_of_cursor(&self) -> Option<String> {
        let cursor = Cursor::decode(self.cursor.as_deref()?).ok()?;
        Some(cursor.sort)
    }

    /// The page, and the rows that `filter` lets through; or everything that is wrong with the parameters.
    pub fn page(
        &self,
        listing: &Listing,
        schema: &FilterSchema,
        clock: &FilterClock,
    ) -> ApiResult<(PagePlan, Sql)> {
        let filter = match self.filter.as_deref() {
            Some(text) => filter::parse(text, schema).map(|filter| filter.to_sql(clock)),
            None => Ok(Sql::always()),
        };
        self.with_filter(listing, filter)
    }

    /// As [`page`](Self::page), with a filter that was read already.
    pub fn with_filter(&self, listing: &Listing, filter: ApiResult<Sql>) -> ApiResult<(PagePlan, Sql)> {
        match (self.ordered(listing), filter) {
            (Ok(page), Ok(filter)) if self.faults.is_empty() => Ok((page, filter)),
            (page, filter) => {
                let mut errors = page.err().unwrap_or_default();
                errors.extend(filter.err());
                Err(joined(&self.faults, errors))
            }
        }
    }

    /// Checks `sort` and `cursor` against what the list offers.
    fn ordered(&self, listing: &Listing) -> Result<PagePlan, Vec<ApiError>> {
        let default = listing.sorts.first().map_or("", |sort| sort.name);
        let sort_text = self.sort.as_deref().unwrap_or(default);
        let (descending, name) = match sort_text.strip_prefix('-') {
            Some(name) => (true, name),
            None => (false, sort_text),
        };
        let Some(sort) = listing.sorts.iter().find(|sort| sort.name == name) else {
            let names: Vec<_> = listing.sorts.iter().map(|sort| sort.name).collect();
            let detail = format!("must be one of {}, or one of them after a `-`", names.join(", "));
            let cursor = self.cursor.as_deref().and_then(|text| Cursor::decode(text).err());
            let errors = [ApiError::parameter("sort", detail)].into_iter().chain(cursor);
            return Err(errors.collect());
        };
        let after = self
            .cursor
            .as_deref()
            .map(|text| read_cursor(text, sort_text, sort.kind))
            .transpose()
            .map_err(|error| vec![error])?;
        Ok(PagePlan {
            column: match sort.kind {
                SortKind::Text => sql!("{column}{ORDER_OF_TEXT}", column = Fixed(sort.column)),
                _ => sql!("{column}", column = Fixed(sort.column)),
            },
            sort_text: sort_text.to_owned(),
            descending,
            id: listing.id,
            after,
            limit: self.size(),
            says_limit: false,
        })
    }
}

fn read_cursor(text: &str, sort: &str, kind: SortKind) -> ApiResult<(Bind, Uuid)> {
    let cursor = Cursor::decode(text)?;
    if cursor.sort != sort {
        return Err(cursor::invalid());
    }
    let text = cursor.key.as_str().filter(|text| !text.contains('\0'));
    let key = match kind {
        SortKind::Text => text.map(Bind::from),
        SortKind::Instant => text.and_then(|t| instant::parse(t).ok()).map(Bind::from),
        SortKind::Date => text.and_then(|t| t.parse::<NaiveDate>().ok()).map(Bind::from),
        SortKind::Integer => cursor.key.as_i64().map(Bind::from),
        SortKind::Id => text.and_then(|t| t.parse::<Uuid>().ok()).map(Bind::from),
    };
    Ok((key.ok_or_else(cursor::invalid)?, cursor.id))
}

impl PagePlan {
    /// The same page with as many rows as an export reads at once, however many the client asked for.
    pub fn batch(self) -> Self {
        PagePlan { limit: BATCH, ..self }
    }

    /// Whether it is in the order `sort`.
    pub fn is_by(&self, sort: &str) -> bool {
        self.sort_text.trim_start_matches('-') == sort
    }

    /// Makes `expression` the column of the order `sort`, where it is known only with the request.
    pub fn ordering(mut self, sort: &str, expression: impl FnOnce() -> Sql) -> Self {
        if self.is_by(sort) {
            self.column = expression();
        }
        self
    }

    /// The rows of the page: those that `conditions` let through, after the cursor.
    pub fn rows(&self, conditions: impl IntoIterator<Item = Sql>) -> Condition {
        let after = self.after.as_ref().map(|(key, id)| {
            let comparison = if self.descending { ") < (" } else { ") > (" };
            sql!(
                "({self.column}, {row}{comparison}{key}, {id})",
                row = Fixed(self.id),
                comparison = Fixed(comparison),
            )
        });
        Condition::new(Sql::all(conditions.into_iter().chain(after)))
    }

    /// What to order by.
    pub fn order(&self) -> Fragment<diesel::sql_types::Text> {
        Fragment::new(self.order_text())
    }

    fn order_text(&self) -> Sql {
        let direction = if self.descending { " DESC, " } else { ", " };
        let end = if self.descending { " DESC" } else { "" };
        sql!(
            "{self.column}{direction}{row}{end}",
            direction = Fixed(direction),
            row = Fixed(self.id),
            end = Fixed(end),
        )
    }

    /// The same page of rows that meet `conditions`. Without a value in them its plan is the same for all, and PostgreSQL keeps it
    /// where the statement says how many rows to read; with values, or with that number as one, it plans each time.
    pub fn of_rows(self, conditions: &Sql) -> Self {
        PagePlan {
            says_limit: !conditions.has_values(),
            ..self
        }
    }

    /// What to order by and how many rows to read: the end of a statement.
    pub fn order_and_limit(&self) -> Fragment<diesel::sql_types::Text> {
        let order = self.order_text();
        let said = LIMITS.get(self.limit() as usize).filter(|_| self.says_limit);
        Fragment::new(match said {
            Some(limit) => sql!("{order}{limit}", limit = Fixed(limit)),
            None => sql!("{order} LIMIT {limit}", limit = self.limit()),
        })
    }

    /// The sort column as JSON, to be selected beside the row for the cursor.
    pub fn key(&self) -> Fragment<Jsonb> {
        Fragment::new(sql!("to_jsonb({self.column})"))
    }

    /// How many rows to read: one more than a page, to see whether there is another.
    pub fn limit(&self) -> i64 {
        self.limit + 1
    }

    /// The page, from rows and their keys.
    pub fn page<T>(&self, mut rows: Vec<(T, serde_json::Value)>, id: impl Fn(&T) -> Uuid) -> Page<T> {
        let more = rows.len() as i64 > self.limit;
        rows.truncate(self.limit as usize);
        let next_cursor = rows.last().filter(|_| more).map(|(row, key)| {
            Cursor {
                sort: self.sort_text.clone(),
                key: key.clone(),
                id: id(row),
            }
            .encode()
        });
        Page {
            data: rows.into_iter().map(|(row, _)| row).collect(),
            next_cursor,
        }
    }
}

/// A page of a list.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Page<T> {
    /// The rows.
    pub data: Vec<T>,
    /// What to send as `cursor` for the next page; null on the last.
    pub next_cursor: Option<String>,
}

impl<T> Page<T> {
    /// The same page of other things.
    pub fn map<U>(self, f: impl FnMut(T) -> U) -> Page<U> {
        Page {
            data: self.data.into_iter().map(f).collect(),
            next_cursor: self.next_cursor,
        }
    }
}

impl<T: ToSchema> utoipa::__dev::ComposeSchema for Page<T> {
    fn compose(_: Vec<RefOr<Schema>>) -> RefOr<Schema> {
        let row = Ref::from_schema_name(T::name());
        let cursor = ObjectBuilder::new()
            .schema_type(SchemaType::from_iter([Type::String, Type::Null]))
            .description(Some(
                "What to send as `cursor` for the next page; null on the last.",
            ));
        ObjectBuilder::new()
            .description(Some("A page of a list."))
            .property(
                "data",
                ArrayBuilder::new().items(row).description(Some("The rows.")),
            )
            .property("next_cursor", cursor)
            .required("data")
            .required("next_cursor")
            .into()
    }
}

impl<T: ToSchema> ToSchema for Page<T> {
    fn name() -> Cow<'static, str> {
        "Page".into()
    }

    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        schemas.push((T::name().into_owned(), T::schema()));
        T::schemas(schemas);
    }
}
