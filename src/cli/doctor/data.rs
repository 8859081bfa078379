//! `provost doctor --data`: what must hold of facts, and which rows break it.

use diesel::{PgConnection, QueryableByName, RunQueryDsl, sql_types};

use super::{Finding, fault};
use crate::{db::Fixed, sql};

/// What must hold: a name, the query of the ids of rows that break it, and how to put that right.
struct Invariant {
    name: &'static str,
    holds: &'static str,
    broken: &'static str,
    fix: &'static str,
}

const COMPARE: &str =
    "POST /v1/requirements/comparisons lists what differs; with {\"apply\": true} it is put right.";

const RESTORE: &str = "rows were changed by hand: restore them from a backup.";

const INVARIANTS: &[Invariant] = &[
    Invariant {
        name: "reasons",
        holds: "every requirement that has not ended has a live reason",
        broken: "SELECT q.id FROM requirements q WHERE q.ended_at IS NULL
            AND NOT EXISTS (SELECT FROM requirements later WHERE later.user_id = q.user_id
                AND later.target_id = q.target_id AND later.cycle > q.cycle)
            AND NOT EXISTS (SELECT FROM requirement_reasons rr WHERE rr.user_id = q.user_id
                AND rr.requirement_id = q.id AND rr.ended_at IS NULL)",
        fix: COMPARE,
    },
    Invariant {
        name: "due dates",
        holds: "every open requirement is due when the earliest of its reasons is",
        broken: "SELECT q.id FROM requirements q
            JOIN (SELECT rr.user_id, rr.requirement_id, min(rr.due_on) AS due_on FROM requirement_reasons rr
                WHERE rr.ended_at IS NULL GROUP BY rr.user_id, rr.requirement_id) r
                ON r.user_id = q.user_id AND r.requirement_id = q.id
            WHERE q.ended_at IS NULL AND q.satisfied_at IS NULL AND r.due_on IS DISTINCT FROM q.due_on",
        fix: COMPARE,
    },
    Invariant {
        name: "validity",
        holds: "a reason of every satisfied requirement says until when it counts",
        broken: "SELECT q.id FROM requirements q WHERE q.ended_at IS NULL AND q.satisfied_at IS NOT NULL AND q.valid_until IS NOT NULL
            AND NOT EXISTS (SELECT FROM requirement_reasons rr WHERE rr.user_id = q.user_id AND rr.requirement_id = q.id
                AND rr.valid_until = q.valid_until)",
        fix: "POST /v1/requirements/comparisons lists what differs of current cycles; with {\"apply\": true} it is put right. Of a cycle that \
            another followed, correct the completion: POST /v1/completions/{completion_id}/corrections.",
    },
    Invariant {
        name: "histories",
        // A transaction that waited for another one is stamped with the instant at which it began.
        holds: "the periods in which requirements and their reasons said something do not overlap by more than a minute",
        broken: "SELECT h.requirement_id AS id FROM requirement_history h JOIN requirement_history next
                ON next.user_id = h.user_id AND next.requirement_id = h.requirement_id AND next.version = h.version + 1
            WHERE next.recorded_at < h.superseded_at - interval '1 minute'
            UNION ALL
            SELECT q.id FROM requirement_history h JOIN requirements q ON q.user_id = h.user_id AND q.id = h.requirement_id
            WHERE q.updated_at < h.superseded_at - interval '1 minute'
            UNION ALL
            SELECT rr.requirement_id FROM requirement_reason_history h JOIN requirement_reasons rr
                ON rr.user_id = h.user_id AND rr.id = h.reason_id
            WHERE rr.recorded_at < h.superseded_at - interval '1 minute'",
        fix: RESTORE,
    },
    Invariant {
        name: "evidence",
        holds: "what satisfies requirements is there and was not taken back",
        broken: "SELECT q.id FROM requirements q LEFT JOIN completions c ON c.user_id = q.user_id AND c.id = q.completion_id
            WHERE q.ended_at IS NULL AND q.completion_id IS NOT NULL AND (c.id IS NULL OR c.is_void
                OR EXISTS (SELECT FROM completions s WHERE s.user_id = c.user_id AND s.supersedes_id = c.id))",
        fix: COMPARE,
    },
    Invariant {
        name: "cycles",
        holds: "the cycles of requirements are counted without gaps",
        broken: "SELECT q.id FROM requirements q WHERE q.cycle > 1 AND NOT EXISTS (SELECT FROM requirements earlier
            WHERE earlier.user_id = q.user_id AND earlier.target_id = q.target_id AND earlier.cycle = q.cycle - 1)",
        fix: "rows were removed by hand: restore them from a backup.",
    },
    Invariant {
        name: "enrollments",
        holds: "every enrollment is of a version of its course",
        broken: "SELECT e.id FROM enrollments e JOIN course_versions v ON v.id = e.course_version_id
            WHERE v.course_id <> e.course_id",
        fix: RESTORE,
    },
    Invariant {
        name: "absences",
        holds: "absences of a user do not overlap",
        broken: "SELECT a.id FROM absences a JOIN absences b ON b.user_id = a.user_id AND b.id > a.id
                AND b.archived_at IS NULL AND b.starts_on <= coalesce(a.ends_on, 'infinity')
                AND coalesce(b.ends_on, 'infinity') >= a.starts_on
            WHERE a.archived_at IS NULL",
        fix: "archive one of each two: POST /v1/absences/{absence_id}/archival.",
    },
    Invariant {
        name: "audiences",
        holds: "nobody left an audience before they joined it",
        broken: "SELECT m.user_id AS id FROM rule_members m WHERE m.left_on < m.joined_on",
        fix: COMPARE,
    },
];

#[derive(QueryableByName)]
struct Broken {
    #[diesel(sql_type = sql_types::BigInt)]
    rows: i64,
    #[diesel(sql_type = sql_types::Nullable<sql_types::Text>)]
    first: Option<String>,
}

/// What is found of each.
pub(super) fn check(conn: &mut PgConnection) -> Vec<(&'static str, Finding)> {
    let found = INVARIANTS.iter().map(|invariant| {
        let counted = sql!(
            "SELECT count(*) AS rows, min(broken.id::text) AS first FROM ({broken}) broken",
            broken = Fixed(invariant.broken),
        );
        let finding = match counted.get_result::<Broken>(conn) {
            Err(error) => fault(error.to_string(), "see the message of PostgreSQL."),
            Ok(Broken { rows: 0, .. }) => Finding::Fine(invariant.holds.into()),
            Ok(Broken { rows, first }) => fault(
                format!(
                    "it does not hold that {}: {rows} rows, such as {}",
                    invariant.holds,
                    first.unwrap_or_default()
                ),
                invariant.fix,
            ),
        };
        (invariant.name, finding)
    });
    found.collect()
}
