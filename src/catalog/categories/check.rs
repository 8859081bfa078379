//! What must hold of categories before they are written.

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use diesel::{ExpressionMethods, OptionalExtension, QueryDsl, RunQueryDsl};
use uuid::Uuid;

use super::model::Category;
use crate::{
    access::{self, Permission, lacks},
    app::Tx,
    db::{
        Condition,
        schema::{categories, courses},
    },
    http::{ApiError, ApiResult, Code},
    resource::{Draft, Resource, Unique, draft},
};

impl Resource for Category {
    type Extra = crate::resource::NoExtra;
    const PATH: &'static str = "/v1/categories";
    const SORT: &'static str = "name";
    const SEARCH: Option<&'static str> = Some("categories.search");

    fn check(tx: &mut Tx, drafts: &mut [Draft<Self>]) -> ApiResult<()> {
        draft::require_everywhere(tx, drafts, Permission::CoursesWrite, |draft| {
            draft.sets(|category| &category.visibility)
        })?;
        let code = Unique {
            column: "code",
            value: |category: &Category| &category.code,
        };
        code.check(tx, drafts)?;
        empty(tx, drafts)
    }
}

/// A category that has courses is not archived.
fn empty(tx: &mut Tx, drafts: &mut [Draft<Category>]) -> ApiResult<()> {
    let archived = drafts.iter().filter(|draft| draft.archives());
    let archived: Vec<Uuid> = archived.map(|draft| draft.after.id).collect();
    if archived.is_empty() {
        return Ok(());
    }
    let full: Vec<Option<Uuid>> = courses::table
        .filter(courses::category_id.eq_any(&archived))
        .select(courses::category_id)
        .distinct()
        .load(tx.conn)?;
    let full: HashSet<Uuid> = full.into_iter().flatten().collect();
    let to_archive = drafts.iter_mut().filter(|draft| draft.archives());
    for draft in to_archive.filter(|draft| full.contains(&draft.after.id)) {
        let detail = "Move its courses to other categories first.";
        draft.refuse(ApiError::new(Code::CategoryNotEmpty, detail));
    }
    Ok(())
}

/// Refuses a category that takes no courses, and keeps the others from being archived until the end of the transaction.
/// One that is not there is told to those who write all courses; to others it is one that they may not see.
pub fn require_open(tx: &mut Tx, id: Option<Uuid>) -> ApiResult<()> {
    let Some(id) = id else { return Ok(()) };
    let nameable = access::nameable::<Category>(tx, Permission::CoursesWrite);
    let archived_at: Option<Option<DateTime<Utc>>> = categories::table
        .find(id)
        .filter(Condition::new(nameable))
        .select(categories::archived_at)
        .for_share()
        .first(tx.conn)
        .optional()?;
    match archived_at {
        Some(None) => Ok(()),
        Some(Some(_)) => Err(ApiError::field(
            "/category_id",
            "names a category that is archived; bring it back first, or choose another",
        )),
        None if tx.scope(Permission::CoursesWrite)?.is_everything() => {
            Err(ApiError::field("/category_id", "names nothing that exists"))
        }
        None => Err(lacks(Permission::CoursesWrite)),
    }
}
