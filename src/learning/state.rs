//! What the player is told when it opens: the items of the package, and where the learner left each.

use std::collections::BTreeMap;

use diesel::RunQueryDsl;
use serde::Serialize;
use uuid::Uuid;

use super::{
    commits::{ended, superseded},
    launches::OF_A_SESSION,
    live::LiveLaunch,
    model::{ActivityRecord, LaunchMode},
    package::PackagePart,
    runtime::elements::Standard,
    store::{self, StoredItem},
};
use crate::{
    app::Tx,
    enrollment::enrollments,
    http::{ApiError, ApiResult},
    sql,
};

/// How many changes a launch may number: what an earlier launch could not send in time never replaces what a later one
/// stored, whatever the clocks of their devices say.
const SEQS_A_LAUNCH: i64 = 1 << 32;

/// What the player of packages is told.
#[derive(Debug, Serialize)]
pub struct PlayerState<'a> {
    launch_id: Uuid,
    attempt_id: Uuid,
    mode: LaunchMode,
    /// Whether the attempt is over: it takes nothing more.
    is_over: bool,
    title: &'a str,
    standard: Standard,
    learner_id: Uuid,
    learner_name: &'a str,
    /// What there is to open, with headings.
    parts: &'a [PackagePart],
    /// The item that was written last.
    last_item: Option<String>,
    /// What each item stored.
    items: BTreeMap<String, ItemState>,
    /// Changes of this launch have higher numbers: above all that is stored, and above all that an earlier launch gives.
    seq: i64,
}

#[derive(Debug, Serialize)]
struct ItemState {
    elements: BTreeMap<String, String>,
    total_seconds: i32,
}

#[derive(diesel::QueryableByName)]
struct Fence {
    #[diesel(sql_type = diesel::sql_types::BigInt)]
    fence: i64,
    #[diesel(sql_type = diesel::sql_types::Bool)]
    is_over: bool,
    #[diesel(sql_type = diesel::sql_types::Nullable<diesel::sql_types::Text>)]
    last_item: Option<String>,
}

/// Reads it; 409 where a newer launch of the attempt took over.
pub fn of_package<'a>(tx: &mut Tx, launch: &'a LiveLaunch) -> ApiResult<PlayerState<'a>> {
    let package = launch.content.package.as_ref();
    let package = package.ok_or_else(|| ApiError::not_found("package"))?;
    let attempt_id = launch.attempt_id.ok_or_else(ended)?;
    let found: Vec<Fence> = sql!(
        "SELECT a.fence, a.ended_at IS NOT NULL AS is_over, (SELECT r.item FROM runtime_states r WHERE r.user_id = a.user_id AND r.attempt_id = a.id
            ORDER BY r.updated_at DESC LIMIT 1) AS last_item
         FROM attempts a WHERE a.user_id = {launch.user_id} AND a.id = {attempt_id}"
    )
    .load(tx.conn)?;
    let found = found.into_iter().next().ok_or_else(ended)?;
    if launch.mode != LaunchMode::Review && found.fence != launch.fence {
        return Err(superseded());
    }
    let items = store::items(tx, launch.user_id, attempt_id)?;
    let seqs = items
        .iter()
        .flat_map(|item| item.data.0.values().map(|element| element.seq));
    Ok(PlayerState {
        launch_id: launch.launch_id,
        attempt_id,
        is_over: found.is_over,
        // An attempt that is over is looked at.
        mode: match found.is_over {
            true => LaunchMode::Review,
            false => launch.mode,
        },
        title: &launch.title,
        standard: package.standard,
        learner_id: launch.user_id,
        learner_name: &launch.learner_name,
        parts: &package.parts,
        last_item: found.last_item,
        seq: seqs.max().unwrap_or_default().max(launch.fence * SEQS_A_LAUNCH),
        items: items.into_iter().map(item).collect(),
    })
}

fn item(item: StoredItem) -> (String, ItemState) {
    let elements = item
        .data
        .0
        .into_iter()
        .map(|(name, element)| (name, element.value))
        .filter(|(name, value)| !value.is_empty() || !OF_A_SESSION.contains(&name.as_str()));
    let state = ItemState {
        elements: elements.collect(),
        total_seconds: item.total_seconds,
    };
    (item.item, state)
}

/// What is on record about the activity of a launch.
pub fn record_of(tx: &mut Tx, launch: &LiveLaunch) -> ApiResult<Option<ActivityRecord>> {
    let enrollment = enrollments::store::find(tx, launch.user_id, launch.enrollment_id)?;
    Ok(store::records(tx, &enrollment)?.remove(&launch.activity_id))
}
