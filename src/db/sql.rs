//! Dynamic SQL: text that is known at compile time, with places for bound values and for more SQL.
//!
//! Text enters a [`Sql`] as a literal or as [`Fixed`], which takes a `&'static str`; any other text in a place is bound as
//! a parameter. So nothing that a caller sent can become part of a statement. A [`Sql`] is a whole query
//! (`load::<T: QueryableByName>`) or a boolean expression (`.filter(sql)`), and its prepared
//! statement is cached by its text, which diesel's own `sql_query` does not do.
//!
//! Used by the filter language, the scope builder, keyset lists and reports.

use std::marker::PhantomData;

use chrono::{DateTime, NaiveDate, Utc};
use diesel::{
    QueryResult,
    expression::{AppearsOnTable, Expression, SelectableExpression, ValidGrouping, is_aggregate},
    pg::{Pg, PgConnection},
    query_builder::{AstPass, Query, QueryFragment, QueryId},
    query_dsl::RunQueryDsl,
    sql_types::{self, Nullable, SingleValue, Untyped},
};
use uuid::Uuid;

/// A value that travels as a parameter. `None` is SQL's NULL.
#[derive(Debug, Clone, PartialEq)]
pub enum Bind {
    Bool(Option<bool>),
    Int(Option<i64>),
    Float(Option<f64>),
    Text(Option<String>),
    Uuid(Option<Uuid>),
    Date(Option<NaiveDate>),
    Instant(Option<DateTime<Utc>>),
    Json(Option<serde_json::Value>),
    Bytes(Option<Vec<u8>>),
    Texts(Vec<String>),
    Uuids(Vec<Uuid>),
    Ints(Vec<i64>),
}

/// SQL text that is known at compile time, such as the name of a table, for a place of a statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fixed(pub &'static str);

/// What may stand in a place of [`sql!`](crate::sql!): a value, which is bound, or more SQL.
pub trait Place {
    /// Appends this to `sql`.
    fn put_in(&self, sql: &mut Sql);
}

impl Place for Fixed {
    fn put_in(&self, sql: &mut Sql) {
        sql.push_text(self.0);
    }
}

impl Place for Sql {
    fn put_in(&self, sql: &mut Sql) {
        sql.is_planned_anew |= self.is_planned_anew;
        sql.parts.extend_from_slice(&self.parts);
    }
}

impl<T> Place for Fragment<T> {
    fn put_in(&self, sql: &mut Sql) {
        self.sql.put_in(sql);
    }
}

impl Place for Bind {
    fn put_in(&self, sql: &mut Sql) {
        sql.parts.push(Part::Bind(self.clone()));
    }
}

impl<T: Place + ?Sized> Place for &T {
    fn put_in(&self, sql: &mut Sql) {
        (**self).put_in(sql);
    }
}

impl Place for str {
    fn put_in(&self, sql: &mut Sql) {
        Bind::from(self).put_in(sql);
    }
}

impl Place for Option<&str> {
    fn put_in(&self, sql: &mut Sql) {
        Bind::Text(self.map(str::to_owned)).put_in(sql);
    }
}

/// Values that are bound where they stand in a place.
macro_rules! bound {
    ($($rust:ty),* $(,)?) => {$(
        impl Place for $rust {
            fn put_in(&self, sql: &mut Sql) {
                Bind::from(self.to_owned()).put_in(sql);
            }
        }
    )*};
}

bound! {
    bool, i64, f64, String, Uuid, NaiveDate, DateTime<Utc>, serde_json::Value, Vec<u8>,
    Option<bool>, Option<i64>, Option<f64>, Option<String>, Option<Uuid>, Option<NaiveDate>, Option<DateTime<Utc>>,
    Option<serde_json::Value>, Option<Vec<u8>>,
    Vec<String>, Vec<Uuid>, Vec<i64>, [String], [Uuid], [i64], [u8],
}

macro_rules! bind_from {
    ($($rust:ty => $variant:ident),* $(,)?) => {$(
        impl From<$rust> for Bind {
            fn from(value: $rust) -> Self {
                Bind::$variant(Some(value))
            }
        }
        impl From<Option<$rust>> for Bind {
            fn from(value: Option<$rust>) -> Self {
                Bind::$variant(value)
            }
        }
    )*};
}

bind_from! {
    bool => Bool,
    i64 => Int,
    f64 => Float,
    String => Text,
    Uuid => Uuid,
    NaiveDate => Date,
    DateTime<Utc> => Instant,
    serde_json::Value => Json,
    Vec<u8> => Bytes,
}

impl From<&str> for Bind {
    fn from(value: &str) -> Self {
        Bind::Text(Some(value.to_owned()))
    }
}

impl From<Vec<String>> for Bind {
    fn from(value: Vec<String>) -> Self {
        Bind::Texts(value)
    }
}

impl From<Vec<Uuid>> for Bind {
    fn from(value: Vec<Uuid>) -> Self {
        Bind::Uuids(value)
    }
}

impl From<Vec<i64>> for Bind {
    fn from(value: Vec<i64>) -> Self {
        Bind::Ints(value)
    }
}

#[derive(Debug, Clone, PartialEq)]
enum Part {
    Text(&'static str),
    Bind(Bind),
}

/// A statement or a boolean expression, made of static text and bound values.
#[derive(Debug, Clone, Default, PartialEq)]
#[must_use]
pub struct Sql {
    parts: Vec<Part>,
    is_planned_anew: bool,
}

/// Makes a [`Sql`](crate::db::sql::Sql) of one text with places: `sql!("SELECT * FROM users WHERE id = {id} AND {scope}")`.
///
/// A place is the name of a variable, a dotted path to a field (`{tx.now}`), or a name that follows the text
/// (`sql!("… WHERE {visible}", visible = scope.users("users.id"))`). What stands there is a [`Place`](crate::db::sql::Place):
/// a value, which is bound, or more SQL. Other braces, such as those of `'{}'`, belong to the text.
///
/// Text in a place is bound, so that input cannot become SQL:
///
/// ```
/// let name = "x'; DROP TABLE users; --".to_owned();
/// let statement = provost::sql!("SELECT 1 FROM users WHERE username = {name}");
/// let sent = diesel::debug_query::<diesel::pg::Pg, _>(&statement).to_string();
/// assert!(sent.starts_with("SELECT 1 FROM users WHERE username = $1 -- binds:"));
/// ```
///
/// A text that is made when the program runs is no statement:
///
/// ```compile_fail
/// let statement = format!("SELECT 1 FROM users WHERE username = '{}'", "x");
/// provost::sql!(statement);
/// ```
///
/// ```compile_fail
/// let table = String::from("users");
/// provost::db::sql::Fixed(&table);
/// ```
#[macro_export]
macro_rules! sql {
    ($text:literal $(, $name:ident = $value:expr)* $(,)?) => {
        $crate::db::sql::statement!($crate, $text $(, $name = $value)*)
    };
}

#[doc(hidden)]
pub use provost_macros::statement;

impl AsRef<Sql> for Sql {
    fn as_ref(&self) -> &Sql {
        self
    }
}

impl Sql {
    #[doc(hidden)]
    pub fn push_text(&mut self, text: &'static str) {
        self.parts.push(Part::Text(text));
    }

    /// Appends more SQL.
    pub fn push(&mut self, more: impl AsRef<Sql>) {
        more.as_ref().put_in(self);
    }

    /// Has PostgreSQL plan the whole statement for these very values, each time: what is about many rows may not go
    /// by a plan that was made for few, or when the tables were small.
    pub fn is_planned_each_time(mut self) -> Self {
        self.is_planned_anew = true;
        self
    }

    /// Whether it binds values.
    pub fn has_values(&self) -> bool {
        self.parts.iter().any(|part| matches!(part, Part::Bind(_)))
    }

    /// Holds where `column` is one of `ids`. Of one id PostgreSQL keeps the plan; of an array it makes another each time.
    pub fn among(column: &'static str, ids: &[Uuid]) -> Self {
        match ids {
            [id] => sql!("{column} = {id}", column = Fixed(column)),
            ids => sql!("{column} = ANY ({ids})", column = Fixed(column)),
        }
    }

    /// The expression that always holds.
    pub fn always() -> Self {
        sql!("TRUE")
    }

    /// The expression that never holds.
    pub fn never() -> Self {
        sql!("FALSE")
    }

    /// Holds where every one of `conditions` holds; always, for none.
    pub fn all(conditions: impl IntoIterator<Item = Sql>) -> Self {
        Self::joined(conditions, " AND ").unwrap_or_else(Self::always)
    }

    /// Holds where at least one of `conditions` holds; never, for none.
    pub fn any(conditions: impl IntoIterator<Item = Sql>) -> Self {
        Self::joined(conditions, " OR ").unwrap_or_else(Self::never)
    }

    /// `a, b, c`.
    pub fn list(parts: impl IntoIterator<Item = Sql>) -> Self {
        let mut list = Sql::default();
        for (index, part) in parts.into_iter().enumerate() {
            if index > 0 {
                list.push_text(", ");
            }
            part.put_in(&mut list);
        }
        list
    }

    fn joined(conditions: impl IntoIterator<Item = Sql>, operator: &'static str) -> Option<Self> {
        let mut conditions = conditions.into_iter();
        let first = conditions.next()?;
        let mut joined = sql!("({first}");
        for condition in conditions {
            joined.push_text(operator);
            joined.push(condition);
        }
        joined.push_text(")");
        Some(joined)
    }

    /// Runs a statement that returns no rows, and answers how many it touched.
    pub fn execute(self, conn: &mut PgConnection) -> QueryResult<usize> {
        RunQueryDsl::execute(self, conn)
    }
}

/// An expression that is another UUIDv7 of the instant `now` for each row. PostgreSQL makes them itself from 18 on;
/// here the first half of its random UUIDs gives way to the instant and the version.
pub fn uuid_v7(now: DateTime<Utc>) -> Sql {
    let millis = format!("{:012x}", now.timestamp_millis().max(0));
    let (high, low) = millis.split_at(8);
    sql!(
        "overlay(gen_random_uuid()::text PLACING {head} FROM 1)::uuid",
        head = format!("{high}-{low}-7"),
    )
}

impl QueryFragment<Pg> for Sql {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        if self.is_planned_anew {
            out.unsafe_to_cache_prepared();
        }
        for part in &self.parts {
            match part {
                Part::Text(text) => out.push_sql(text),
                Part::Bind(value) => value.walk_ast(out.reborrow())?,
            }
        }
        Ok(())
    }
}

impl QueryFragment<Pg> for Bind {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        match self {
            Bind::Bool(v) => out.push_bind_param::<Nullable<sql_types::Bool>, _>(v),
            Bind::Int(v) => out.push_bind_param::<Nullable<sql_types::BigInt>, _>(v),
            Bind::Float(v) => out.push_bind_param::<Nullable<sql_types::Double>, _>(v),
            Bind::Text(v) => out.push_bind_param::<Nullable<sql_types::Text>, _>(v),
            Bind::Uuid(v) => out.push_bind_param::<Nullable<sql_types::Uuid>, _>(v),
            Bind::Date(v) => out.push_bind_param::<Nullable<sql_types::Date>, _>(v),
            Bind::Instant(v) => out.push_bind_param::<Nullable<sql_types::Timestamptz>, _>(v),
            Bind::Json(v) => out.push_bind_param::<Nullable<sql_types::Jsonb>, _>(v),
            Bind::Bytes(v) => out.push_bind_param::<Nullable<sql_types::Binary>, _>(v),
            Bind::Texts(v) => out.push_bind_param::<sql_types::Array<sql_types::Text>, _>(v),
            Bind::Uuids(v) => out.push_bind_param::<sql_types::Array<sql_types::Uuid>, _>(v),
            Bind::Ints(v) => out.push_bind_param::<sql_types::Array<sql_types::BigInt>, _>(v),
        }
    }
}

impl QueryId for Sql {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl Query for Sql {
    type SqlType = Untyped;
}

impl RunQueryDsl<PgConnection> for Sql {}

/// A [`Sql`] as an expression of the SQL type `T` in a typed diesel query.
#[derive(Debug, Clone)]
pub struct Fragment<T> {
    sql: Sql,
    sql_type: PhantomData<T>,
}

impl<T> Fragment<T> {
    /// Says that `sql` is an expression of type `T`.
    pub fn new(sql: Sql) -> Self {
        Fragment {
            sql,
            sql_type: PhantomData,
        }
    }
}

/// A [`Sql`] as a condition of a typed diesel query.
pub type Condition = Fragment<sql_types::Bool>;

impl<T> QueryFragment<Pg> for Fragment<T> {
    fn walk_ast<'b>(&'b self, out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        self.sql.walk_ast(out)
    }
}

impl<T> QueryId for Fragment<T> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<T: SingleValue> Expression for Fragment<T> {
    type SqlType = T;
}

impl<QS, T: SingleValue> AppearsOnTable<QS> for Fragment<T> {}
impl<QS, T: SingleValue> SelectableExpression<QS> for Fragment<T> {}
impl<T> ValidGrouping<()> for Fragment<T> {
    type IsAggregate = is_aggregate::Never;
}
