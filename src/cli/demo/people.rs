//! Whom the demo lets in beside the administrator: a learner who has something to do, and the manager whom they report to.

use diesel::{QueryableByName, RunQueryDsl, sql_types};
use uuid::Uuid;

use super::history;
use crate::{
    access::{
        hashing, passwords,
        sessions::{self, model::SessionEndReason},
    },
    app::App,
    contract::events::DEMO_BUILT,
    http::ApiResult,
    sql,
};

/// Both, who may sign in now.
#[derive(Debug, QueryableByName)]
pub struct LetIn {
    #[diesel(sql_type = sql_types::Uuid)]
    learner_id: Uuid,
    /// What the learner signs in with.
    #[diesel(sql_type = sql_types::Text)]
    pub learner: String,
    #[diesel(sql_type = sql_types::Uuid)]
    manager_id: Uuid,
    /// What the manager signs in with.
    #[diesel(sql_type = sql_types::Text)]
    pub manager: String,
}

/// Gives them this password. Nobody, where the academy is not a made-up one.
pub fn let_in(app: &App, password: &str) -> ApiResult<Option<LetIn>> {
    let hash = hashing::hash_blocking(password)?;
    app.write_blocking(&history::acting(), |tx| {
        let found: Vec<LetIn> = sql!(
            "SELECT u.id AS learner_id, u.username AS learner, m.id AS manager_id, m.username AS manager
             FROM enrollments e
             JOIN courses c ON c.id = e.course_id AND c.code IN ('FIRE', 'CONDUCT', 'SECURITY')
             JOIN users u ON u.id = e.user_id AND u.status = 'active'
             JOIN users m ON m.id = u.manager_id AND m.status = 'active'
             WHERE e.state IN ('enrolled', 'in_progress')
                AND NOT EXISTS (SELECT 1 FROM users r WHERE r.manager_id = u.id)
                AND EXISTS (SELECT 1 FROM events WHERE object_kind = 'demo' AND action = {DEMO_BUILT.action})
             GROUP BY u.id, m.id
             ORDER BY EXISTS (SELECT 1 FROM requirements q WHERE q.user_id = u.id AND q.satisfied_at IS NULL
                AND q.ended_at IS NULL AND q.due_on < {today}) DESC, count(*) DESC, u.username LIMIT 1",
            today = tx.today(),
        )
        .load(tx.conn)?;
        for LetIn {
            learner_id,
            manager_id,
            ..
        } in &found
        {
            for person in [*learner_id, *manager_id] {
                passwords::set(tx, person, &hash, false)?;
                sessions::end::all(tx, person, SessionEndReason::PasswordSet)?;
            }
        }
        Ok(found.into_iter().next())
    })
}
