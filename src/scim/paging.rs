//! Pages of lists, by index or by cursor: which things, and how many there are in all. The things themselves are read after,
//! so that what is passed over costs little.

use diesel::{QueryableByName, RunQueryDsl, sql_types};
use serde_json::Value;
use uuid::Uuid;

use super::search::Search;
use crate::{
    app::Tx,
    db::{Fixed, Sql},
    http::{ApiResult, Page, list::PagePlan},
    sql,
};

#[derive(QueryableByName)]
struct Placed {
    #[diesel(sql_type = sql_types::Uuid)]
    id: Uuid,
    #[diesel(sql_type = sql_types::Jsonb)]
    place: Value,
}

#[derive(QueryableByName)]
struct Total {
    #[diesel(sql_type = sql_types::BigInt)]
    total: i64,
}

/// The ids of a page, and how many things `conditions` find in `from`, which ends with `WHERE`.
pub fn page(
    tx: &mut Tx,
    search: &Search,
    plan: &PagePlan,
    id: &'static str,
    from: &Sql,
    conditions: &[Sql],
) -> ApiResult<(i64, Page<Uuid>)> {
    let offset = match search.cursor {
        None => search.start_index - 1,
        Some(_) => 0,
    };
    let mut found = Page {
        data: Vec::new(),
        next_cursor: None,
    };
    if search.count > 0 {
        let rows: Vec<Placed> = sql!(
            "SELECT {id}, {key} AS place {from} {rows} ORDER BY {order} LIMIT {limit} OFFSET {offset}",
            id = Fixed(id),
            key = plan.key(),
            rows = plan.rows(conditions.iter().cloned()),
            order = plan.order(),
            limit = plan.limit(),
        )
        .load(tx.conn)?;
        let rows = rows.into_iter().map(|row| (row.id, row.place));
        found = plan.page(rows.collect(), |id| *id);
    }
    // The last page of all, if it is not empty, tells how many there are.
    let rows = found.data.len() as i64;
    let is_last = search.count > 0 && search.cursor.is_none() && found.next_cursor.is_none();
    if is_last && (rows > 0 || offset == 0) {
        return Ok((offset + rows, found));
    }
    let total: Total = sql!(
        "SELECT count(*) AS total {from} {conditions}",
        conditions = Sql::all(conditions.iter().cloned()),
    )
    .get_result(tx.conn)?;
    Ok((total.total, found))
}
