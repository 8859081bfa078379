//! Writes what a package stores while it runs, and what follows from it. Most commits change no report: they are one statement,
//! and write no event.

use diesel::{QueryableByName, RunQueryDsl, sql_types};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{
    events::{ACTIVITY_FAILED, ACTIVITY_PASSED},
    launches,
    live::LiveLaunch,
    model::{ActivityProgressState, Attempt, LaunchMode},
    outcome,
    package::{Package, PackagePart},
    runtime::{
        merge::{self, ElementChange, Elements, MOST_ELEMENTS},
        report::{AttemptCompletion, AttemptSuccess, Report},
    },
    store::{self, StoredElements, StoredItem},
    support::log::{self, Noted},
    track::{self, Learning},
};
use crate::{
    app::Tx,
    catalog::courses::modules::Criterion,
    enrollment::{
        enrollments::{self, model::IS_OPEN_TO_LEARNER},
        people,
    },
    http::{ApiError, ApiResult, Code},
    ledger::Event,
    sql,
};

/// The most bytes that all elements of an item may have together.
const MOST_STORED: i64 = 8 << 20;

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
    /// Whether the attempt is over: it takes nothing more.
    pub is_over: bool,
}

#[derive(QueryableByName)]
struct Written {
    #[diesel(sql_type = sql_types::BigInt)]
    fence: i64,
    #[diesel(sql_type = sql_types::Bool)]
    is_open: bool,
    /// Whether the attempt has ended.
    #[diesel(sql_type = sql_types::Bool)]
    is_over: bool,
    /// Of an attempt that has ended, whether all of the commit was stored before.
    #[diesel(sql_type = sql_types::Bool)]
    is_known: bool,
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
            is_over: false,
        });
    };
    let has_objective = part.rules.primary_objective.is_some();
    let is_reporting = |element: &String| {
        REPORTING.iter().any(|known| element.starts_with(known))
            || has_objective && element.starts_with("cmi.objectives.")
    };
    let reports = commit.ended || changes.keys().any(is_reporting);
    let mut committed = Committed {
        stored: true,
        report: None,
        state: None,
        is_over: false,
    };
    if reports {
        // Launches take the learner's row before the attempt's, too.
        people::lock(tx, [launch.user_id])?;
    }
    let before = match write(tx, launch, attempt_id, part, &changes, reports)? {
        Stored::Now(before) => before,
        Stored::Before => {
            committed.is_over = true;
            return Ok(committed);
        }
    };
    let mut noted = log::changes(&part.id, &before, &changes);
    if reports {
        if commit.ended {
            noted.push(Noted::Ended {
                item: part.id.clone(),
            });
        }
        let (report, state, is_over) = follow(
            tx,
            launch,
            attempt_id,
            package,
            commit.ended.then_some(part),
            &mut noted,
        )?;
        committed.report = Some(report);
        committed.state = Some(state);
        committed.is_over = is_over;
    }
    log::note(tx, launch.address(), &noted)?;
    Ok(committed)
}

/// What became of a commit.
enum Stored {
    /// It is stored. What the elements that the log tells of were before.
    Now(Elements),
    /// It was before the attempt ended: its answer was lost.
    Before,
}

/// Whether an item says that it is only interrupted.
fn is_suspended(item: &StoredItem) -> bool {
    let exits = ["cmi.core.exit", "cmi.exit"];
    let exit = exits.iter().find_map(|name| item.data.0.get(*name));
    exit.is_some_and(|exit| exit.value == "suspend")
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
) -> ApiResult<Stored> {
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
        "WITH live AS (SELECT a.fence, a.ended_at IS NOT NULL AS is_over, {IS_OPEN_TO_LEARNER} AND u.status = 'active' AS is_open
            FROM attempts a JOIN enrollments e ON e.user_id = a.user_id AND e.id = a.enrollment_id
            JOIN users u ON u.id = a.user_id
            WHERE a.user_id = {launch.user_id} AND a.id = {attempt_id} FOR NO KEY UPDATE OF a),
         written AS (INSERT INTO runtime_states AS r (user_id, attempt_id, item, data, updated_at)
            SELECT {launch.user_id}, {attempt_id}, {part.id}, {data}, {tx.now} FROM live
            WHERE live.fence = {launch.fence} AND live.is_open AND NOT live.is_over
            ON CONFLICT (user_id, attempt_id, item) DO UPDATE SET updated_at = excluded.updated_at, data = r.data || (
                SELECT coalesce(jsonb_object_agg(new.key, new.value), '{}') FROM jsonb_each(excluded.data) new
                WHERE coalesce((r.data -> new.key ->> 'seq')::bigint, 0) < (new.value ->> 'seq')::bigint)
            RETURNING octet_length(r.data::text)::bigint AS bytes,
                (SELECT count(*) FROM jsonb_object_keys(r.data)) AS elements),
         saved AS (UPDATE launches l SET saved_at = {tx.now}, saves = l.saves + 1, item = {part.id},
                location = coalesce({location}, l.location), suspend_bytes = coalesce({suspend_bytes}::integer, l.suspend_bytes)
            FROM written WHERE l.user_id = {launch.user_id} AND l.id = {launch.launch_id})
         SELECT live.fence, live.is_open, live.is_over, live.is_over AND NOT EXISTS (SELECT FROM jsonb_each({data}) new
                WHERE (new.value ->> 'seq')::bigint > coalesce((SELECT (r.data -> new.key ->> 'seq')::bigint FROM runtime_states r
                    WHERE r.user_id = {launch.user_id} AND r.attempt_id = {attempt_id} AND r.item = {part.id}), 0)) AS is_known,
            written.bytes, written.elements, {before} AS before
         FROM live LEFT JOIN written ON TRUE"
    )
    .load(tx.conn)?
    .into_iter()
    .next();
    match written {
        Some(Written { fence, .. }) if fence != launch.fence => Err(superseded()),
        Some(Written { is_open: false, .. }) | None => Err(ended()),
        Some(Written {
            is_over: true,
            is_known,
            ..
        }) => match is_known {
            true => Ok(Stored::Before),
            false => Err(over()),
        },
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
            Ok(Stored::Now(before.map(|before| before.0).unwrap_or_default()))
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

/// What is said of an attempt that has ended.
pub const OVER: &str =
    "This attempt is over, and what it came to is recorded. Open the activity again from the course.";

/// 410 where the attempt has ended: what it came to is recorded, and another launch is another attempt, or a review.
fn over() -> ApiError {
    ApiError::new(Code::LaunchEnded, OVER)
}

/// 410 where the launch is over.
pub fn ended() -> ApiError {
    ApiError::new(
        Code::LaunchEnded,
        "This address is no longer valid: it has expired, or the enrollment or the account has ended. Open the activity \
         again from the course.",
    )
}

/// What follows from what the items reported, and from the end of one: for the attempt, the activity, the enrollment.
fn follow(
    tx: &mut Tx,
    launch: &LiveLaunch,
    attempt_id: Uuid,
    package: &Package,
    ended: Option<&PackagePart>,
    noted: &mut Vec<Noted>,
) -> ApiResult<(Report, ActivityProgressState, bool)> {
    let before = store::find_attempt(tx, launch.user_id, attempt_id)?.ok_or_else(self::ended)?;
    let items = store::items(tx, launch.user_id, attempt_id)?;
    let report = outcome::of_package(package, &items);
    let mut after = Attempt {
        completion: report.completion,
        // Failing does not take back passing.
        success: match (before.success, report.success) {
            (AttemptSuccess::Passed, _) => AttemptSuccess::Passed,
            (known, AttemptSuccess::Unknown) => known,
            (_, reported) => reported,
        },
        score: match before.success {
            // Nor does a lower score after it.
            AttemptSuccess::Passed => match (before.score, report.score) {
                (Some(before), Some(reported)) => Some(before.max(reported)),
                (before, reported) => reported.or(before),
            },
            _ => report.score,
        },
        progress_percent: report.progress_percent,
        seconds: report.seconds,
        ..before.clone()
    };
    if let Some(part) = ended {
        sql!(
            "UPDATE launches SET terminated_at = {tx.now} WHERE user_id = {launch.user_id} AND id = {launch.launch_id}
                AND terminated_at IS NULL"
        )
        .execute(tx.conn)?;
        let item: Vec<StoredItem> = items.into_iter().filter(|item| item.item == part.id).collect();
        let is_decided = report.is_completed()
            || report.completion == AttemptCompletion::Completed && !item.iter().any(is_suspended);
        if is_decided {
            after.ended_at = after.ended_at.or(Some(tx.now));
        }
        launches::add_up(tx, &before, &item)?;
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
    let is_over = after.ended_at.is_some();
    let enrollment = enrollments::store::find(tx, launch.user_id, launch.enrollment_id)?;
    let mut learning = Learning::load(tx, enrollment)?;
    // The course moved to a version without it.
    let Ok(activity) = learning.activity(launch.activity_id) else {
        return Ok((report, ActivityProgressState::InProgress, is_over));
    };
    let mut record = learning.record(tx, activity.id);
    let told = (record.state, record.score);
    let attempts = store::attempts(tx, &learning.enrollment, activity.id)?;
    let counted = attempts
        .iter()
        .filter(|attempt| record.corrected_at.is_none_or(|at| attempt.started_at > at));
    record.score = outcome::score(activity.score_of, counted).or(record.score);
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
            score: after.score,
            wanted: match activity.criterion {
                Some(Criterion::Passed { score }) => Some(score),
                _ => None,
            },
        });
    }
    let record = learning.write(tx, record)?;
    // Packages that tell a score after their status say so again when they end, or have passed or failed by then.
    if ended.is_some() || after.success != AttemptSuccess::Unknown {
        learning.follow_score(tx, &after)?;
    }
    Ok((report, record.state, is_over))
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
