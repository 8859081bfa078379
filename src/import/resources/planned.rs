//! Planned rows as changes to a resource.

use std::collections::HashMap;

use diesel::{QueryableByName, RunQueryDsl, sql_types};
use serde_json::{Map, Value};
use uuid::Uuid;

use super::references::RowReference;
use crate::{
    app::Tx,
    authz::{Authorized, authorize_all},
    db::{Fixed, Sql},
    http::{ApiError, ApiResult, FieldError, body::read_value},
    import::target::{Part, Plan},
    resource::{Change, Record, Resource, Update, bulk},
    sql,
};

/// A row that is to be written.
#[derive(QueryableByName)]
pub(super) struct PlannedRow {
    #[diesel(sql_type = sql_types::BigInt)]
    pub line: i64,
    #[diesel(sql_type = sql_types::Text)]
    action: String,
    #[diesel(sql_type = sql_types::Uuid)]
    object_id: Uuid,
    #[diesel(sql_type = sql_types::Jsonb)]
    fields: Value,
    #[diesel(sql_type = sql_types::Jsonb)]
    refs: Value,
}

impl PlannedRow {
    /// The actions of rows that archive something.
    pub const ENDS: &'static str = "('end')";
    /// Those of the others.
    pub const OTHERS: &'static str = "('create', 'update', 'restore')";

    /// The rows of `part` with `actions`, in their order.
    pub fn of(tx: &mut Tx, plan: &Plan, part: Part, actions: &'static str) -> ApiResult<Vec<Self>> {
        Self::load(
            tx,
            actions,
            sql!("{rows} ORDER BY r.turn", rows = part.rows(plan)),
        )
    }

    /// Up to `most` rows after the line `last` that are no ends.
    pub fn after(tx: &mut Tx, plan: &Plan, last: i64, most: i64) -> ApiResult<Vec<Self>> {
        let rows = sql!("r.line > {last} AND r.import_id = {plan.import} ORDER BY r.line LIMIT {most}");
        Self::load(tx, Self::OTHERS, rows)
    }

    fn load(tx: &mut Tx, actions: &'static str, rows: Sql) -> ApiResult<Vec<Self>> {
        let rows = sql!(
            "SELECT r.line, r.action, r.object_id, r.fields, r.refs FROM import_rows r
             WHERE r.action IN {actions} AND {rows}",
            actions = Fixed(actions),
        )
        .load(tx.conn)?;
        Ok(rows)
    }

    /// What the row says, as a body of the API.
    fn body<T: Resource>(&self, references: &[RowReference]) -> Map<String, Value> {
        let columns = T::Fields::columns();
        let fields = columns
            .iter()
            .filter_map(|column| Some((column.name, self.fields.get(column.name)?.clone())));
        let named = references.iter().filter_map(|reference| {
            let id = self.refs.get(reference.id)?.as_str()?.parse().ok()?;
            Some((reference.member, (reference.value)(id)))
        });
        let members = fields.chain(named);
        members.map(|(name, value)| (name.to_owned(), value)).collect()
    }

    fn change<T: Resource>(
        &self,
        references: &[RowReference],
        things: &mut bulk::Things<T>,
    ) -> ApiResult<Change<T>> {
        let body = self.body::<T>(references);
        if self.action == "create" {
            let new = read_value(&mut Value::Object(body))?;
            return Ok(Change::Create(self.object_id, Box::new(new)));
        }
        let thing = bulk::take(things, self.object_id, None)?;
        if self.action == "end" {
            return Ok(Change::Archive(thing));
        }
        let update = update::<T>(&thing, body)?;
        if self.action != "restore" {
            return Ok(Change::Update(thing, update));
        }
        let (fields, faults) = update.apply_to(&thing)?;
        if !faults.is_empty() {
            return Err(ApiError::invalid(faults));
        }
        let mut after = T::clone(&thing);
        after.set_fields(fields);
        after.set_archived_at(None);
        Ok(Change::Become(thing, Box::new(after), &T::EVENTS.restored))
    }
}

/// What `body` changes of `thing`.
fn update<T: Resource>(thing: &T, mut body: Map<String, Value>) -> ApiResult<Update<T>> {
    let present = serde_json::to_value::<&T::Fields>(thing).map_err(ApiError::internal)?;
    body.retain(|member, value| present[member.as_str()] != *value);
    let columns = T::Fields::columns();
    let fixed = columns
        .iter()
        .filter(|column| column.is_fixed && body.contains_key(column.name));
    let faults: Vec<FieldError> = fixed
        .map(|column| {
            let detail = format!(
                "stays as it is; give the row another key to add another {}",
                T::NAME
            );
            FieldError::new(format!("/{}", column.name), detail)
        })
        .collect();
    if !faults.is_empty() {
        return Err(ApiError::invalid(faults));
    }
    read_value(&mut Value::Object(body))
}

/// What each of `rows` changes, or why it cannot.
pub(super) fn changes<T: Resource>(
    tx: &mut Tx,
    references: &[RowReference],
    rows: &[PlannedRow],
) -> ApiResult<Vec<ApiResult<Change<T>>>> {
    let present = rows.iter().filter(|row| row.action != "create");
    let ids: Vec<Uuid> = present.map(|row| row.object_id).collect();
    let mut things: HashMap<Uuid, ApiResult<Authorized<T>>> = authorize_all::<T>(tx, &ids, T::WRITE)?;
    let changes = rows.iter().map(|row| row.change(references, &mut things));
    Ok(changes.collect())
}
