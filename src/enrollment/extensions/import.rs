//! Extensions as a target of imports.

use serde_json::json;

use super::model::Extension;
use crate::{
    authz::Permission,
    enrollment::waivers::import::{OF_COURSE, THE_COURSE},
    import::{
        mapping::ReferenceBy,
        resources::{MATCH_BY_ID, Named, ResourceImport, RowReference, STATUS, STILL_MISSING},
        target::{Declaration, Empty, Kind, Reference},
    },
    people::{
        absences::import::{OF_USER, THE_USER},
        events::key_added,
    },
};

/// Writes extensions.
pub const IMPORT: ResourceImport<Extension> = ResourceImport::new(
    &Declaration {
        resource: "extensions",
        table: "extensions",
        external_kind: "extension",
        permissions: &[
            Permission::ExtensionsWrite,
            Permission::UsersRead,
            Permission::GroupsRead,
            Permission::CoursesRead,
        ],
        reads: &[
            Permission::ExtensionsRead,
            Permission::UsersRead,
            Permission::GroupsRead,
            Permission::CoursesRead,
        ],
        status: STATUS,
        ends_first: true,
        new_ones_lock: true,
        matches: MATCH_BY_ID,
        references: &[
            Reference {
                is_required: false,
                ..THE_USER
            },
            Reference {
                name: "group",
                is_required: false,
                by: &[ReferenceBy::Code, ReferenceBy::Key, ReferenceBy::Id],
                made: &[],
                is_path: false,
                is_tree: false,
                is_same: "t.group_id::text IS NOT DISTINCT FROM r.refs ->> 'group_id'",
                shown: "(SELECT n.code FROM groups n WHERE n.id = t.group_id)",
            },
            THE_COURSE,
        ],
        missing: &["archived"],
        gone: &["archived"],
        still_missing: STILL_MISSING,
    },
    key_added("extension"),
    &[
        ("due_on", || Kind::Date, Empty::Refused),
        ("reason", || Kind::Lines(1_000), Empty::Refused),
    ],
    &[
        OF_USER,
        RowReference {
            name: "group",
            id: "group_id",
            named: &Named {
                name: "group",
                table: "groups",
                external_kind: Some("group"),
                code: "code",
            },
            member: "group_id",
            pointer: "/group_id",
            value: |id| json!(id),
        },
        OF_COURSE,
    ],
);
