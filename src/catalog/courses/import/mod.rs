//! Courses as a target of imports.
//!
//! A course that comes in this way has one module with one link, or none.

mod resolve;
mod write;

use super::model::{CourseLevel, CourseStatus};
use crate::{
    app::Tx,
    authz::Permission,
    db::Fixed,
    http::ApiResult,
    import::{
        Target,
        mapping::ReferenceBy,
        resources::Named,
        target::{Declaration, Empty, Field, Kind, Match, Part, Plan, Reference},
    },
    sql,
};

/// Writes courses.
pub struct CourseImport;

/// Courses, as rows of other resources name them.
pub const COURSE: Named = Named {
    name: "course",
    table: "courses",
    external_kind: Some("course"),
    code: "code",
};

static DECLARATION: Declaration = Declaration {
    resource: "courses",
    table: "courses",
    external_kind: "course",
    permissions: &[Permission::CoursesWrite, Permission::CoursesPublish],
    reads: &[Permission::CoursesRead],
    status: "t.status",
    ends_first: false,
    new_ones_lock: false,
    matches: &[Match {
        field: "code",
        wanted: "g.folded ->> 'code_folded'",
        present: "t.code_folded",
    }],
    references: &[Reference {
        name: "category",
        is_required: false,
        by: &[ReferenceBy::Code, ReferenceBy::Name],
        made: &[],
        is_path: true,
        is_tree: false,
        is_same: "(SELECT c.code FROM categories c WHERE c.id = t.category_id) IS NOT DISTINCT FROM r.refs ->> 'category'",
        shown: "(SELECT c.code FROM categories c WHERE c.id = t.category_id)",
    }],
    missing: &["retired"],
    gone: &["retired"],
    still_missing: "t.retired_at = (e.missing ->> 'at')::timestamptz",
};

impl Target for CourseImport {
    fn declaration(&self) -> &'static Declaration {
        &DECLARATION
    }

    fn fields(&self, _: &mut Tx) -> ApiResult<Vec<Field>> {
        // Nothing that was published becomes a draft again.
        let statuses = Kind::one_of(&[CourseStatus::Published.as_str(), CourseStatus::Retired.as_str()]);
        Ok(vec![
            field("code", Kind::Word(200), Empty::Refused, "to_jsonb(t.code)"),
            field("title", Kind::Text(500), Empty::Refused, "to_jsonb(t.title)"),
            field("summary", Kind::Lines(5_000), Empty::Blank, "to_jsonb(t.summary)"),
            field(
                "description",
                Kind::Lines(20_000),
                Empty::Blank,
                "to_jsonb(t.description)",
            ),
            field(
                "language",
                Kind::PrimaryLanguage,
                Empty::Refused,
                "to_jsonb(t.language)",
            ),
            field("tags", Kind::Tags(100), Empty::Left, "to_jsonb(t.tags)"),
            field("provider", Kind::Text(200), Empty::Null, "to_jsonb(t.provider)"),
            field(
                "level",
                Kind::one_of(CourseLevel::WORDS),
                Empty::Null,
                "to_jsonb(t.level)",
            ),
            field(
                "duration_minutes",
                Kind::Integer(1, 1_000_000),
                Empty::Null,
                "to_jsonb(t.duration_minutes)",
            ),
            field("credits", Kind::Number(0.0), Empty::Null, "to_jsonb(t.credits)"),
            field(
                "validity_period",
                Kind::Period,
                Empty::Null,
                "to_jsonb(t.validity_period)",
            ),
            field("status", statuses, Empty::Left, "to_jsonb(t.status)"),
            field(
                "link",
                Kind::Url,
                Empty::Null,
                "t.modules #> '{0,activities,0,url}'",
            ),
        ])
    }

    fn resolve(&self, tx: &mut Tx, plan: &Plan) -> ApiResult<()> {
        resolve::resolve(tx, plan)
    }

    fn check(&self, tx: &mut Tx, plan: &Plan) -> ApiResult<()> {
        resolve::refuse_blocked(tx, plan)
    }

    fn side_effects(&self, tx: &mut Tx, plan: &Plan) -> ApiResult<Vec<(&'static str, i64)>> {
        let categories = resolve::new_categories(tx, plan)?;
        Ok((categories > 0)
            .then_some(("category", categories))
            .into_iter()
            .collect())
    }

    fn prepare(&self, tx: &mut Tx, plan: &Plan) -> ApiResult<()> {
        write::create_categories(tx, plan)
    }

    fn refuse_outdated(&self, tx: &mut Tx, plan: &Plan, part: Part) -> ApiResult<()> {
        resolve::refuse_outdated(tx, plan, part)
    }

    fn write(&self, tx: &mut Tx, plan: &Plan, part: Part) -> ApiResult<()> {
        write::write(tx, plan, part)
    }
}

fn field(name: &'static str, kind: Kind, empty: Empty, present: &'static str) -> Field {
    Field {
        name: name.into(),
        kind,
        empty,
        present: sql!("{present}", present = Fixed(present)),
        number_after: (name == "code").then_some("-"),
    }
}
