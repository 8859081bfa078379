//! Absences as a target of imports.

use serde_json::json;

use super::model::{Absence, AbsenceKind};
use crate::{
    authz::Permission,
    import::{
        mapping::ReferenceBy,
        resources::{MATCH_BY_ID, ResourceImport, RowReference, STATUS, STILL_MISSING},
        target::{Declaration, Empty, Kind, Reference},
    },
    people::{events::key_added, users::import::USER},
};

/// Writes absences.
pub const IMPORT: ResourceImport<Absence> = ResourceImport::new(
    &Declaration {
        resource: "absences",
        table: "absences",
        external_kind: "absence",
        permissions: &[Permission::AbsencesWrite, Permission::UsersRead],
        reads: &[Permission::AbsencesRead, Permission::UsersRead],
        status: STATUS,
        ends_first: true,
        new_ones_lock: true,
        matches: MATCH_BY_ID,
        references: &[THE_USER],
        missing: &["archived"],
        gone: &["archived"],
        still_missing: STILL_MISSING,
    },
    key_added("absence"),
    &[
        ("kind", || Kind::one_of(AbsenceKind::WORDS), Empty::Refused),
        ("starts_on", || Kind::Date, Empty::Refused),
        ("ends_on", || Kind::Date, Empty::Null),
        ("note", || Kind::Lines(1_000), Empty::Null),
    ],
    &[OF_USER],
);

/// The user of whom a row speaks.
pub const THE_USER: Reference = Reference {
    name: "user",
    is_required: true,
    by: &[ReferenceBy::Username, ReferenceBy::Key, ReferenceBy::Id],
    made: &[],
    is_path: false,
    is_tree: false,
    is_same: "t.user_id::text IS NOT DISTINCT FROM r.refs ->> 'user_id'",
    shown: "(SELECT u.username FROM users u WHERE u.id = t.user_id)",
};

/// The same in the bodies of the API.
pub const OF_USER: RowReference = RowReference {
    name: "user",
    id: "user_id",
    named: &USER,
    member: "user_id",
    pointer: "/user_id",
    value: |id| json!(id),
};
