//! What SCIM's filters may say about people, over the row, the client's external key and what SCIM keeps.
//! `client` is who asks, by the source of its keys.

use crate::{
    filter::{Attribute, Column, Kind, Part, Schema},
    http::{Listing, Sort, list::SortKind},
    scim::schema::{CORE_USER, ENTERPRISE_USER, PROVOST_USER},
};

macro_rules! attributes {
    (searched: $($searched:literal $searched_column:literal;)*
     others: $($name:literal $kind:ident $column:literal;)*) => {
        &[
            $(Attribute {
                name: $searched,
                kind: Kind::Folded,
                column: Column::Searched {
                    column: $searched_column,
                    within: "users.search",
                },
                doc: "As in SCIM.",
            },)*
            $(Attribute::scalar($name, Kind::$kind, $column, "As in SCIM."),)*
            Attribute {
                name: "externalId",
                kind: Kind::Exact,
                column: Column::Exists {
                    from: "external_keys own",
                    on: "own.kind = 'user' AND own.source = client.source AND own.object_id = users.id",
                    value: "own.key",
                },
                doc: "As in SCIM.",
            },
            Attribute {
                name: "emails",
                kind: Kind::String,
                column: Column::Complex {
                    from: "users mail",
                    on: "mail.id = users.id AND mail.email IS NOT NULL",
                    parts: &[
                        part("value", Kind::Folded, "mail.email"),
                        part("type", Kind::String, "'work'"),
                        part("primary", Kind::Bool, "TRUE"),
                    ],
                },
                doc: "The address that people have here, as one for work.",
            },
            Attribute {
                name: "phoneNumbers",
                kind: Kind::String,
                column: Column::Complex {
                    from: "jsonb_to_recordset(scim_users.resource -> 'phoneNumbers') AS phone(value text, type text)",
                    on: "TRUE",
                    parts: &[
                        part("value", Kind::String, "phone.value"),
                        part("type", Kind::String, "phone.type"),
                    ],
                },
                doc: "As in SCIM.",
            },
            Attribute {
                name: "groups",
                kind: Kind::Id,
                column: Column::Complex {
                    from: "group_members m JOIN groups g ON g.id = m.group_id",
                    on: "m.user_id = users.id AND g.archived_at IS NULL",
                    parts: &[
                        part("value", Kind::Id, "g.id"),
                        part("display", Kind::Folded, "g.name"),
                    ],
                },
                doc: "As in SCIM.",
            },
        ]
    };
}

const fn part(name: &'static str, kind: Kind, value: &'static str) -> Part {
    Part {
        name,
        kind,
        value,
        doc: "As in SCIM.",
    }
}

/// The attributes of people.
pub static USERS: Schema = Schema::new(attributes! {
    searched:
    "userName" "users.username";
    "name.givenName" "users.given_name";
    "name.familyName" "users.family_name";
    others:
    "id" Id "users.id";
    "name.formatted" String "(scim_users.resource #>> '{name,formatted}')";
    "displayName" String "(scim_users.resource ->> 'displayName')";
    "nickName" String "(scim_users.resource ->> 'nickName')";
    "title" String "users.title";
    "userType" String "users.employment_type";
    "preferredLanguage" String "users.locale";
    "locale" String "(scim_users.resource ->> 'locale')";
    "timezone" String "users.time_zone";
    "active" Bool "(users.status = 'active')";
    "department" String "users.department";
    "costCenter" String "users.cost_centre";
    "employeeNumber" String "coalesce(users.attributes ->> 'employee_number', scim_users.resource #>> '{urn:ietf:params:scim:schemas:extension:enterprise:2.0:User,employeeNumber}')";
    "organization" String "coalesce(users.attributes ->> 'organization', scim_users.resource #>> '{urn:ietf:params:scim:schemas:extension:enterprise:2.0:User,organization}')";
    "division" String "coalesce(users.attributes ->> 'division', scim_users.resource #>> '{urn:ietf:params:scim:schemas:extension:enterprise:2.0:User,division}')";
    "manager" Id "users.manager_id";
    "manager.value" Id "users.manager_id";
    "orgUnit" String "(SELECT unit.code FROM org_units unit WHERE unit.id = users.org_unit_id)";
    "meta.resourceType" String "'User'";
    "meta.created" Instant "users.created_at";
    "meta.lastModified" Instant "greatest(users.updated_at, scim_users.updated_at)";
})
.with_urns(&[CORE_USER, ENTERPRISE_USER, PROVOST_USER])
.with_boolean_texts()
.with_opaque_ids();

const fn sort(name: &'static str, column: &'static str, kind: SortKind) -> Sort {
    Sort { name, column, kind }
}

/// The orders of the list. Without one, as they were added.
pub const LISTING: Listing = Listing {
    id: "users.id",
    sorts: &[
        sort("meta.created", "users.created_at", SortKind::Instant),
        sort(
            "meta.lastModified",
            "greatest(users.updated_at, scim_users.updated_at)",
            SortKind::Instant,
        ),
        sort("id", "users.id::text", SortKind::Text),
        sort("userName", "users.username", SortKind::Text),
        sort("name.familyName", "users.family_name", SortKind::Text),
        sort("name.givenName", "users.given_name", SortKind::Text),
        sort(
            "displayName",
            "coalesce(scim_users.resource ->> 'displayName', '')",
            SortKind::Text,
        ),
        sort("title", "coalesce(users.title, '')", SortKind::Text),
        sort("emails", "coalesce(users.email, '')", SortKind::Text),
        sort("emails.value", "coalesce(users.email, '')", SortKind::Text),
        sort("externalId", "coalesce((SELECT own.key FROM external_keys own WHERE own.kind = 'user' AND own.source = client.source
                AND own.object_id = users.id LIMIT 1), '')", SortKind::Text),
    ],
};
