//! The statements of content checks: one row, once somebody has chosen something.

use chrono::{DateTime, Utc};
use diesel::{OptionalExtension, QueryableByName, RunQueryDsl, sql_types};
use uuid::Uuid;

use super::model::{ContentCheckChoice, ContentCheckChoices, ContentChecks};
use crate::{
    app::{Event, Tx},
    catalog::events::CONTENT_CHECKS_UPDATED,
    db::sql::Fixed,
    http::{ApiError, ApiResult},
    sql,
};

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = sql_types::Uuid)]
    id: Uuid,
    #[diesel(sql_type = sql_types::Jsonb)]
    choices: ContentCheckChoices,
    #[diesel(sql_type = sql_types::BigInt)]
    version: i64,
    #[diesel(sql_type = sql_types::Timestamptz)]
    updated_at: DateTime<Utc>,
}

fn row(tx: &mut Tx, locks: bool) -> ApiResult<Option<Row>> {
    let lock = Fixed(if locks { "FOR UPDATE" } else { "" });
    let row = sql!("SELECT id, choices, version, updated_at FROM content_checks {lock}");
    Ok(row.get_result(tx.conn).optional()?)
}

fn shown(row: Option<&Row>) -> ContentChecks {
    match row {
        Some(row) => ContentChecks::new(&row.choices, row.version, Some(row.updated_at)),
        None => ContentChecks::new(&ContentCheckChoices::default(), 1, None),
    }
}

/// The checks.
pub fn find(tx: &mut Tx) -> ApiResult<ContentChecks> {
    Ok(shown(row(tx, false)?.as_ref()))
}

/// Replaces the choices, where `check` lets it.
pub fn replace(
    tx: &mut Tx,
    choices: &[ContentCheckChoice],
    check: impl FnOnce(&ContentChecks) -> ApiResult<()>,
) -> ApiResult<ContentChecks> {
    tx.advisory_lock("content_checks")?;
    let present = row(tx, true)?;
    let before = shown(present.as_ref());
    check(&before)?;
    let choices = ContentCheckChoices(choices.to_vec());
    if ContentChecks::new(&choices, before.version, before.updated_at) == before {
        return Ok(before);
    }
    let id = present.map_or_else(Uuid::now_v7, |row| row.id);
    let version = before.version + 1;
    sql!(
        "INSERT INTO content_checks (id, choices, version, updated_at) VALUES ({id}, {choices}, {version}, {tx.now})
         ON CONFLICT (id) DO UPDATE SET choices = EXCLUDED.choices, version = EXCLUDED.version,
            updated_at = EXCLUDED.updated_at",
        choices = serde_json::to_value(&choices).map_err(ApiError::internal)?,
    )
    .execute(tx.conn)?;
    let after = ContentChecks::new(&choices, version, Some(tx.now));
    tx.record(
        Event::new(&CONTENT_CHECKS_UPDATED, id)
            .before(&before)
            .after(&after),
    );
    Ok(after)
}

/// What the academy chose.
pub fn choices(tx: &mut Tx) -> ApiResult<ContentCheckChoices> {
    Ok(row(tx, false)?.map(|row| row.choices).unwrap_or_default())
}
