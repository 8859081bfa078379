//! What people completed.

use chrono::{DateTime, NaiveDate, Utc};
use diesel::{QueryableByName, RunQueryDsl, sql_types};
use uuid::Uuid;

use super::People;
use crate::{
    app::Tx,
    enrollment::rules::{
        person::{Evidence, Proof},
        reconcile::ReconcileScope,
    },
    http::ApiResult,
    period::Period,
    sql,
};

#[derive(QueryableByName)]
struct EvidenceRow {
    #[diesel(sql_type = sql_types::Uuid)]
    user_id: Uuid,
    #[diesel(sql_type = sql_types::Uuid)]
    course_id: Uuid,
    #[diesel(sql_type = sql_types::Uuid)]
    id: Uuid,
    #[diesel(sql_type = sql_types::Timestamptz)]
    at: DateTime<Utc>,
    #[diesel(sql_type = sql_types::Date)]
    on: NaiveDate,
    #[diesel(sql_type = sql_types::Nullable<sql_types::Date>)]
    expires_on: Option<NaiveDate>,
    #[diesel(sql_type = sql_types::Nullable<sql_types::Date>)]
    version_counts_until: Option<NaiveDate>,
    #[diesel(sql_type = sql_types::Nullable<sql_types::Timestamptz>)]
    replaced_at: Option<DateTime<Utc>>,
    #[diesel(sql_type = sql_types::Nullable<sql_types::Text>)]
    validity: Option<Period>,
}

/// Completions that no correction has taken the place of.
pub(super) fn completions(tx: &mut Tx, reach: &ReconcileScope, people: &mut People) -> ApiResult<()> {
    let rows: Vec<EvidenceRow> = sql!(
        "SELECT c.user_id, c.course_id, c.id, c.occurred_at AS \"at\", c.occurred_on AS \"on\", c.expires_on,
            replaced.earlier_count_until AS version_counts_until, replaced.published_at AS replaced_at,
            v.validity_period AS validity
         FROM completions c JOIN course_versions v ON v.id = c.course_version_id
         LEFT JOIN LATERAL (SELECT later.earlier_count_until, later.published_at FROM course_versions later
            WHERE later.course_id = v.course_id AND later.number > v.number AND later.earlier_count_until IS NOT NULL
                AND later.published_at IS NOT NULL
            ORDER BY later.earlier_count_until, later.number LIMIT 1) replaced ON TRUE
         WHERE {users} AND NOT c.is_void AND NOT EXISTS (SELECT FROM completions s
                WHERE s.user_id = c.user_id AND s.supersedes_id = c.id)
         ORDER BY c.user_id, c.occurred_at, c.id",
        users = reach.users("c.user_id"),
    )
    .load(tx.conn)?;
    for row in rows {
        if let Some(person) = people.get_mut(&row.user_id) {
            let evidence = Evidence {
                proof: Proof::Completion(row.id),
                course_id: row.course_id,
                at: row.at,
                on: row.on,
                expires_on: row.expires_on,
                version_counts_until: row.version_counts_until,
                replaced_on: row.replaced_at.map(|at| person.day(at)),
                validity: row.validity,
            };
            person.evidence.entry(row.course_id).or_default().push(evidence);
        }
    }
    Ok(())
}

#[derive(QueryableByName)]
struct EquivalentRow {
    #[diesel(sql_type = sql_types::Uuid)]
    course_id: Uuid,
    #[diesel(sql_type = sql_types::Uuid)]
    equivalent_id: Uuid,
}

/// Counts completions of equivalent courses, too.
pub(super) fn equivalents(tx: &mut Tx, people: &mut People) -> ApiResult<()> {
    let pairs: Vec<EquivalentRow> = sql!(
        "SELECT course_id, equivalent_id FROM course_equivalences WHERE archived_at IS NULL
         UNION
         SELECT equivalent_id, course_id FROM course_equivalences WHERE archived_at IS NULL AND is_mutual"
    )
    .load(tx.conn)?;
    if pairs.is_empty() {
        return Ok(());
    }
    for person in people.values_mut() {
        let own = person.evidence.clone();
        for pair in &pairs {
            if let Some(evidence) = own.get(&pair.equivalent_id) {
                let all = person.evidence.entry(pair.course_id).or_default();
                all.extend(evidence.iter().cloned());
            }
        }
    }
    Ok(())
}
