//! Waivers as a target of imports.

use serde_json::json;

use super::model::Waiver;
use crate::{
    authz::Permission,
    catalog::courses::import::COURSE,
    enrollment::target::Target,
    import::{
        mapping::ReferenceBy,
        resources::{MATCH_BY_ID, ResourceImport, RowReference, STATUS, STILL_MISSING},
        target::{Declaration, Empty, Kind, Reference},
    },
    people::{
        absences::import::{OF_USER, THE_USER},
        events::key_added,
    },
};

/// Writes waivers.
pub const IMPORT: ResourceImport<Waiver> = ResourceImport::new(
    &Declaration {
        resource: "waivers",
        table: "waivers",
        external_kind: "waiver",
        permissions: &[
            Permission::WaiversWrite,
            Permission::UsersRead,
            Permission::CoursesRead,
        ],
        reads: &[
            Permission::WaiversRead,
            Permission::UsersRead,
            Permission::CoursesRead,
        ],
        status: STATUS,
        ends_first: true,
        new_ones_lock: true,
        matches: MATCH_BY_ID,
        references: &[THE_USER, THE_COURSE],
        missing: &["archived"],
        gone: &["archived"],
        still_missing: STILL_MISSING,
    },
    key_added("waiver"),
    &[
        ("begins_on", || Kind::Date, Empty::Refused),
        ("expires_on", || Kind::Date, Empty::Null),
        ("reason", || Kind::Lines(1_000), Empty::Refused),
        ("evidence", || Kind::Lines(1_000), Empty::Null),
    ],
    &[OF_USER, OF_COURSE],
);

/// The target of an exception: a course.
pub const THE_COURSE: Reference = Reference {
    name: "course",
    is_required: true,
    by: &[ReferenceBy::Code, ReferenceBy::Key, ReferenceBy::Id],
    made: &[],
    is_path: false,
    is_tree: false,
    is_same: "t.course_id::text IS NOT DISTINCT FROM r.refs ->> 'course_id'",
    shown: "(SELECT n.code FROM courses n WHERE n.id = t.course_id)",
};

/// The same in the bodies of the API.
pub const OF_COURSE: RowReference = RowReference {
    name: "course",
    id: "course_id",
    named: &COURSE,
    member: "target",
    pointer: "/target/id",
    value: |id| json!(Target::course(id)),
};
