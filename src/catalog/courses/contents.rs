//! The versions of contents that courses refer to: checked where a course newly names them.

use std::collections::{HashMap, HashSet};

use diesel::{QueryableByName, RunQueryDsl, sql_types};
use uuid::Uuid;

use super::model::Course;
use crate::{
    app::Tx,
    authz::{self, Permission},
    catalog::contents::{model::Content, versions::model::ContentVersionState},
    http::{ApiResult, FieldError},
    resource::Draft,
    sql,
};

#[derive(QueryableByName)]
struct Named {
    #[diesel(sql_type = sql_types::Uuid)]
    id: Uuid,
    #[diesel(sql_type = sql_types::Text)]
    state: ContentVersionState,
    #[diesel(sql_type = sql_types::Bool)]
    is_archived: bool,
}

/// Refuses courses that newly name versions of contents which are not ready, are archived, or which the caller may not see.
pub fn check(tx: &mut Tx, drafts: &mut [Draft<Course>]) -> ApiResult<()> {
    let ids: HashSet<Uuid> = drafts.iter().flat_map(newly_named).map(|(_, id)| id).collect();
    if ids.is_empty() {
        return Ok(());
    }
    let ids = Vec::from_iter(ids);
    let nameable = authz::nameable::<Content>(tx, Permission::CoursesWrite);
    // Held, so that no content is archived before the commit.
    let found: Vec<Named> = sql!(
        "SELECT v.id, v.state, contents.archived_at IS NOT NULL AS is_archived
         FROM content_versions v JOIN contents ON contents.id = v.content_id
         WHERE v.id = ANY({ids}) AND {nameable} ORDER BY contents.id FOR SHARE OF contents"
    )
    .load(tx.conn)?;
    let found: HashMap<Uuid, Named> = found.into_iter().map(|named| (named.id, named)).collect();
    for draft in drafts {
        let faults = newly_named(draft).into_iter().filter_map(|(pointer, id)| {
            let fault = match found.get(&id) {
                None => "names no version of a content that you may see",
                Some(named) if named.is_archived => {
                    "names a version of an archived content; restore the content first"
                }
                Some(named) => match named.state {
                    ContentVersionState::Ready => return None,
                    ContentVersionState::Importing => {
                        "names a version that is still being read; wait until it is ready"
                    }
                    ContentVersionState::Refused => "names a version that was refused; its findings say why",
                },
            };
            Some(FieldError::new(format!("{pointer}/content_version_id"), fault))
        });
        draft.refuse_faults(faults.collect());
    }
    Ok(())
}

/// The versions that a draft names and did not name before, with the places of their activities.
fn newly_named(draft: &Draft<Course>) -> Vec<(String, Uuid)> {
    let before: HashSet<Uuid> = draft
        .before
        .iter()
        .flat_map(|course| named(course))
        .map(|(_, id)| id)
        .collect();
    named(&draft.after)
        .into_iter()
        .filter(|(_, id)| !before.contains(id))
        .collect()
}

fn named(course: &Course) -> Vec<(String, Uuid)> {
    let activities = course.modules.activities();
    let named = activities.filter_map(|(pointer, activity)| Some((pointer, activity.content_version_id?)));
    named.collect()
}
