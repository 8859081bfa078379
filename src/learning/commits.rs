//! Writes what a package stores while it runs, and what follows from it. Most commits change no report: they are one statement,
//! and write no event.

use diesel::{QueryableByName, RunQueryDsl, sql_types};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{
    events::{ACTIVITY_FAILED, ACTIVITY_PASSED},
    live::LiveLaunch,
    model::{ActivityProgressState, Attempt, LaunchMode},
    package::{Package, PackagePart},
    runtime::{
        merge::{self, ElementChange, Elements, MOST_ELEMENTS},
        report::{self, AttemptCompletion, AttemptSuccess, Report},
    },
    store::{self, StoredItem},
    track::{self, Learning},
};
use crate::{
    app::Tx,
    catalog::courses::modules::{Activity, Criterion, ScorePolicy},
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
    let is_reporting = |element: &String| REPORTING.iter().any(|known| element.starts_with(known));
    let reports = commit.ended || changes.keys().any(is_reporting);
    let exit = exit_of(&changes);
    if reports {
        // Launches take the learner's row before the attempt's, too.
        people::lock(tx, [launch.user_id])?;
    }
    write(tx, launch, attempt_id, part, changes)?;
    let mut committed = Committed {
        stored: true,
        report: None,
        state: None,
    };
    if reports {
        let (report, state) = follow(tx, launch, attempt_id, package, commit.ended, exit)?;
        committed.report = Some(report);
        committed.state = Some(state);
    }
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

/// Stores changes of an item, unless a newer launch of the attempt took over. The attempt's row takes commits in turns.
fn write(
    tx: &mut Tx,
    launch: &LiveLaunch,
    attempt_id: Uuid,
    part: &PackagePart,
    changes: Elements,
) -> ApiResult<()> {
    let data = serde_json::to_value(changes).map_err(ApiError::internal)?;
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
                (SELECT count(*) FROM jsonb_object_keys(r.data)) AS elements)
         SELECT live.fence, live.is_open, written.bytes, written.elements FROM live LEFT JOIN written ON TRUE"
    )
    .load(tx.conn)?
    .into_iter()
    .next();
    match written {
        Some(Written { fence, .. }) if fence != launch.fence => Err(superseded()),
        Some(Written { is_open: false, .. }) | None => Err(ended()),
        Some(Written { bytes, elements, .. }) => {
            if bytes.is_none_or(|bytes| bytes > MOST_STORED)
                || elements.is_none_or(|elements| elements > MOST_ELEMENTS as i64)
            {
                let text = format!(
                    "are too many: an item stores at most {MOST_ELEMENTS} elements and {MOST_STORED} bytes. Nothing of \
                     this commit was stored."
                );
                return Err(ApiError::field("/changes", text));
            }
            Ok(())
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
) -> ApiResult<(Report, ActivityProgressState)> {
    let before = store::find_attempt(tx, launch.user_id, attempt_id)?.ok_or_else(self::ended)?;
    let items = store::items(tx, launch.user_id, attempt_id)?;
    let report = of_package(package, &items);
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
    let attempts = store::attempts(tx, &learning.enrollment, activity.id)?;
    record.score = score(activity.score_of, &attempts).or(record.score);
    record.seconds = attempts
        .iter()
        .fold(0, |sum, attempt| sum.saturating_add(attempt.seconds));
    match state(&activity, &report) {
        _ if record.completed_at.is_some() => {}
        ActivityProgressState::Completed => track::complete(tx, &mut record),
        state => {
            record.state = state;
            record.progress_percent = report.progress_percent.min(99);
        }
    }
    let record = learning.write(tx, record)?;
    Ok((report, record.state))
}

/// What a package reported by what its items stored.
pub fn of_package(package: &Package, items: &[StoredItem]) -> Report {
    let reports = package.parts.iter().filter(|part| part.reports).map(|part| {
        let stored = items.iter().find(|item| item.item == part.id)?;
        let report = report::of_item(
            package.standard,
            &part.rules,
            &stored.data.0,
            stored.total_seconds,
        );
        Some(report)
    });
    report::of_attempt(&reports.collect::<Vec<_>>())
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

/// How far an attempt's report brings the learner, by the criterion of the activity.
fn state(activity: &Activity, report: &Report) -> ActivityProgressState {
    let is_over =
        report.completion == AttemptCompletion::Completed || report.success != AttemptSuccess::Unknown;
    match &activity.criterion {
        Some(Criterion::Passed { score }) => match report.score {
            Some(reached) if reached >= *score => ActivityProgressState::Completed,
            _ if is_over => ActivityProgressState::Failed,
            _ => ActivityProgressState::InProgress,
        },
        // Opening it completes it, or somebody else does.
        Some(Criterion::Viewed {} | Criterion::Declared { .. } | Criterion::Confirmed {}) => {
            ActivityProgressState::InProgress
        }
        None | Some(Criterion::Content {} | Criterion::Watched { .. }) => {
            if report.is_completed() {
                ActivityProgressState::Completed
            } else if report.success == AttemptSuccess::Failed {
                ActivityProgressState::Failed
            } else {
                ActivityProgressState::InProgress
            }
        }
    }
}

/// The score that counts: of the best, the latest or the first attempt that has one.
fn score(policy: ScorePolicy, attempts: &[Attempt]) -> Option<f64> {
    let mut scores = attempts.iter().filter_map(|attempt| attempt.score);
    match policy {
        ScorePolicy::First => scores.next(),
        ScorePolicy::Last => scores.next_back(),
        ScorePolicy::Best => scores.fold(None, |best: Option<f64>, score| {
            Some(best.map_or(score, |best| best.max(score)))
        }),
    }
}
