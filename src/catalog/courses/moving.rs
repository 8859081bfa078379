//! Who may move courses from one category to another: they are seen by others there, and in the charge of others.

use std::collections::HashSet;

use diesel::{ExpressionMethods, QueryDsl, RunQueryDsl};
use uuid::Uuid;

use super::model::Course;
use crate::{
    access::inclusion,
    app::Tx,
    authz::{self, Permission, lacks},
    catalog::categories::model::{Category, CategoryVisibility},
    db::schema::categories,
    http::{ApiError, ApiResult, Code},
    resource,
};

type Draft = resource::Draft<Course>;

/// Refuses moves unless the caller keeps the category that the course leaves and the one that it enters, may do no more
/// there than with the course now, and, where the course would be seen by everybody afterwards and is not now, writes
/// courses everywhere.
pub fn check(tx: &mut Tx, drafts: &mut [Draft]) -> ApiResult<()> {
    let moving = drafts.iter().filter(|draft| is_moving(draft));
    let moves: Vec<(Uuid, [Option<Uuid>; 2])> = moving.map(|draft| (draft.after.id, ends(draft))).collect();
    if moves.is_empty() {
        return Ok(());
    }
    let named: Vec<Uuid> = moves.iter().flat_map(|(_, ends)| *ends).flatten().collect();
    let outside: HashSet<Uuid> =
        HashSet::from_iter(authz::outside::<Category>(tx, &named, Permission::CoursesWrite)?);
    let restricted = restricted(tx, &named)?;
    let entering = moves
        .iter()
        .filter_map(|(course, [_, enters])| Some((*course, (*enters)?)));
    let entering: Vec<(Uuid, Uuid)> = entering.collect();
    let beyond = inclusion::moved_beyond_caller(tx, ("course", "category"), &entering)?;
    let everywhere = tx.require_everywhere(Permission::CoursesWrite);
    for draft in drafts.iter_mut().filter(|draft| is_moving(draft)) {
        let ends = ends(draft);
        let keeps = |end: Option<Uuid>| end.is_none_or(|end| !outside.contains(&end));
        let [was_restricted, is_restricted] =
            ends.map(|end| end.is_some_and(|end| restricted.contains(&end)));
        if !ends.into_iter().all(keeps) {
            draft.refuse(lacks(Permission::CoursesWrite));
        } else if let Err(error) = &everywhere
            && was_restricted
            && !is_restricted
        {
            draft.refuse(error.clone());
        } else if beyond.contains(&draft.after.id) {
            draft.refuse(move_exceeds_caller());
        }
    }
    Ok(())
}

fn is_moving(draft: &Draft) -> bool {
    draft.changes(|course| &course.category_id)
}

/// The categories that a course leaves and enters.
fn ends(draft: &Draft) -> [Option<Uuid>; 2] {
    let before = draft.before.as_ref();
    [
        before.and_then(|course| course.category_id),
        draft.after.category_id,
    ]
}

fn restricted(tx: &mut Tx, ids: &[Uuid]) -> ApiResult<HashSet<Uuid>> {
    let restricted: Vec<Uuid> = categories::table
        .filter(categories::id.eq_any(ids))
        .filter(categories::visibility.eq(CategoryVisibility::Restricted))
        .select(categories::id)
        .load(tx.conn)?;
    Ok(restricted.into_iter().collect())
}

fn move_exceeds_caller() -> ApiError {
    let detail = "You may do more in that category than with this course, so moving it there takes the same permissions for it.";
    ApiError::new(Code::GrantExceedsCaller, detail).with_field("/category_id", "is where you may do more")
}
