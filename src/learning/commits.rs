//! Writes what a package stores while it runs, and what follows from it. Most commits change no report: they are one statement,
//! and write no event.

use diesel::{QueryableByName, RunQueryDsl, sql_types};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{
    events::{ACTIVITY_FAILED, ACTIVITY_PASSED},
    live::LiveLaunch,
    model::{ActivityProgressState, Attempt, LaunchMode},
    outcome,
    package::{Package, PackagePart},
    runtime::{
        merge::{self, ElementChange, Elements, MOST_ELEMENTS},
        report::{AttemptCompletion, AttemptSuccess, Report},
    },
    store::{self, StoredElements},
    support::log::{self, Noted},
    track::{self, Learning},
};
use crate::{
    app::Tx,
    catalog::courses::modules::Criterion,
    enrollment::{enrollments, people},
    http::{ApiError, ApiResult, Code},
    ledger::Event,
    sql,
};

/// The most bytes that all elements of an item may have together.
const MOST_STORED: i64 = 4 << 20;

/// What the player sends.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Commit {
    /// The item of the package, by its id in the manifest.
    pub item: String,
    /// What the item set.
    #[serde(default)]
    pub changes: Vec<ElementChange>,
    /// Whether the item said that its session is over.
    #[serde(default)]
    pub ended: bool,
}

/// What the player is told.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Committed {
    /// Whether it is stored; a review stores nothing.
    pub stored: bool,
    /// What the attempt comes to, where the commit may have changed that.
    pub report: Option<Report>,
    /// How far the learner is with the activity, where it may have changed.
    pub state: Option<ActivityProgressState>,
}

#[derive(QueryableByName)]
struct Written {
    #[diesel(sql_type = sql_types::BigInt)]
    fence: i64,
    #[diesel(sql_type = sql_types::Bool)]
    is_open: bool,
    #[diesel(sql_type = sql_types::Nullable<sql_types::BigInt>)]
    bytes: Option<i64>,
    #[diesel(sql_type = sql_types::Nullable<sql_types::BigInt>)]
    elements: Option<i64>,
    #[diesel(sql_type = sql_types::Nullable<sql_types::Jsonb>)]
    before: Option<StoredElements>,
}

/// Elements that a report depends on begin with one of these.
const REPORTING: &[&str] = &[
    "cmi.core.lesson_status",
    "cmi.core.score.",
    "cmi.core.session_time",
    "cmi.completion_status",
    "cmi.success_status",
    "cmi.progress_measure",
    "cmi.score.",
    "cmi.session_time",
];

/// Takes up a commit of a launch.
pub fn commit(tx: &mut Tx, launch: &LiveLaunch, package: &Package, commit: Commit) -> ApiResult<Committed> {
    let Some(part) = package.part(&commit.item) else {
        return Err(ApiError::field(
            "/item",
            "names no item of this package that can be opened",
        ));
    };
    let changes = merge::checked(package.standard, commit.changes);
    let changes = changes.map_err(|fault| ApiError::field("/changes", fault))?;
    let Some(attempt_id) = launch.attempt_id.filter(|_| launch.mode != LaunchMode::Review) else {
        return Ok(Committed {
            stored: false,
            report: None,
            state: None,
        });
    };
    let has_objective = part.rules.primary_objective.is_some();
    let is_reporting = |element: &String| {
        REPORTING.iter().any(|known| element.starts_with(known))
            || has_objective && element.starts_with("cmi.objectives.")
    };
    let reports = commit.ended || changes.keys().any(is_reporting);
    let exit = exit_of(&changes);
    if reports {
        // Launches take the learner's row before the attempt's, too.
        people::lock(tx, [launch.user_id])?;
    }
    let before = write(tx, launch, attempt_id, part, &changes, reports)?;
    let mut noted = log::changes(&part.id, &before.unwrap_or_default(), &changes);
    let mut committed = Committed {
        stored: true,
        report: None,
        state: None,
    };
    if reports {
        if commit.ended {
            noted.push(Noted::Ended {
                item: part.id.clone(),
            });
        }
        let (report, state) = follow(tx, launch, attempt_id, package, commit.ended, exit, &mut noted)?;
        committed.report = Some(report);
        committed.state = Some(state);
    }
    log::note(tx, launch.address(), &noted)?;
    Ok(committed)
}

/// How an item says that it is left.
fn exit_of(changes: &Elements) -> Option<String> {
    let exits = ["cmi.core.exit", "cmi.exit"];
    exits
        .iter()
        .find_map(|name| changes.get(*name))
        .map(|exit| exit.value.clone())
}

/// Stores changes of an item, unless a newer launch of the attempt took over, and notes with the launch that it saved. The attempt's
/// row takes commits in turns. Answers what the elements that the log tells of were before, where that `is_wanted`.
fn write(
    tx: &mut Tx,
    launch: &LiveLaunch,
    attempt_id: Uuid,
    part: &PackagePart,
    changes: &Elements,
    is_wanted: bool,
) -> ApiResult<Option<Elements>> {
    let data = serde_json::to_value(changes).map_err(ApiError::internal)?;
    let locations = ["cmi.core.lesson_location", "cmi.location"];
    let location = locations.iter().find_map(|name| changes.get(*name));
    let location = location.map(|element| log::short(&element.value));
    let suspend_bytes = changes
        .get("cmi.suspend_data")
        .map(|element| element.value.len() as i64);
    let before = match is_wanted {
        true => sql!(
            "(SELECT jsonb_object_agg(name, r.data -> name) FROM runtime_states r, unnest({names}) name
                WHERE r.user_id = {launch.user_id} AND r.attempt_id = {attempt_id} AND r.item = {part.id} AND r.data ? name)",
            names = log::NOTED.iter().map(|name| (*name).to_owned()).collect::<Vec<String>>(),
        ),
        false => sql!("NULL::jsonb"),
    };
    let written: Option<Written> = sql!(
        "WITH live AS (SELECT a.fence, e.state NOT IN ('withdrawn', 'expired', 'denied') AND u.status = 'active' AS is_open
            FROM attempts a JOIN enrollments e ON e.user_id = a.user_id AND e.id = a.enrollment_id
            JOIN users u ON u.id = a.user_id
            WHERE a.user_id = {launch.user_id} AND a.id = {attempt_id} FOR NO KEY UPDATE OF a),
         written AS (INSERT INTO runtime_states AS r (user_id, attempt_id, item, data, updated_at)
            SELECT {launch.user_id}, {attempt_id}, {part.id}, {data}, {tx.now} FROM live
            WHERE live.fence = {launch.fence} AND live.is_open
            ON CONFLICT (user_id, attempt_id, item) DO UPDATE SET updated_at = excluded.updated_at, data = r.data || (
                SELECT coalesce(jsonb_object_agg(new.key, new.value), '{}') FROM jsonb_each(excluded.data) new
                WHERE coalesce((r.data -> new.key ->> 'seq')::bigint, 0) < (new.value ->> 'seq')::bigint)
            RETURNING octet_length(r.data::text)::bigint AS bytes,
                (SELECT count(*) FROM jsonb_object_keys(r.data)) AS elements),
         saved AS (UPDATE launches l SET saved_at = {tx.now}, saves = l.saves + 1, item = {part.id},
                location = coalesce({location}, l.location), suspend_bytes = coalesce({suspend_bytes}::integer, l.suspend_bytes)
            FROM written WHERE l.user_id = {launch.user_id} AND l.id = {launch.launch_id})
         SELECT live.fence, live.is_open, written.bytes, written.elements, {before} AS before
         FROM live LEFT JOIN written ON TRUE"
    )
    .load(tx.conn)?
    .into_iter()
    .next();
    match written {
        Some(Written { fence, .. }) if fence != launch.fence => Err(superseded()),
        Some(Written { is_open: false, .. }) | None => Err(ended()),
        Some(Written {
            bytes,
            elements,
            before,
            ..
        }) => {
            if bytes.is_none_or(|bytes| bytes > MOST_STORED)
                || elements.is_none_or(|elements| elements > MOST_ELEMENTS as i64)
            {
                let text = format!(
                    "are too many: an item stores at most {MOST_ELEMENTS} elements and {MOST_STORED} bytes. Nothing of \
                     this commit was stored."
                );
                return Err(ApiError::field("/changes", text));
            }
            Ok(before.map(|before| before.0))
        }
    }
}

/// 409 where a newer launch took over.
pub fn superseded() -> ApiError {
    ApiError::new(
        Code::LaunchSuperseded,
        "This activity was opened again, in another window or on another device: go on there. What was saved until then \
         is kept.",
    )
}

/// 410 where the launch is over.
pub fn ended() -> ApiError {
    ApiError::new(
        Code::LaunchEnded,
        "This address is no longer valid: it has expired, or the enrollment or the account has ended. Open the activity \
         again from the course.",
    )
}

/// What follows from what the items reported: for the attempt, the activity, the enrollment.
fn follow(
    tx: &mut Tx,
    launch: &LiveLaunch,
    attempt_id: Uuid,
    package: &Package,
    ended: bool,
    exit: Option<String>,
    noted: &mut Vec<Noted>,
) -> ApiResult<(Report, ActivityProgressState)> {
    let before = store::find_attempt(tx, launch.user_id, attempt_id)?.ok_or_else(self::ended)?;
    let items = store::items(tx, launch.user_id, attempt_id)?;
    let report = outcome::of_package(package, &items);
    let mut after = Attempt {
        completion: report.completion,
        success: report.success,
        score: report.score,
        progress_percent: report.progress_percent,
        seconds: report.seconds,
        ..before.clone()
    };
    if ended {
        sql!(
            "UPDATE launches SET terminated_at = {tx.now} WHERE user_id = {launch.user_id} AND id = {launch.launch_id}
                AND terminated_at IS NULL"
        )
        .execute(tx.conn)?;
        let is_decided = report.is_completed()
            || report.completion == AttemptCompletion::Completed && exit.as_deref() != Some("suspend");
        if is_decided {
            after.ended_at = after.ended_at.or(Some(tx.now));
        }
    }
    if after != before {
        after.updated_at = tx.now;
        put(tx, &after)?;
        let told = |attempt: &Attempt| {
            (
                attempt.completion,
                attempt.success,
                attempt.score,
                attempt.ended_at.is_some(),
            )
        };
        if told(&after) != told(&before) {
            noted.push(Noted::Attempt {
                completion: after.completion,
                success: after.success,
                score: after.score,
                is_over: after.ended_at.is_some(),
            });
        }
        for (success, kind) in [
            (AttemptSuccess::Passed, &ACTIVITY_PASSED),
            (AttemptSuccess::Failed, &ACTIVITY_FAILED),
        ] {
            if after.success == success && before.success != success {
                tx.record(
                    Event::new(kind, launch.activity_id)
                        .about(launch.user_id)
                        .after(&after),
                );
            }
        }
    }
    let enrollment = enrollments::store::find(tx, launch.user_id, launch.enrollment_id)?;
    let mut learning = Learning::load(tx, enrollment)?;
    // The course moved to a version without it.
    let Ok(activity) = learning.activity(launch.activity_id) else {
        return Ok((report, ActivityProgressState::InProgress));
    };
    let mut record = learning.record(tx, activity.id);
    let told = (record.state, record.score);
    let attempts = store::attempts(tx, &learning.enrollment, activity.id)?;
    record.score = outcome::score(activity.score_of, &attempts).or(record.score);
    record.seconds = attempts
        .iter()
        .fold(0, |sum, attempt| sum.saturating_add(attempt.seconds));
    match outcome::state(&activity, &report) {
        _ if record.completed_at.is_some() => {}
        ActivityProgressState::Completed => track::complete(tx, &mut record),
        state => {
            record.state = state;
            record.progress_percent = report.progress_percent.min(99);
        }
    }
    if (record.state, record.score) != told {
        noted.push(Noted::Activity {
            state: record.state,
            score: report.score,
            wanted: match activity.criterion {
                Some(Criterion::Passed { score }) => Some(score),
                _ => None,
            },
        });
    }
    let record = learning.write(tx, record)?;
    Ok((report, record.state))
}

fn put(tx: &mut Tx, attempt: &Attempt) -> ApiResult<()> {
    sql!(
        "UPDATE attempts SET completion = {completion}, success = {success}, score = {attempt.score},
            progress_percent = {progress}::smallint, seconds = {seconds}::integer, ended_at = {attempt.ended_at},
            updated_at = {attempt.updated_at}
         WHERE user_id = {attempt.user_id} AND id = {attempt.id}",
        completion = attempt.completion.as_str(),
        success = attempt.success.as_str(),
        progress = i64::from(attempt.progress_percent),
        seconds = i64::from(attempt.seconds),
    )
    .execute(tx.conn)?;
    Ok(())
}
