//! What must hold of facts, which rows break it, and what puts that right: for `provost doctor --data`, and for comparisons.

use diesel::{PgConnection, QueryResult, QueryableByName, RunQueryDsl, sql_types};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{
    app::Tx,
    authz::authorize_all,
    db::Fixed,
    http::ApiResult,
    people::absences::model::Absence,
    resource::{Change, Row, write},
    sql,
};

/// What must hold: a name, the query of the ids of rows that break it, and how that is put right.
#[derive(Debug)]
pub struct Invariant {
    /// Its name.
    pub name: &'static str,
    /// What must hold, in words.
    pub holds: &'static str,
    broken: &'static str,
    repair: Repair,
}

/// How rows that break an invariant are put right.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Repair {
    /// By settling everybody; a cycle that another followed is worked out once more from what satisfies it.
    Settle,
    /// By statements.
    Run(&'static [&'static str]),
    /// The absences that the query names are archived.
    ArchiveAbsences,
    /// Not by Provost: rows are missing.
    Restore,
}

impl Repair {
    fn told(self) -> &'static str {
        match self {
            Repair::Settle => "requirements are settled",
            Repair::Run(_) => "the dates are set to those between which it holds",
            Repair::ArchiveAbsences => "of each two the one that was added later is archived",
            Repair::Restore => "rows were removed or changed by hand: restore them from a backup",
        }
    }
}

/// All that is checked.
pub const INVARIANTS: &[Invariant] = &[
    Invariant {
        name: "reasons",
        holds: "every requirement that has not ended has a live reason",
        broken: "SELECT q.id FROM requirements q WHERE q.ended_at IS NULL
            AND NOT EXISTS (SELECT FROM requirements later WHERE later.user_id = q.user_id
                AND later.target_id = q.target_id AND later.cycle > q.cycle)
            AND NOT EXISTS (SELECT FROM requirement_reasons rr WHERE rr.user_id = q.user_id
                AND rr.requirement_id = q.id AND rr.ended_at IS NULL)",
        repair: Repair::Settle,
    },
    Invariant {
        name: "due dates",
        holds: "every open requirement is due when the earliest of its reasons is",
        broken: "SELECT q.id FROM requirements q
            JOIN (SELECT rr.user_id, rr.requirement_id, min(rr.due_on) AS due_on FROM requirement_reasons rr
                WHERE rr.ended_at IS NULL GROUP BY rr.user_id, rr.requirement_id) r
                ON r.user_id = q.user_id AND r.requirement_id = q.id
            WHERE q.ended_at IS NULL AND q.satisfied_at IS NULL AND r.due_on IS DISTINCT FROM q.due_on",
        repair: Repair::Settle,
    },
    Invariant {
        name: "validity",
        holds: "a reason of every satisfied requirement says until when it counts",
        broken: "SELECT q.id FROM requirements q WHERE q.ended_at IS NULL AND q.satisfied_at IS NOT NULL AND q.valid_until IS NOT NULL
            AND NOT EXISTS (SELECT FROM requirement_reasons rr WHERE rr.user_id = q.user_id AND rr.requirement_id = q.id
                AND rr.valid_until = q.valid_until)",
        repair: Repair::Settle,
    },
    Invariant {
        name: "evidence",
        holds: "what satisfies requirements is there and was not taken back",
        broken: "SELECT q.id FROM requirements q LEFT JOIN completions c ON c.user_id = q.user_id AND c.id = q.completion_id
            WHERE q.ended_at IS NULL AND q.completion_id IS NOT NULL AND (c.id IS NULL OR c.is_void
                OR EXISTS (SELECT FROM completions s WHERE s.user_id = c.user_id AND s.supersedes_id = c.id))",
        repair: Repair::Settle,
    },
    Invariant {
        name: "histories",
        // A transaction that waited for another one is stamped with the instant at which it began.
        holds: "the periods in which requirements and their reasons said something do not overlap by more than a minute",
        broken: "SELECT h.requirement_id AS id FROM requirement_history h JOIN requirement_history next
                ON next.user_id = h.user_id AND next.requirement_id = h.requirement_id AND next.version = h.version + 1
            WHERE next.recorded_at < h.superseded_at - interval '1 minute'
            UNION ALL
            SELECT q.id FROM requirement_history h JOIN requirements q
                ON q.user_id = h.user_id AND q.id = h.requirement_id AND q.version = h.version + 1
            WHERE q.updated_at < h.superseded_at - interval '1 minute'
            UNION ALL
            SELECT rr.requirement_id FROM requirement_reason_history h JOIN requirement_reasons rr
                ON rr.user_id = h.user_id AND rr.id = h.reason_id
            WHERE rr.recorded_at < h.superseded_at - interval '1 minute'",
        repair: Repair::Run(&[
            "UPDATE requirement_history h SET superseded_at = greatest(next.recorded_at, h.recorded_at)
             FROM requirement_history next WHERE next.user_id = h.user_id AND next.requirement_id = h.requirement_id
                AND next.version = h.version + 1 AND next.recorded_at < h.superseded_at - interval '1 minute'",
            "UPDATE requirement_history h SET superseded_at = greatest(q.updated_at, h.recorded_at)
             FROM requirements q WHERE q.user_id = h.user_id AND q.id = h.requirement_id AND q.version = h.version + 1
                AND q.updated_at < h.superseded_at - interval '1 minute'",
            "UPDATE requirement_reason_history h SET superseded_at = greatest(rr.recorded_at, h.recorded_at)
             FROM requirement_reasons rr WHERE rr.user_id = h.user_id AND rr.id = h.reason_id
                AND rr.recorded_at < h.superseded_at - interval '1 minute'
                AND NOT EXISTS (SELECT FROM requirement_reason_history other WHERE other.user_id = h.user_id
                    AND other.reason_id = h.reason_id AND other.superseded_at = greatest(rr.recorded_at, h.recorded_at))",
        ]),
    },
    Invariant {
        name: "cycles",
        holds: "the cycles of requirements are counted without gaps",
        broken: "SELECT q.id FROM requirements q WHERE q.cycle > 1 AND NOT EXISTS (SELECT FROM requirements earlier
            WHERE earlier.user_id = q.user_id AND earlier.target_id = q.target_id AND earlier.cycle = q.cycle - 1)",
        repair: Repair::Restore,
    },
    Invariant {
        name: "enrollments",
        holds: "every enrollment is of a user who is there, and of a version of its course",
        broken: "SELECT e.id FROM enrollments e LEFT JOIN course_versions v ON v.id = e.course_version_id
                LEFT JOIN users u ON u.id = e.user_id
            WHERE v.course_id IS DISTINCT FROM e.course_id OR u.id IS NULL",
        repair: Repair::Restore,
    },
    Invariant {
        name: "absences",
        holds: "absences of a user do not overlap",
        broken: "SELECT DISTINCT b.id FROM absences a JOIN absences b ON b.user_id = a.user_id AND b.id > a.id
                AND b.archived_at IS NULL AND b.starts_on <= coalesce(a.ends_on, 'infinity')
                AND coalesce(b.ends_on, 'infinity') >= a.starts_on
            WHERE a.archived_at IS NULL",
        repair: Repair::ArchiveAbsences,
    },
    Invariant {
        name: "audiences",
        holds: "nobody left an audience before they joined it",
        broken: "SELECT m.user_id AS id FROM rule_members m WHERE m.left_on < m.joined_on",
        repair: Repair::Run(&["UPDATE rule_members SET left_on = joined_on WHERE left_on < joined_on"]),
    },
];

/// Something that must hold of facts and does not.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct BrokenInvariant {
    /// Its name.
    #[schema(example = "evidence")]
    pub name: String,
    /// What must hold.
    #[schema(example = "what satisfies requirements is there and was not taken back")]
    pub holds: String,
    /// How many rows break it.
    pub rows: i64,
    /// The first hundred of them: ids of requirements, of enrollments or absences, or of the users of `audiences`.
    pub ids: Vec<Uuid>,
    /// What puts that right.
    #[schema(example = "requirements are settled")]
    pub fix: String,
    /// Whether an application does that.
    pub is_repairable: bool,
}

impl Invariant {
    /// What breaks it, if anything does.
    pub fn find(&self, conn: &mut PgConnection) -> QueryResult<Option<BrokenInvariant>> {
        #[derive(QueryableByName)]
        struct Broken {
            #[diesel(sql_type = sql_types::BigInt)]
            rows: i64,
            #[diesel(sql_type = sql_types::Array<sql_types::Uuid>)]
            ids: Vec<Uuid>,
        }
        let found: Broken = sql!(
            "SELECT count(*) AS rows, coalesce((array_agg(broken.id ORDER BY broken.id))[1:100], '{}') AS ids
             FROM ({broken}) broken",
            broken = Fixed(self.broken),
        )
        .get_result(conn)?;
        Ok((found.rows > 0).then(|| BrokenInvariant {
            name: self.name.into(),
            holds: self.holds.into(),
            rows: found.rows,
            ids: found.ids,
            fix: self.repair.told().into(),
            is_repairable: self.repair != Repair::Restore,
        }))
    }
}

/// All that does not hold.
pub fn broken(tx: &mut Tx) -> ApiResult<Vec<BrokenInvariant>> {
    let mut broken = Vec::new();
    for invariant in INVARIANTS {
        broken.extend(invariant.find(tx.conn)?);
    }
    Ok(broken)
}

/// The requirements that break what settling puts right.
pub(super) fn unsettled(tx: &mut Tx) -> ApiResult<Vec<Uuid>> {
    let mut all = Vec::new();
    for invariant in INVARIANTS.iter().filter(|one| one.repair == Repair::Settle) {
        all.extend(ids(tx, invariant)?);
    }
    Ok(all)
}

/// Puts right what settling does not.
pub(super) fn repair(tx: &mut Tx) -> ApiResult<()> {
    for invariant in INVARIANTS {
        match invariant.repair {
            Repair::Settle | Repair::Restore => {}
            Repair::Run(statements) => {
                for statement in statements {
                    sql!("{statement}", statement = Fixed(statement)).execute(tx.conn)?;
                }
            }
            Repair::ArchiveAbsences => {
                let ids = ids(tx, invariant)?;
                let found = authorize_all::<Absence>(tx, &ids, Absence::WRITE)?;
                let changes = found.into_values().flatten().map(Change::Archive).collect();
                for outcome in write::write(tx, changes)? {
                    outcome?;
                }
            }
        }
    }
    Ok(())
}

fn ids(tx: &mut Tx, invariant: &Invariant) -> ApiResult<Vec<Uuid>> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = sql_types::Uuid)]
        id: Uuid,
    }
    let rows: Vec<Row> = sql!(
        "SELECT broken.id FROM ({broken}) broken",
        broken = Fixed(invariant.broken)
    )
    .load(tx.conn)?;
    Ok(rows.into_iter().map(|row| row.id).collect())
}
