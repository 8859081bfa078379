//! What SCIM's filters may say about groups and about their members.

use crate::{
    filter::{Attribute, Column, Kind, Part, Schema},
    http::{Listing, Sort, list::SortKind},
    scim::schema::CORE_GROUP,
};

/// The attributes of groups.
pub static GROUPS: Schema = Schema::new(&[
    Attribute::scalar("id", Kind::Id, "groups.id", "As in SCIM."),
    Attribute {
        name: "externalId",
        kind: Kind::Exact,
        column: Column::Exists {
            from: "external_keys own",
            on: "own.kind = 'group' AND own.source = client.source AND own.object_id = groups.id",
            value: "own.key",
        },
        doc: "As in SCIM.",
    },
    Attribute::scalar("displayName", Kind::Folded, "groups.name", "As in SCIM."),
    Attribute {
        name: "members",
        kind: Kind::Id,
        column: Column::Complex {
            from: "group_members m",
            on: "m.group_id = groups.id",
            parts: &[
                Part {
                    name: "value",
                    kind: Kind::Id,
                    value: "m.user_id",
                    doc: "As in SCIM.",
                },
                Part {
                    name: "type",
                    kind: Kind::String,
                    value: "'User'",
                    doc: "As in SCIM.",
                },
            ],
        },
        doc: "As in SCIM.",
    },
    Attribute::scalar("meta.resourceType", Kind::String, "'Group'", "As in SCIM."),
    Attribute::scalar("meta.created", Kind::Instant, "groups.created_at", "As in SCIM."),
    Attribute::scalar(
        "meta.lastModified",
        Kind::Instant,
        "groups.updated_at",
        "As in SCIM.",
    ),
])
.with_urns(&[CORE_GROUP])
.with_boolean_texts()
.with_opaque_ids();

/// What the path of a PATCH may say of members.
pub static MEMBERS: Schema = Schema::new(&[
    Attribute::scalar("value", Kind::Id, "users.id", "As in SCIM."),
    Attribute::scalar("type", Kind::String, "'User'", "As in SCIM."),
    Attribute::scalar(
        "display",
        Kind::String,
        "btrim(concat(users.given_name, ' ', users.family_name))",
        "As in SCIM.",
    ),
])
.with_opaque_ids();

const fn sort(name: &'static str, column: &'static str, kind: SortKind) -> Sort {
    Sort { name, column, kind }
}

/// The orders of the list. Without one, as they were added.
pub const LISTING: Listing = Listing {
    id: "groups.id",
    sorts: &[
        sort("meta.created", "groups.created_at", SortKind::Instant),
        sort("meta.lastModified", "groups.updated_at", SortKind::Instant),
        sort("id", "groups.id::text", SortKind::Text),
        sort("displayName", "groups.name", SortKind::Text),
        sort("externalId", "coalesce((SELECT own.key FROM external_keys own WHERE own.kind = 'group' AND own.source = client.source
                AND own.object_id = groups.id LIMIT 1), '')", SortKind::Text),
    ],
};
