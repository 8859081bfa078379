//! What must hold of courses before they are written.

use std::collections::{HashMap, HashSet};

use chrono::NaiveDate;
use diesel::{ExpressionMethods, QueryDsl, RunQueryDsl};
use uuid::Uuid;

use super::{
    contents,
    model::{Course, CourseStatus},
    moving,
};
use crate::{
    app::Tx,
    authz::{self, Permission, lacks},
    catalog::categories::model::Category,
    db::{Condition, schema::categories},
    filter::{Attribute, Column, Kind},
    http::{ApiError, ApiResult},
    resource::{self, Expansion, NoExtra, Resource, Unique},
};

type Draft = resource::Draft<Course>;

impl Resource for Course {
    type Extra = NoExtra;
    const PATH: &'static str = "/v1/courses";
    const SORT: &'static str = "title";
    const ATTRIBUTES: &'static [Attribute] = &[
        Attribute {
            name: "category",
            kind: Kind::Folded,
            column: Column::Exists {
                from: "categories c",
                on: "c.id = courses.category_id",
                value: "c.code",
            },
            doc: "The code of its category.",
        },
        Attribute {
            name: "tags",
            kind: Kind::String,
            column: Column::Exists {
                from: "unnest(courses.tags) AS tag",
                on: "TRUE",
                value: "tag",
            },
            doc: "Its tags.",
        },
        Attribute {
            name: "published_at",
            kind: Kind::Instant,
            column: Column::Scalar(
                "(SELECT v.published_at FROM course_versions v WHERE v.id = courses.current_version_id)",
            ),
            doc: "When its current version was published.",
        },
        Attribute {
            name: "uses_outdated_content",
            kind: Kind::Bool,
            column: Column::Scalar(
                "EXISTS (SELECT FROM content_versions v JOIN contents c ON c.id = v.content_id
                    WHERE v.id = ANY(courses.content_version_ids) AND c.current_version_id <> v.id)",
            ),
            doc: "Whether its working copy uses a version of a content that has a newer one.",
        },
    ];
    const EXPANSIONS: &'static [Expansion] = &[Expansion::of::<Category>("category", "category_id")];
    const UNIQUE: &'static [Unique<Self>] = &[Unique::new("code", |course| &course.code)];

    fn complete(&mut self, _: NaiveDate) {
        self.status = match (self.retired_at, self.current_version_id) {
            (Some(_), _) => CourseStatus::Retired,
            (None, Some(_)) => CourseStatus::Published,
            (None, None) => CourseStatus::Draft,
        };
    }

    fn check(tx: &mut Tx, drafts: &mut [Draft]) -> ApiResult<()> {
        categories(tx, drafts)?;
        contents::check(tx, drafts)?;
        contents::check_restored(tx, drafts)?;
        moving::check(tx, drafts)
    }
}

/// Checks and locks the categories that courses enter, so that they are not archived before the commit. Only callers who write
/// all courses are told that a category does not exist; others get the answer for a category that they may not see.
fn categories(tx: &mut Tx, drafts: &mut [Draft]) -> ApiResult<()> {
    let enters = |draft: &Draft| draft.sets(|course| &course.category_id);
    let named = drafts.iter().filter(|draft| enters(draft));
    let named: HashSet<Uuid> = named.filter_map(|draft| draft.after.category_id).collect();
    if named.is_empty() {
        return Ok(());
    }
    let nameable = authz::nameable::<Category>(tx, Permission::CoursesWrite);
    let found: Vec<(Uuid, bool)> = categories::table
        .filter(categories::id.eq_any(named))
        .filter(Condition::new(nameable))
        .order(categories::id)
        .select((categories::id, categories::archived_at.is_not_null()))
        .for_share()
        .load(tx.conn)?;
    let archived: HashMap<Uuid, bool> = found.into_iter().collect();
    let writes_all = tx.scope(Permission::CoursesWrite)?.is_everything();
    for draft in drafts.iter_mut().filter(|draft| enters(draft)) {
        let Some(category) = draft.after.category_id else {
            continue;
        };
        draft.refuse(match archived.get(&category) {
            Some(false) => continue,
            Some(true) => ApiError::field(
                "/category_id",
                "names a category that is archived; bring it back first, or choose another",
            ),
            None if writes_all => ApiError::field("/category_id", "names nothing that exists"),
            None => lacks(Permission::CoursesWrite),
        });
    }
    Ok(())
}
