//! Writes the log of launches, in the transaction of what it tells of.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::json;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::{
    app::Tx,
    http::{ApiError, ApiResult, Code},
    learning::{
        address::LaunchAddress,
        outline::ActivityProgressState,
        runtime::{
            merge::Elements,
            report::{AttemptCompletion, AttemptSuccess},
        },
    },
    sql,
};

/// The most entries of a launch: a package that changes its status without end fills no table.
const MOST_ENTRIES: i64 = 1_000;

/// The longest text of a package that an entry keeps.
const LONGEST: usize = 200;

/// What an entry tells.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Noted {
    /// An item of the package changed its status or its score.
    Set {
        /// The item.
        item: String,
        /// The element of the data model.
        element: String,
        /// What it was.
        from: Option<String>,
        /// What it is.
        to: String,
    },
    /// An item said that it is over.
    Ended {
        /// The item.
        item: String,
    },
    /// What the attempt comes to.
    Attempt {
        /// Whether it is complete.
        completion: AttemptCompletion,
        /// Whether it succeeded.
        success: AttemptSuccess,
        /// The score, of 100.
        score: Option<f64>,
        /// Whether it ended: the next launch begins another one.
        is_over: bool,
    },
    /// How far the learner is with the activity.
    Activity {
        /// How far.
        state: ActivityProgressState,
        /// The score of the attempt, of 100.
        score: Option<f64>,
        /// The score that the activity asks for.
        wanted: Option<f64>,
    },
    /// Something was refused.
    Refused {
        /// The code of the problem.
        code: String,
        /// What it said.
        detail: String,
        /// How often.
        times: i64,
        /// When it last was.
        last_at: DateTime<Utc>,
    },
}

/// Elements that are worth an entry when they change.
pub const NOTED: &[&str] = &[
    "cmi.core.lesson_status",
    "cmi.completion_status",
    "cmi.success_status",
    "cmi.core.score.raw",
    "cmi.score.raw",
    "cmi.score.scaled",
    "cmi.core.exit",
    "cmi.exit",
];

/// What of the changes of an item is worth an entry: what they change of the elements before them, and only what is stored of them.
pub fn changes(item: &str, before: &Elements, changes: &Elements) -> Vec<Noted> {
    let new = NOTED.iter().filter_map(|name| {
        let (old, new) = (before.get(*name), changes.get(*name)?);
        let is_stored = old.is_none_or(|old| old.seq < new.seq && old.value != new.value);
        is_stored.then(|| Noted::Set {
            item: item.to_owned(),
            element: (*name).to_owned(),
            from: old.map(|old| short(&old.value)),
            to: short(&new.value),
        })
    });
    new.collect()
}

/// Text of a package, no longer than is kept.
pub fn short(text: &str) -> String {
    text.chars().take(LONGEST).collect()
}

/// Adds entries to the log of a launch, by one statement.
pub fn note(tx: &mut Tx, launch: LaunchAddress, noted: &[Noted]) -> ApiResult<()> {
    if noted.is_empty() {
        return Ok(());
    }
    let rows: Vec<_> = noted
        .iter()
        .map(|entry| json!({"id": Uuid::now_v7(), "entry": entry}))
        .collect();
    let LaunchAddress { launch_id, user_id } = launch;
    sql!(
        "INSERT INTO launch_log (user_id, launch_id, id, recorded_at, entry)
         SELECT {user_id}, {launch_id}, given.id, {tx.now}, given.entry
         FROM jsonb_to_recordset({rows}) AS given (id uuid, entry jsonb)
         WHERE (SELECT count(*) FROM launch_log WHERE user_id = {user_id} AND launch_id = {launch_id}) < {MOST_ENTRIES}",
        rows = json!(rows),
    )
    .execute(tx.conn)?;
    Ok(())
}

/// Whether a refusal is worth an entry: what the window or the package did is, what the server lacks is not.
pub fn is_noted(error: &ApiError) -> bool {
    matches!(
        error.code,
        Code::LaunchSuperseded | Code::LaunchEnded | Code::ValidationFailed
    )
}

/// Notes that something of a launch was refused: once for each thing that was said of it, with how often.
pub fn note_refusal(tx: &mut Tx, launch: LaunchAddress, error: &ApiError) -> ApiResult<()> {
    let fields = error.fields.iter().map(|field| field.detail.as_str());
    let detail = match error.fields.is_empty() {
        true => error.detail.to_string(),
        false => fields.collect::<Vec<_>>().join("; "),
    };
    let detail = short(&detail);
    let digest = Sha256::digest(format!("{} {detail}", error.code.as_str()));
    let entry = Noted::Refused {
        code: error.code.as_str().to_owned(),
        detail,
        times: 1,
        last_at: tx.now,
    };
    let entry = serde_json::to_value(entry).map_err(ApiError::internal)?;
    let id = Uuid::from_slice(&digest[..16]).map_err(ApiError::internal)?;
    let LaunchAddress { launch_id, user_id } = launch;
    sql!(
        "INSERT INTO launch_log AS l (user_id, launch_id, id, recorded_at, entry)
         SELECT user_id, id, {id}, {tx.now}, {entry} FROM launches WHERE user_id = {user_id} AND id = {launch_id}
            AND (EXISTS (SELECT FROM launch_log WHERE user_id = {user_id} AND launch_id = {launch_id} AND id = {id})
                OR (SELECT count(*) FROM launch_log WHERE user_id = {user_id} AND launch_id = {launch_id}) < {MOST_ENTRIES})
         ON CONFLICT (user_id, launch_id, id) DO UPDATE
         SET entry = excluded.entry || jsonb_build_object('times', (l.entry ->> 'times')::bigint + 1)"
    )
    .execute(tx.conn)?;
    Ok(())
}
