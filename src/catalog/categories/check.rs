//! What must hold of categories before they are written.

use std::collections::HashSet;

use diesel::{CombineDsl, ExpressionMethods, QueryDsl, RunQueryDsl};
use uuid::Uuid;

use super::model::Category;
use crate::{
    app::Tx,
    authz::Permission,
    db::schema::{contents, courses},
    http::{ApiError, ApiResult, Code},
    resource::{Draft, Resource, Unique, draft},
};

impl Resource for Category {
    type Extra = crate::resource::NoExtra;
    const PATH: &'static str = "/v1/categories";
    const SORT: &'static str = "name";
    const SEARCH: Option<&'static str> = Some("categories.search");
    const UNIQUE: &'static [Unique<Self>] = &[Unique::new("code", |category| &category.code)];

    fn check(tx: &mut Tx, drafts: &mut [Draft<Self>]) -> ApiResult<()> {
        draft::require_everywhere(tx, drafts, Permission::CoursesWrite, |draft| {
            draft.sets(|category| &category.visibility)
        })?;
        empty(tx, drafts)
    }
}

/// A category that has courses or contents is not archived.
fn empty(tx: &mut Tx, drafts: &mut [Draft<Category>]) -> ApiResult<()> {
    let archived = drafts.iter().filter(|draft| draft.archives());
    let archived: Vec<Uuid> = archived.map(|draft| draft.after.id).collect();
    if archived.is_empty() {
        return Ok(());
    }
    let full: Vec<Option<Uuid>> = courses::table
        .filter(courses::category_id.eq_any(&archived))
        .select(courses::category_id)
        .union(
            contents::table
                .filter(contents::category_id.eq_any(&archived))
                .select(contents::category_id),
        )
        .load(tx.conn)?;
    let full: HashSet<Uuid> = full.into_iter().flatten().collect();
    let to_archive = drafts.iter_mut().filter(|draft| draft.archives());
    for draft in to_archive.filter(|draft| full.contains(&draft.after.id)) {
        let detail = "Move its courses and contents to other categories first.";
        draft.refuse(ApiError::new(Code::CategoryNotEmpty, detail));
    }
    Ok(())
}
