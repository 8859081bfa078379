//! Who may move a course from one category to another: it is seen by others there, and in the charge of others.

use uuid::Uuid;

use super::model::Course;
use crate::{
    access::{self, Permission, inclusion, lacks},
    app::Tx,
    catalog::categories::model::Category,
    http::{ApiError, ApiResult, Code},
    sql,
};

/// Refuses the move unless the caller keeps the category that the course leaves and the one that it enters, may do no more
/// there than with the course now, and, where the course would be seen by everybody afterwards and is not now, writes
/// courses everywhere.
pub fn check(tx: &mut Tx, course: &Course, enters: Option<Uuid>) -> ApiResult<()> {
    let ends: Vec<Uuid> = course.category_id.into_iter().chain(enters).collect();
    if !access::outside::<Category>(tx, &ends, Permission::CoursesWrite)?.is_empty() {
        return Err(lacks(Permission::CoursesWrite));
    }
    let is_opened = is_restricted(tx, course.category_id)? && !is_restricted(tx, enters)?;
    if is_opened {
        tx.require_everywhere(Permission::CoursesWrite)?;
    }
    let moves: Vec<_> = enters.map(|category| (course.id, category)).into_iter().collect();
    if inclusion::moved_beyond_caller(tx, ("course", "category"), &moves)?.is_empty() {
        return Ok(());
    }
    let detail = "You may do more in that category than with this course, so moving it there takes the same permissions for it.";
    Err(ApiError::new(Code::GrantExceedsCaller, detail)
        .with_field("/category_id", "is where you may do more"))
}

fn is_restricted(tx: &mut Tx, category: Option<Uuid>) -> ApiResult<bool> {
    let restricted =
        sql!("SELECT id FROM categories WHERE visibility = 'restricted' AND id = {category}::uuid");
    Ok(restricted.execute(tx.conn)? > 0)
}
