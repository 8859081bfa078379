//! Equivalent courses as a target of imports.

use serde_json::json;

use super::model::CourseEquivalence;
use crate::{
    authz::Permission,
    catalog::courses::import::COURSE,
    enrollment::waivers::import::THE_COURSE,
    import::{
        resources::{MATCH_BY_ID, ResourceImport, RowReference, STATUS, STILL_MISSING},
        target::{Declaration, Empty, Kind, Reference},
    },
    people::events::key_added,
};

/// Writes course equivalences.
pub const IMPORT: ResourceImport<CourseEquivalence> = ResourceImport::new(
    &Declaration {
        resource: "course_equivalences",
        table: "course_equivalences",
        external_kind: "course_equivalence",
        permissions: &[Permission::CoursesWrite, Permission::CoursesRead],
        reads: &[Permission::CoursesRead],
        status: STATUS,
        ends_first: true,
        new_ones_lock: true,
        matches: MATCH_BY_ID,
        references: &[
            THE_COURSE,
            Reference {
                name: "equivalent",
                is_same: "t.equivalent_id::text IS NOT DISTINCT FROM r.refs ->> 'equivalent_id'",
                shown: "(SELECT n.code FROM courses n WHERE n.id = t.equivalent_id)",
                ..THE_COURSE
            },
        ],
        missing: &["archived"],
        gone: &["archived"],
        still_missing: STILL_MISSING,
    },
    key_added("course_equivalence"),
    &[
        ("is_mutual", || Kind::Boolean, Empty::Left),
        ("note", || Kind::Lines(1_000), Empty::Null),
    ],
    &[
        RowReference {
            name: "course",
            id: "course_id",
            named: &COURSE,
            member: "course_id",
            pointer: "/course_id",
            value: |id| json!(id),
        },
        RowReference {
            name: "equivalent",
            id: "equivalent_id",
            named: &COURSE,
            member: "equivalent_id",
            pointer: "/equivalent_id",
            value: |id| json!(id),
        },
    ],
);
