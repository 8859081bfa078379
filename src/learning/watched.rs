//! What a learner watched of a video: the union of the ranges that the player tells.

use diesel::{QueryableByName, RunQueryDsl, sql_types};
use serde::{Deserialize, Serialize};

use super::{
    commits::ended,
    live::LiveLaunch,
    model::{ActivityProgressState, LaunchMode},
    track::{self, Learning},
};
use crate::{
    app::Tx,
    catalog::courses::modules::Criterion,
    enrollment::{enrollments, people},
    http::{ApiError, ApiResult},
    sql,
};

/// The most ranges of one message.
const MOST_RANGES: usize = 200;

/// The longest video, in seconds.
const LONGEST: i32 = 172_800;

/// How much faster than time itself a video may be watched.
const FASTEST: i64 = 2;

/// Seconds by which the clocks of the browser and of the server may differ.
const SLACK: i64 = 15;

/// What the player sends.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Watched {
    /// What was watched since the last message, in whole seconds.
    pub ranges: Vec<WatchedRange>,
    /// Where the learner is.
    pub position: i32,
    /// How long the video is.
    pub duration: i32,
}

/// A part of a video, in seconds.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WatchedRange {
    /// The first second.
    pub from: i32,
    /// The second after the last.
    pub to: i32,
}

/// What the player is told.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WatchedSoFar {
    /// How much was watched, of 100.
    pub percent: i16,
    /// How far the learner is with the activity.
    pub state: ActivityProgressState,
}

#[derive(QueryableByName)]
struct Covered {
    #[diesel(sql_type = sql_types::BigInt)]
    seconds: i64,
    #[diesel(sql_type = sql_types::Integer)]
    duration: i32,
}

/// Takes up what was watched. A review writes nothing. How long the video is, the browser says: a longer one once told stays.
pub fn watch(tx: &mut Tx, launch: &LiveLaunch, told: &Watched) -> ApiResult<WatchedSoFar> {
    check(told)?;
    if launch.mode == LaunchMode::Review {
        return Ok(WatchedSoFar {
            percent: 100,
            state: ActivityProgressState::Completed,
        });
    }
    people::lock(tx, [launch.user_id])?;
    let enrollment = enrollments::store::find(tx, launch.user_id, launch.enrollment_id)?;
    if !enrollment.state.is_live() && enrollment.ended_at.is_some_and(|at| at < launch.created_at) {
        return Err(ended());
    }
    let mut learning = Learning::load(tx, enrollment)?;
    let activity = learning.activity(launch.activity_id).map_err(|_| ended())?;
    if activity.content_version_id != Some(launch.content.id) {
        // The enrollment moved to a version of the course that shows another video.
        return Err(ended());
    }
    let seconds: i64 = told
        .ranges
        .iter()
        .map(|range| i64::from(range.to - range.from))
        .sum();
    let most = (tx.now - launch.created_at).num_seconds() * FASTEST + SLACK;
    let counted = sql!(
        "UPDATE launches SET watched_seconds = (watched_seconds + {seconds})::integer
         WHERE user_id = {launch.user_id} AND id = {launch.launch_id} AND watched_seconds + {seconds} <= {most}"
    )
    .execute(tx.conn)?;
    if counted == 0 {
        return Err(ApiError::field(
            "/ranges",
            "is more than can be watched in the time since the launch at twice the speed",
        ));
    }
    let ranges: Vec<String> = told
        .ranges
        .iter()
        .map(|range| format!("[{},{})", range.from, range.to))
        .collect();
    let ranges = format!("{{{}}}", ranges.join(","));
    let covered: Covered = sql!(
        "UPDATE activity_states SET watched = watched + {ranges}::text::int4multirange,
            duration_seconds = greatest(duration_seconds, {duration}::integer), updated_at = {tx.now}
         WHERE user_id = {launch.user_id} AND enrollment_id = {launch.enrollment_id}
            AND activity_id = {launch.activity_id}
         RETURNING (SELECT coalesce(sum(upper(range) - lower(range)), 0)::bigint FROM unnest(watched) AS range) AS seconds,
            duration_seconds AS duration",
        duration = i64::from(told.duration),
    )
    .get_result(tx.conn)?;
    let percent = (covered.seconds * 100 / i64::from(covered.duration.max(1))).min(100) as i16;
    let mut record = learning.record(tx, activity.id);
    record.position_seconds = Some(told.position);
    record.seconds = i32::try_from(i64::from(record.seconds) + seconds).unwrap_or(i32::MAX);
    if record.completed_at.is_none() {
        match activity.criterion {
            Some(Criterion::Watched { percent: wanted }) if percent >= wanted => {
                track::complete(tx, &mut record)
            }
            _ => record.progress_percent = percent.min(99),
        }
    }
    let record = learning.write(tx, record)?;
    Ok(WatchedSoFar {
        percent,
        state: record.state,
    })
}

fn check(told: &Watched) -> ApiResult<()> {
    let is_second = |second: i32| (0..=LONGEST).contains(&second);
    if told.ranges.len() > MOST_RANGES {
        return Err(ApiError::field(
            "/ranges",
            format!("has more than {MOST_RANGES} items"),
        ));
    }
    if !is_second(told.position) || !is_second(told.duration) {
        return Err(ApiError::field(
            "/position",
            format!("must be from 0 to {LONGEST} seconds"),
        ));
    }
    let end = told.duration.saturating_add(1);
    let is_range = |range: &WatchedRange| range.from >= 0 && range.from < range.to && range.to <= end;
    match told.ranges.iter().all(is_range) {
        true => Ok(()),
        false => Err(ApiError::field(
            "/ranges",
            "must lie within the video, each from an earlier to a later second",
        )),
    }
}
