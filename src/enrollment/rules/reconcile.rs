//! Makes requirements what the rules say that they should be.
//!
//! Level-triggered: it compares what is with what should be, so it may run at any time, and a second run changes
//! nothing and writes no event. The same statements serve everybody and one person; they differ in a condition.
//! In order: audiences, reasons that ended, completions that satisfy, rows to open (first cycles and next ones) and
//! reasons that came or moved, due dates, enrollments. See [`super::steps`].
//!
//! The *current* requirement of a person and a course is the one of the latest cycle. Rules speak to it alone:
//! those of earlier cycles are never touched again, and an ended one is followed by a new one.

use std::ops::AddAssign;

use diesel::RunQueryDsl;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{audience, steps};
use crate::{
    app::Tx,
    db::{Fixed, Sql},
    http::ApiResult,
    people::facts,
    sql,
};

/// Whose requirements are settled.
#[derive(Debug, Clone, PartialEq)]
pub enum People {
    /// These people.
    These(Vec<Uuid>),
    /// Everybody whose id comes after the first and not after the second. Many people at once are settled so: it is
    /// a range of every table about them.
    Between(Uuid, Uuid),
}

impl People {
    /// Everybody.
    pub const EVERYBODY: Self = People::Between(Uuid::nil(), Uuid::max());
}

impl From<&[Uuid]> for People {
    fn from(people: &[Uuid]) -> Self {
        People::These(people.to_vec())
    }
}

impl From<Uuid> for People {
    fn from(person: Uuid) -> Self {
        People::These(vec![person])
    }
}

/// What a reconcile looks at.
#[derive(Debug, Clone)]
pub(super) struct ReconcileScope {
    whom: People,
    /// One rule, and the courses that it asks or asked for.
    rule: Option<(Uuid, Vec<Uuid>)>,
}

/// What a reconcile did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = ReconcileOutcome)]
pub struct Outcome {
    /// People who joined an audience.
    pub joined: i64,
    /// People who left one.
    pub left: i64,
    /// Requirements that opened.
    pub opened: i64,
    /// Requirements that a completion satisfied.
    pub satisfied: usize,
    /// Reasons added to requirements that were there.
    pub reasons_added: i64,
    /// Reasons whose due date moved.
    pub reasons_moved: i64,
    /// Requirements that ended, which a plan counts as `ends`, and reasons that ended of requirements which go on by others.
    pub ended: usize,
    /// Requirements whose due date moved.
    pub moved: usize,
    /// Enrollments made.
    pub enrolled: usize,
}

impl AddAssign for Outcome {
    fn add_assign(&mut self, other: Self) {
        self.joined += other.joined;
        self.left += other.left;
        self.opened += other.opened;
        self.satisfied += other.satisfied;
        self.reasons_added += other.reasons_added;
        self.reasons_moved += other.reasons_moved;
        self.ended += other.ended;
        self.moved += other.moved;
        self.enrolled += other.enrolled;
    }
}

/// What happens when people change: what the rules want of them is settled in the same transaction; by jobs, if a request
/// changed more of them than it could settle before its caller gives up.
pub fn react(tx: &mut Tx) -> ApiResult<()> {
    let users = tx.changed_users();
    if facts::is_followed_by_job(tx, users.len()) {
        return facts::enqueue_follow(tx, &users);
    }
    reconcile(tx, &*users, None).map(drop)
}

/// Reconciles users with one `rule`, or with all.
pub fn reconcile(tx: &mut Tx, whom: impl Into<People>, rule: Option<Uuid>) -> ApiResult<Outcome> {
    let mut reach = ReconcileScope::of(whom.into());
    if reach.is_empty() {
        return Ok(Outcome::default());
    }
    lock(tx, &reach)?;
    if let Some(rule) = rule {
        reach.rule = Some((rule, courses_of(tx, rule, &reach)?));
    }
    reconcile_scope(tx, &reach)
}

fn reconcile_scope(tx: &mut Tx, reach: &ReconcileScope) -> ApiResult<Outcome> {
    let moves = audience::refresh_members(tx, reach)?;
    let mut outcome = Outcome {
        joined: moves.joined,
        left: moves.left,
        ended: steps::end(tx, reach)?,
        ..Outcome::default()
    };
    // What opens may be satisfied already, and that may be near its end; then its next cycle opens too.
    loop {
        let satisfied = steps::satisfy(tx, reach)?;
        outcome.satisfied += satisfied;
        if outcome.opened > 0 && satisfied == 0 {
            break;
        }
        let brought = steps::open_requirements(tx, reach)?;
        outcome.opened += brought.opened;
        outcome.reasons_added += brought.added;
        outcome.reasons_moved += brought.moved;
        if brought.opened == 0 {
            break;
        }
    }
    outcome.moved = steps::move_due_dates(tx, reach)?;
    outcome.enrolled = steps::enroll(tx, reach)?;
    Ok(outcome)
}

/// Two transactions that settle the same person wait for each other.
fn lock(tx: &mut Tx, reach: &ReconcileScope) -> ApiResult<()> {
    sql!(
        "SELECT users.id FROM users WHERE {users} ORDER BY users.id FOR NO KEY UPDATE",
        users = reach.users("users.id"),
    )
    .execute(tx.conn)?;
    Ok(())
}

/// The courses that `rule` asks for, and those that it is still a reason for, for a user in reach.
fn courses_of(tx: &mut Tx, rule: Uuid, reach: &ReconcileScope) -> ApiResult<Vec<Uuid>> {
    #[derive(diesel::QueryableByName)]
    struct Row {
        #[diesel(sql_type = diesel::sql_types::Uuid)]
        course_id: Uuid,
    }
    let rows: Vec<Row> = sql!(
        "SELECT course_id FROM rule_courses WHERE rule_id = {rule} UNION SELECT q.course_id
         FROM requirement_reasons rr
         JOIN requirements q ON q.user_id = rr.user_id AND q.id = rr.requirement_id
         WHERE rr.ended_at IS NULL AND rr.rule_id = {rule} AND {users}",
        users = reach.users("rr.user_id"),
    )
    .load(tx.conn)?;
    Ok(rows.into_iter().map(|row| row.course_id).collect())
}

impl ReconcileScope {
    /// These people, and all rules.
    pub(super) fn of(whom: People) -> Self {
        ReconcileScope { whom, rule: None }
    }

    fn is_empty(&self) -> bool {
        matches!(&self.whom, People::These(people) if people.is_empty())
    }

    /// The rule, if it is about one.
    pub(super) fn one_rule(&self) -> Option<Uuid> {
        self.rule.as_ref().map(|(rule, _)| *rule)
    }

    /// Rows about the people in reach.
    pub(super) fn users(&self, user_id: &'static str) -> Sql {
        match &self.whom {
            People::These(people) => match people.as_slice() {
                [_] => among(user_id, people),
                people => among(user_id, people).is_planned_each_time(),
            },
            People::Between(after, last) => sql!(
                "{user_id} > {after} AND {user_id} <= {last}",
                user_id = Fixed(user_id),
            )
            .is_planned_each_time(),
        }
    }

    /// Rows about the courses in reach.
    pub(super) fn courses(&self, course_id: &'static str) -> Sql {
        match &self.rule {
            Some((_, courses)) => among(course_id, courses),
            None => Sql::always(),
        }
    }

    /// Rows about the rule in reach.
    pub(super) fn rule(&self, rule_id: &'static str) -> Sql {
        match self.one_rule() {
            Some(rule) => sql!("{rule_id} = {rule}", rule_id = Fixed(rule_id)),
            None => Sql::always(),
        }
    }

    /// Facts about people and courses in reach, in the table that is called `q`.
    pub(super) fn facts(&self) -> Sql {
        sql!(
            "{users} AND {courses}",
            users = self.users("q.user_id"),
            courses = self.courses("q.course_id"),
        )
    }
}

fn among(column: &'static str, ids: &[Uuid]) -> Sql {
    match ids {
        [id] => sql!("{column} = {id}", column = Fixed(column)),
        ids => sql!("{column} = ANY ({ids})", column = Fixed(column)),
    }
}
