//! Launches: addresses under which a learner opens an activity, and the attempts that they go on with.

use chrono::TimeDelta;
use diesel::{QueryableByName, RunQueryDsl, sql_types};
use uuid::Uuid;

use super::{
    actions::{self, check_open},
    address::LaunchAddress,
    model::{ActivityProgressState, Attempt, CreateLaunch, Launch, LaunchMode, LaunchedKind, RequestedMode},
    runtime::{
        elements,
        merge::{Element, Elements},
        report::{AttemptCompletion, AttemptSuccess},
    },
    store::{self, StoredItem},
    track::{self, Learning},
};
use crate::{
    app::{Tx, Wake},
    authz::Authorized,
    catalog::courses::modules::{Activity, ActivityKind, Criterion},
    enrollment::enrollments::model::Enrollment,
    http::{ApiError, ApiResult, Code},
    sql,
};

/// How long a session was, by its own word.
const SESSION_TIMES: [&str; 2] = ["cmi.core.session_time", "cmi.session_time"];

/// What is of one session alone: it is empty once that is added up.
pub const OF_A_SESSION: [&str; 4] = [SESSION_TIMES[0], SESSION_TIMES[1], "cmi.core.exit", "cmi.exit"];

/// How long an address can be opened.
pub const LASTS: TimeDelta = TimeDelta::hours(12);

/// Makes a launch of an activity.
pub fn launch(
    tx: &mut Tx,
    enrollment: Authorized<Enrollment>,
    activity_id: Uuid,
    request: &CreateLaunch,
) -> ApiResult<Launch> {
    let mut learning = actions::begin(tx, enrollment)?;
    let activity = learning.activity(activity_id)?;
    let mode = mode(&learning, &activity, request.mode)?;
    if mode != LaunchMode::Review {
        actions::refuse_other_users(tx, learning.enrollment.user_id)?;
    }
    match (activity.kind, &activity.url, activity.content_version_id) {
        (ActivityKind::Link, Some(url), _) => {
            if mode != LaunchMode::Review {
                open(
                    tx,
                    &mut learning,
                    &activity,
                    matches!(activity.criterion, Some(Criterion::Viewed {})),
                )?;
            }
            Ok(elsewhere(url.clone(), mode))
        }
        (ActivityKind::Content, _, Some(version)) => launch_content(tx, learning, &activity, version, mode),
        _ => Err(ApiError::new(
            Code::Conflict,
            "A task is done elsewhere: there is nothing to open. It is declared or confirmed, as its `criterion` says.",
        )),
    }
}

/// What a launch of the activity is for; 409 where it cannot be launched.
fn mode(learning: &Learning, activity: &Activity, asked: Option<RequestedMode>) -> ApiResult<LaunchMode> {
    let record = learning.records.get(&activity.id);
    let is_completed = record.is_some_and(|record| record.completed_at.is_some());
    let is_withdrawn = !learning.enrollment.state.is_open_to_learner();
    let wants_review = asked == Some(RequestedMode::Review) || asked.is_none() && is_completed;
    if wants_review && is_completed && !is_withdrawn {
        return Ok(LaunchMode::Review);
    }
    if asked == Some(RequestedMode::Review) && !is_withdrawn {
        return Err(ApiError::new(
            Code::Conflict,
            "Only what is completed can be reviewed; launch it without `mode`.",
        ));
    }
    check_open(learning, activity)?;
    Ok(match learning.is_counted() {
        true => LaunchMode::Normal,
        false => LaunchMode::Test,
    })
}

fn elsewhere(url: String, mode: LaunchMode) -> Launch {
    Launch {
        id: None,
        url,
        expires_at: None,
        attempt_id: None,
        mode,
    }
}

/// Notes that the learner opened the activity, which may complete it.
fn open(tx: &mut Tx, learning: &mut Learning, activity: &Activity, completes: bool) -> ApiResult<()> {
    if !activity.is_tracked() {
        return Ok(());
    }
    let mut record = learning.record(tx, activity.id);
    if completes {
        track::complete(tx, &mut record);
    } else if record.state == ActivityProgressState::Failed {
        record.state = ActivityProgressState::InProgress;
    }
    if record.version > 0 && learning.records.get(&activity.id) == Some(&record) {
        return Ok(());
    }
    learning.write(tx, record).map(drop)
}

fn launch_content(
    tx: &mut Tx,
    mut learning: Learning,
    activity: &Activity,
    version: Uuid,
    mode: LaunchMode,
) -> ApiResult<Launch> {
    let content = store::contents(tx, vec![version])?.remove(&version);
    let content = content.ok_or_else(|| ApiError::internal("an activity shows no content"))?;
    let reports = content.kind == LaunchedKind::Package;
    let attempt = match reports {
        true => Some(attempt(tx, &learning, activity, version, mode)?),
        false => None,
    };
    if mode != LaunchMode::Review {
        let completes = match &activity.criterion {
            Some(Criterion::Viewed {}) => true,
            // What reports nothing by itself is completed when it is opened.
            None | Some(Criterion::Content {}) => !reports,
            _ => false,
        };
        open(tx, &mut learning, activity, completes)?;
    }
    if content.kind == LaunchedKind::Link {
        let url = store::link_of(tx, version)?;
        return Ok(elsewhere(url, mode));
    }
    let id = Uuid::now_v7();
    let expires_at = tx.now + LASTS;
    let user_id = learning.enrollment.user_id;
    let (attempt_id, fence) = match &attempt {
        Some((attempt, fence)) => (Some(attempt.id), *fence),
        None => (None, 0),
    };
    let version = attempt.map_or(version, |(attempt, _)| attempt.content_version_id);
    let created_by = tx.caller.principal().filter(|by| *by != user_id);
    sql!(
        "INSERT INTO launches (id, user_id, enrollment_id, activity_id, attempt_id, course_version_id, content_version_id,
            mode, fence, created_by, created_at, expires_at)
         VALUES ({id}, {user_id}, {learning.enrollment.id}, {activity.id}, {attempt_id},
            {learning.enrollment.course_version_id}, {version}, {mode_word}, {fence}, {created_by}, {tx.now}, {expires_at})",
        mode_word = mode.as_str(),
    )
    .execute(tx.conn)?;
    // Older launches of the attempt are fenced off.
    tx.wake(Wake::Launches(user_id));
    let address = LaunchAddress {
        launch_id: id,
        user_id,
    };
    Ok(Launch {
        id: Some(id),
        url: address.url(tx.app, version, expires_at),
        expires_at: Some(expires_at),
        attempt_id,
        mode,
    })
}

/// The attempt that a launch goes on with, and the fence of the launch.
fn attempt(
    tx: &mut Tx,
    learning: &Learning,
    activity: &Activity,
    version: Uuid,
    mode: LaunchMode,
) -> ApiResult<(Attempt, i64)> {
    let attempts = store::attempts(tx, &learning.enrollment, activity.id)?;
    let used = i32::try_from(attempts.len()).unwrap_or(i32::MAX);
    let last = attempts.into_iter().next_back();
    if mode == LaunchMode::Review {
        // It was completed by a correction, and never opened.
        let Some(last) = last else {
            return Err(ApiError::new(
                Code::Conflict,
                "There is no attempt to look at again.",
            ));
        };
        return Ok((last, -1));
    }
    if let Some(open) = last.filter(|attempt| attempt.ended_at.is_none()) {
        let fence = resume(tx, &open)?;
        return Ok((open, fence));
    }
    let record = learning.records.get(&activity.id);
    if track::attempts_left(activity, record, used) == Some(0) {
        return Err(ApiError::new(
            Code::AttemptsUsedUp,
            format!("All {used} attempts are used up; an administrator may grant more."),
        ));
    }
    let attempt = Attempt {
        id: Uuid::now_v7(),
        user_id: learning.enrollment.user_id,
        enrollment_id: learning.enrollment.id,
        activity_id: activity.id,
        content_version_id: version,
        number: used + 1,
        mode,
        completion: AttemptCompletion::Unknown,
        success: AttemptSuccess::Unknown,
        score: None,
        progress_percent: 0,
        seconds: 0,
        started_at: tx.now,
        updated_at: tx.now,
        ended_at: None,
    };
    sql!(
        "INSERT INTO attempts (id, user_id, enrollment_id, activity_id, content_version_id, number, mode, fence,
            started_at, updated_at)
         VALUES ({attempt.id}, {attempt.user_id}, {attempt.enrollment_id}, {attempt.activity_id}, {version},
            {number}::integer, {mode}, 1, {tx.now}, {tx.now})",
        number = i64::from(attempt.number),
        mode = mode.as_str(),
    )
    .execute(tx.conn)?;
    Ok((attempt, 1))
}

#[derive(QueryableByName)]
struct Fenced {
    #[diesel(sql_type = sql_types::BigInt)]
    fence: i64,
}

/// Begins another session of an open attempt: older launches write no more, and the time of the session before is added up.
fn resume(tx: &mut Tx, attempt: &Attempt) -> ApiResult<i64> {
    let fenced: Fenced = sql!(
        "UPDATE attempts SET fence = fence + 1 WHERE user_id = {attempt.user_id} AND id = {attempt.id} RETURNING fence"
    )
    .get_result(tx.conn)?;
    let items = store::items(tx, attempt.user_id, attempt.id)?;
    add_up(tx, attempt, &items)?;
    Ok(fenced.fence)
}

/// Adds the time of the session that is over to that of all sessions before, for some items of an attempt. What told it is taken
/// back, and keeps its number, so that an older change that comes late is known.
pub fn add_up(tx: &mut Tx, attempt: &Attempt, items: &[StoredItem]) -> ApiResult<()> {
    let (mut names, mut seconds, mut taken_back) = (Vec::new(), Vec::new(), Vec::new());
    for item in items {
        names.push(item.item.clone());
        seconds.push(i64::from(session_seconds(&item.data.0)));
        let of_session = OF_A_SESSION.iter().filter_map(|name| {
            let empty = Element {
                value: String::new(),
                seq: item.data.0.get(*name)?.seq,
            };
            Some(((*name).to_owned(), empty))
        });
        let of_session: Elements = of_session.collect();
        taken_back.push(serde_json::to_string(&of_session).map_err(ApiError::internal)?);
    }
    sql!(
        "UPDATE runtime_states r SET total_seconds = least(r.total_seconds::bigint + given.seconds, 2000000000)::integer,
            data = r.data || given.taken_back::jsonb
         FROM unnest({names}, {seconds}, {taken_back}) AS given (item, seconds, taken_back)
         WHERE r.user_id = {attempt.user_id} AND r.attempt_id = {attempt.id} AND r.item = given.item"
    )
    .execute(tx.conn)?;
    Ok(())
}

/// The seconds of the session that `stored` tells of.
fn session_seconds(stored: &Elements) -> i32 {
    let time = SESSION_TIMES.iter().find_map(|name| stored.get(*name));
    time.and_then(|time| elements::seconds(&time.value))
        .unwrap_or_default()
}
