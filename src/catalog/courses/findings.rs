//! What was found wrong with the contents of a course: told when it is published, and of its candidates.

use std::collections::HashMap;

use diesel::{QueryableByName, RunQueryDsl, sql_types};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::modules::Modules;
use crate::{
    app::Tx,
    catalog::contents::findings::{Finding, Findings},
    db::Fixed,
    http::ApiResult,
    sql,
};

/// How many findings are told of a course.
const MOST_FINDINGS: usize = 500;

/// Something that was found wrong with a content that a course uses.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct CourseFinding {
    /// The activity that shows the content.
    pub activity_id: Uuid,
    /// The content.
    pub content_id: Uuid,
    /// What was found.
    #[serde(flatten)]
    pub finding: Finding,
}

/// A version of a content that a course uses.
#[derive(Debug, QueryableByName)]
pub struct Used {
    /// Our id.
    #[diesel(sql_type = sql_types::Uuid)]
    pub id: Uuid,
    /// The content.
    #[diesel(sql_type = sql_types::Uuid)]
    pub content_id: Uuid,
    /// The content's code.
    #[diesel(sql_type = sql_types::Text)]
    pub code: String,
    /// The number of the version.
    #[diesel(sql_type = sql_types::Integer)]
    pub number: i32,
    /// Whether the content is archived.
    #[diesel(sql_type = sql_types::Bool)]
    pub is_archived: bool,
    /// What was found wrong with it.
    #[diesel(sql_type = sql_types::Jsonb)]
    pub findings: Findings,
}

/// The versions of contents that these modules use. `locks` keeps the contents from being archived before the commit.
pub fn used(tx: &mut Tx, modules: &Modules, locks: bool) -> ApiResult<Vec<Used>> {
    let named: Vec<Uuid> = modules.content_versions().collect();
    if named.is_empty() {
        return Ok(Vec::new());
    }
    let used = sql!(
        "SELECT v.id, v.content_id, c.code, v.number, c.archived_at IS NOT NULL AS is_archived, v.findings
         FROM content_versions v JOIN contents c ON c.id = v.content_id
         WHERE v.id = ANY({named}) ORDER BY c.id, v.number {lock}",
        lock = Fixed(if locks { "FOR SHARE OF c" } else { "" }),
    );
    Ok(used.load(tx.conn)?)
}

/// The findings about these versions, by the activities that show them, the worst first.
pub fn by_activity(modules: &Modules, used: &[Used]) -> Vec<CourseFinding> {
    let used: HashMap<Uuid, &Used> = used.iter().map(|version| (version.id, version)).collect();
    let shown = modules.activities().filter_map(|(_, activity)| {
        let version = used.get(&activity.content_version_id?)?;
        Some((activity.id, *version))
    });
    let mut found: Vec<(Uuid, Uuid, &Finding)> = shown
        .flat_map(|(activity_id, version)| {
            let findings = version.findings.0.iter();
            findings.map(move |finding| (activity_id, version.content_id, finding))
        })
        .collect();
    found.sort_by_key(|(_, _, finding)| finding.severity);
    let worst = found.into_iter().take(MOST_FINDINGS);
    let worst = worst.map(|(activity_id, content_id, finding)| CourseFinding {
        activity_id,
        content_id,
        finding: finding.clone(),
    });
    worst.collect()
}

/// What was found wrong with the contents that these modules use.
pub fn of(tx: &mut Tx, modules: &Modules) -> ApiResult<Vec<CourseFinding>> {
    let used = used(tx, modules, false)?;
    Ok(by_activity(modules, &used))
}
