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
    catalog::{
        contents::{body::ContentBody, video::LONGEST},
        courses::modules::Criterion,
    },
    enrollment::{enrollments, people},
    http::{ApiError, ApiResult},
    sql,
};

/// The most ranges of one message.
const MOST_RANGES: usize = 200;

/// How much faster than time itself a video may be watched.
const FASTEST: i64 = 2;

/// Seconds by which what is told may be ahead of time: clocks and timers of browsers are not exact.
const SLACK: i64 = 8;

/// What the player sends.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Watched {
    /// What was watched since the last message, in whole seconds.
    pub ranges: Vec<WatchedRange>,
    /// Where the learner is.
    pub position: i32,
    /// How long the video is, where the browser knows it.
    pub duration: Option<i32>,
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
    /// Whether the ranges count. They do not where they are more than can be watched at twice the speed since the activity was
    /// opened: send them again later.
    pub is_counted: bool,
}

#[derive(QueryableByName)]
struct Covered {
    #[diesel(sql_type = sql_types::Bool)]
    is_counted: bool,
    #[diesel(sql_type = sql_types::BigInt)]
    seconds: i64,
    #[diesel(sql_type = sql_types::Nullable<sql_types::Integer>)]
    duration: Option<i32>,
}

/// Takes up what was watched. A review writes nothing. How long the video is, its header says, or else the browser: a longer one
/// once told stays.
pub fn watch(tx: &mut Tx, launch: &LiveLaunch, told: &Watched) -> ApiResult<WatchedSoFar> {
    check(told)?;
    if launch.mode == LaunchMode::Review {
        return Ok(WatchedSoFar {
            percent: 100,
            state: ActivityProgressState::Completed,
            is_counted: true,
        });
    }
    people::lock(tx, [launch.user_id])?;
    let enrollment = enrollments::store::find(tx, launch.user_id, launch.enrollment_id)?;
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
    let covered = cover(tx, launch, told, seconds)?;
    let percent = match covered.duration {
        Some(duration) => (covered.seconds * 100 / i64::from(duration.max(1))).min(100) as i16,
        None => 0,
    };
    let mut record = learning.record(tx, activity.id);
    record.position_seconds = Some(told.position);
    if covered.is_counted {
        record.seconds = i32::try_from(i64::from(record.seconds) + seconds).unwrap_or(i32::MAX);
    }
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
        is_counted: covered.is_counted,
    })
}

/// Adds what was told to what was watched, if there was time for it: the pace is that of all launches together.
fn cover(tx: &mut Tx, launch: &LiveLaunch, told: &Watched, seconds: i64) -> ApiResult<Covered> {
    let known = match launch.content.body {
        ContentBody::Video { duration_seconds, .. } => duration_seconds,
        _ => None,
    };
    let ranges: Vec<String> = told
        .ranges
        .iter()
        .map(|range| format!("[{},{})", range.from, range.to))
        .collect();
    let ranges = format!("{{{}}}", ranges.join(","));
    let covered = sql!(
        "WITH paced AS (SELECT user_id, enrollment_id, activity_id,
                greatest(watched_until, {launch.created_at}) + {seconds} * interval '1 second' / {FASTEST} AS until
            FROM activity_states
            WHERE user_id = {launch.user_id} AND enrollment_id = {launch.enrollment_id}
                AND activity_id = {launch.activity_id}),
         judged AS (SELECT *, until <= {tx.now} + {SLACK} * interval '1 second' AS is_counted FROM paced)
         UPDATE activity_states s
         SET watched = CASE WHEN j.is_counted THEN s.watched + {ranges}::text::int4multirange ELSE s.watched END,
            watched_until = CASE WHEN j.is_counted THEN j.until ELSE s.watched_until END,
            duration_seconds = coalesce({known}::integer, greatest(s.duration_seconds, {told}::integer)),
            updated_at = {tx.now}
         FROM judged j
         WHERE s.user_id = j.user_id AND s.enrollment_id = j.enrollment_id AND s.activity_id = j.activity_id
         RETURNING j.is_counted, s.duration_seconds AS duration,
            (SELECT coalesce(sum(upper(range) - lower(range)), 0)::bigint
             FROM unnest(s.watched * int4multirange(int4range(0, s.duration_seconds))) AS range) AS seconds",
        known = known.map(i64::from),
        told = told.duration.map(i64::from),
    )
    .get_result(tx.conn)?;
    Ok(covered)
}

fn check(told: &Watched) -> ApiResult<()> {
    let is_second = |second: i32| (0..=LONGEST).contains(&second);
    if told.ranges.len() > MOST_RANGES {
        return Err(ApiError::field(
            "/ranges",
            format!("has more than {MOST_RANGES} items"),
        ));
    }
    if !is_second(told.position) || !told.duration.is_none_or(is_second) {
        return Err(ApiError::field(
            "/position",
            format!("must be from 0 to {LONGEST} seconds"),
        ));
    }
    let end = told.duration.unwrap_or(LONGEST).saturating_add(1);
    let is_range = |range: &WatchedRange| range.from >= 0 && range.from < range.to && range.to <= end;
    match told.ranges.iter().all(is_range) {
        true => Ok(()),
        false => Err(ApiError::field(
            "/ranges",
            "must lie within the video, each from an earlier to a later second",
        )),
    }
}
