//! The bodies of SCIM for the API's document. They are open: clients may say more than is named here, and what a server
//! knows of them is shown by `/scim/v2/Schemas`.

use utoipa::openapi::{
    ArrayBuilder, ObjectBuilder, RefOr, Schema,
    schema::{AdditionalProperties, SchemaType, Type},
};

/// What a member of an open object holds.
enum MemberKind {
    Text,
    Number,
    Truth,
    Texts,
    Objects,
}

/// An object with members that are named, and others.
fn open(doc: &str, required: &[&str], members: &[(&str, MemberKind, &str)]) -> RefOr<Schema> {
    let one = |kind: Type, doc: &str| {
        ObjectBuilder::new()
            .schema_type(SchemaType::new(kind))
            .description(Some(doc))
    };
    let many = |items: ObjectBuilder, doc: &str| ArrayBuilder::new().items(items).description(Some(doc));
    let any = || ObjectBuilder::new().additional_properties(Some(AdditionalProperties::FreeForm(true)));
    let object = members
        .iter()
        .fold(ObjectBuilder::new(), |object, (name, holds, doc)| match holds {
            MemberKind::Text => object.property(*name, one(Type::String, doc)),
            MemberKind::Number => object.property(*name, one(Type::Integer, doc)),
            MemberKind::Truth => object.property(*name, one(Type::Boolean, doc)),
            MemberKind::Texts => object.property(
                *name,
                many(
                    ObjectBuilder::new().schema_type(SchemaType::new(Type::String)),
                    doc,
                ),
            ),
            MemberKind::Objects => object.property(*name, many(any(), doc)),
        });
    required
        .iter()
        .fold(object, |object, name| object.required(*name))
        .description(Some(doc))
        .additional_properties(Some(AdditionalProperties::FreeForm(true)))
        .into()
}

macro_rules! open {
    ($($(#[doc = $doc:literal])* $name:ident requires $required:expr, { $($member:literal: $holds:ident, $about:literal;)* })*) => {$(
        $(#[doc = $doc])*
        #[derive(Debug)]
        pub struct $name;

        impl utoipa::__dev::ComposeSchema for $name {
            fn compose(_: Vec<RefOr<Schema>>) -> RefOr<Schema> {
                open(concat!($($doc, "\n"),*).trim(), $required, &[$(($member, MemberKind::$holds, $about)),*])
            }
        }

        impl utoipa::ToSchema for $name {
            fn name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }
        }
    )*};
}

open! {
    /// A SCIM user (RFC 7643, section 4.1), with the enterprise extension and Provost's extension.
    ScimUser requires &[], {
        "schemas": Texts, "The URNs of what it holds.";
        "id": Text, "Our id.";
        "externalId": Text, "What the client calls them.";
        "userName": Text, "The new password.";
        "displayName": Text, "The name to be shown.";
        "active": Truth, "Whether they may sign in.";
    }

    /// A SCIM group (RFC 7643, section 4.2).
    ScimGroup requires &[], {
        "schemas": Texts, "The URNs of what it holds.";
        "id": Text, "Our id.";
        "externalId": Text, "What the client calls it.";
        "displayName": Text, "Its display name.";
        "members": Objects, "The people who are in it.";
    }

    /// A page of a list (RFC 7644, section 3.4.2; RFC 9865).
    ScimList requires &["schemas", "totalResults"], {
        "schemas": Texts, "`urn:ietf:params:scim:api:messages:2.0:ListResponse`.";
        "totalResults": Number, "How many there are in all.";
        "itemsPerPage": Number, "How many this page has.";
        "startIndex": Number, "Where the page begins, counted from 1.";
        "nextCursor": Text, "What to send as `cursor` for the next page.";
        "Resources": Objects, "The page.";
    }

    /// A PATCH request (RFC 7644, section 3.5.2).
    ScimPatch requires &["Operations"], {
        "schemas": Texts, "`urn:ietf:params:scim:api:messages:2.0:PatchOp`.";
        "Operations": Objects, "The operations, done in their order: each an object with `op`, `path` and `value`.";
    }

    /// A search request (RFC 7644, section 3.4.3).
    ScimSearch requires &[], {
        "schemas": Texts, "`urn:ietf:params:scim:api:messages:2.0:SearchRequest`.";
        "filter": Text, "Which resources.";
        "sortBy": Text, "The attribute to order by.";
        "sortOrder": Text, "`ascending` or `descending`.";
        "startIndex": Number, "Where the page begins, counted from 1.";
        "count": Number, "Resources a page.";
        "cursor": Text, "Where the page begins, by cursor.";
        "attributes": Texts, "The attributes to be answered.";
        "excludedAttributes": Texts, "The attributes to be left out.";
    }

    /// Requests that are done one after the other (RFC 7644, section 3.7), or what became of them.
    ScimBulk requires &["Operations"], {
        "schemas": Texts, "`urn:ietf:params:scim:api:messages:2.0:BulkRequest`; of an answer, `…:BulkResponse`.";
        "failOnErrors": Number, "After so many errors the rest is left undone.";
        "Operations": Objects, "The requests, each with `method`, `path`, `bulkId` and `data`; of an answer, their `status`, `location` and `response`.";
    }

    /// A SCIM discovery resource.
    ScimDescription requires &["schemas"], {
        "schemas": Texts, "The URNs of what it holds.";
    }
}
