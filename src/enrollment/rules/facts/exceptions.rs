//! What is decided about people, and when they are away.

use chrono::{NaiveDate, NaiveTime};
use diesel::{QueryableByName, RunQueryDsl, sql_types};
use uuid::Uuid;

use super::People;
use crate::{
    app::Tx,
    enrollment::{
        issues::model::{IssueChoice, IssueKind},
        rules::{
            issues::Issue,
            person::{Away, Evidence, MoreTime, Proof},
            reconcile::ReconcileScope,
        },
        target::Target,
    },
    http::ApiResult,
    sql,
};

#[derive(QueryableByName)]
struct ExceptionRow {
    #[diesel(sql_type = sql_types::Text)]
    kind: String,
    #[diesel(sql_type = sql_types::Uuid)]
    user_id: Uuid,
    /// The absence, the waiver, the extension or the issue.
    #[diesel(sql_type = sql_types::Uuid)]
    id: Uuid,
    #[diesel(sql_type = sql_types::Nullable<sql_types::Uuid>)]
    rule_id: Option<Uuid>,
    #[diesel(sql_type = sql_types::Nullable<sql_types::Uuid>)]
    course_id: Option<Uuid>,
    #[diesel(sql_type = sql_types::Nullable<sql_types::Date>)]
    first: Option<NaiveDate>,
    #[diesel(sql_type = sql_types::Nullable<sql_types::Date>)]
    last: Option<NaiveDate>,
    #[diesel(sql_type = sql_types::Nullable<sql_types::Text>)]
    issue: Option<IssueKind>,
    #[diesel(sql_type = sql_types::Nullable<sql_types::Text>)]
    choice: Option<IssueChoice>,
}

/// Absences, waivers, extensions and issues.
pub(super) fn exceptions(tx: &mut Tx, reach: &ReconcileScope, people: &mut People) -> ApiResult<()> {
    let rows: Vec<ExceptionRow> = sql!(
        "SELECT 'absence' AS kind, a.user_id, a.id, NULL::uuid AS rule_id, NULL::uuid AS course_id, a.starts_on AS first,
            a.ends_on AS last, NULL AS issue, NULL AS choice FROM absences a WHERE a.archived_at IS NULL AND {absent}
         UNION ALL
         SELECT 'waiver', w.user_id, w.id, NULL, w.course_id, w.begins_on, w.expires_on, NULL, NULL FROM waivers w
         WHERE w.archived_at IS NULL AND {waived}
         UNION ALL
         SELECT 'extension', e.user_id, e.id, NULL, e.course_id, e.due_on, NULL, NULL, NULL FROM extensions e
         WHERE e.archived_at IS NULL AND {extended}
         UNION ALL
         SELECT 'extension', m.user_id, e.id, NULL, e.course_id, e.due_on, NULL, NULL, NULL FROM extensions e
         JOIN group_members m ON m.group_id = e.group_id WHERE e.archived_at IS NULL AND {members}
         UNION ALL
         SELECT 'issue', i.user_id, i.id, i.rule_id, i.course_id, i.due_on, NULL, i.kind, i.choice FROM rule_issues i
         WHERE i.closed_at IS NULL AND {issues}
         ORDER BY user_id, kind, first",
        absent = reach.users("a.user_id"),
        waived = reach.users("w.user_id"),
        extended = reach.users("e.user_id"),
        members = reach.users("m.user_id"),
        issues = reach.users("i.user_id"),
    )
    .load(tx.conn)?;
    for row in rows {
        let Some(person) = people.get_mut(&row.user_id) else {
            continue;
        };
        let id = row.id;
        match (row.kind.as_str(), row.rule_id, row.course_id, row.first) {
            ("absence", _, _, Some(first)) => person.absences.push(Away {
                id,
                starts_on: first,
                ends_on: row.last,
            }),
            ("waiver", _, Some(course), Some(first)) if first <= person.today => {
                person.evidence.entry(course).or_default().push(Evidence {
                    proof: Proof::Waiver(id),
                    course_id: course,
                    at: first.and_time(NaiveTime::MIN).and_utc(),
                    on: first,
                    expires_on: row.last,
                    version_counts_until: None,
                    replaced_on: None,
                    validity: None,
                });
            }
            ("extension", _, Some(course), Some(first)) => person.extensions.push(MoreTime {
                id,
                target: Target::course(course),
                due_on: first,
            }),
            ("issue", Some(rule_id), Some(course), due_on) => {
                person.issues.extend(row.issue.map(|kind| Issue {
                    id,
                    rule_id,
                    target: Target::course(course),
                    kind,
                    choice: row.choice,
                    due_on,
                }));
            }
            _ => {}
        }
    }
    Ok(())
}
