//! The statements of categories.

use chrono::{DateTime, Utc};
use diesel::{
    ExpressionMethods, OptionalExtension, QueryDsl, QueryResult, RunQueryDsl, SelectableHelper,
    dsl::{exists, select},
};
use uuid::Uuid;

use super::{
    filter::CATEGORIES,
    model::{Category, CreateCategory, UpdateCategory},
};
use crate::{
    access::{self, Authorized, Permission, Protected, lacks},
    app::Tx,
    db::Condition,
    db::schema::{categories, courses},
    http::{ApiError, ApiResult, ListQuery, Listing, Page, Sort, list::SortKind},
    text::fold,
};

/// The orders of the list; each has its index.
const LISTING: Listing = Listing {
    id: "categories.id",
    sorts: &[
        Sort {
            name: "name",
            column: "categories.name",
            kind: SortKind::Text,
        },
        Sort {
            name: "code",
            column: "categories.code",
            kind: SortKind::Text,
        },
        Sort {
            name: "created_at",
            column: "categories.created_at",
            kind: SortKind::Instant,
        },
    ],
};

/// A page of the categories.
pub fn list(tx: &mut Tx, query: &ListQuery) -> ApiResult<Page<Category>> {
    let scope = tx.scope(Category::READ)?;
    let (page, filter) = query.page(&LISTING, &CATEGORIES, &tx.filter_clock())?;
    let rows = categories::table
        .select((Category::as_select(), page.key()))
        .filter(page.rows([Category::visible(&scope), filter]))
        .order(page.order())
        .limit(page.limit())
        .load(tx.conn)?;
    Ok(page.page(rows, |category| category.id))
}

/// Adds a category.
pub fn insert(tx: &mut Tx, id: Uuid, new: &CreateCategory) -> QueryResult<Category> {
    diesel::insert_into(categories::table)
        .values((
            categories::id.eq(id),
            new,
            categories::code_folded.eq(fold(&new.code)),
            categories::name_folded.eq(fold(&new.name)),
            categories::created_at.eq(tx.now),
            categories::updated_at.eq(tx.now),
        ))
        .returning(Category::as_returning())
        .get_result(tx.conn)
}

/// Changes a category.
pub fn update(
    tx: &mut Tx,
    category: &Authorized<Category>,
    changes: &UpdateCategory,
) -> QueryResult<Category> {
    diesel::update(categories::table.find(category.id))
        .set((
            changes,
            changes
                .code
                .as_deref()
                .map(|code| categories::code_folded.eq(fold(code))),
            changes
                .name
                .as_deref()
                .map(|name| categories::name_folded.eq(fold(name))),
            categories::version.eq(categories::version + 1),
            categories::updated_at.eq(tx.now),
        ))
        .returning(Category::as_returning())
        .get_result(tx.conn)
}

/// Archives a category, or brings it back.
pub fn set_archived(
    tx: &mut Tx,
    category: &Authorized<Category>,
    at: Option<DateTime<Utc>>,
) -> QueryResult<Category> {
    diesel::update(categories::table.find(category.id))
        .set((
            categories::archived_at.eq(at),
            categories::version.eq(categories::version + 1),
            categories::updated_at.eq(tx.now),
        ))
        .returning(Category::as_returning())
        .get_result(tx.conn)
}

/// Whether any course is in the category.
pub fn has_courses(tx: &mut Tx, category: &Authorized<Category>) -> QueryResult<bool> {
    select(exists(
        courses::table.filter(courses::category_id.eq(category.id)),
    ))
    .get_result(tx.conn)
}

/// Refuses a category that takes no courses, and keeps the others from being archived until the end of the transaction.
/// One that is not there is told to those who write all courses; to others it is one that they may not see.
pub fn hold_open(tx: &mut Tx, id: Option<Uuid>) -> ApiResult<()> {
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
