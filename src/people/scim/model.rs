//! The bodies of SCIM for the API's document. They are open: clients may say more than is named here, and what a server
//! knows of them is shown by `/scim/v2/Schemas`.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

macro_rules! open {
    ($($(#[$doc:meta])* $name:ident { $($(#[$field:meta])* $field_name:ident: $type:ty,)* })*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
        #[serde(rename_all = "camelCase")]
        pub struct $name {
            $($(#[$field])* pub $field_name: $type,)*
            /// Whatever else belongs to it.
            #[serde(flatten)]
            pub others: Map<String, Value>,
        }
    )*};
}

open! {
    /// A person as SCIM has them (RFC 7643, section 4.1), with the enterprise extension and Provost's own.
    ScimUser {
        /// The URNs of what it holds.
        schemas: Option<Vec<String>>,
        /// Our id.
        #[schema(read_only)]
        id: Option<String>,
        /// What the client calls them.
        external_id: Option<String>,
        /// What they sign in with.
        #[schema(example = "ana.silva@example.com")]
        user_name: Option<String>,
        /// The name to be shown.
        display_name: Option<String>,
        /// Whether they may sign in.
        active: Option<bool>,
    }

    /// A group as SCIM has it (RFC 7643, section 4.2).
    ScimGroup {
        /// The URNs of what it holds.
        schemas: Option<Vec<String>>,
        /// Our id.
        #[schema(read_only)]
        id: Option<String>,
        /// What the client calls it.
        external_id: Option<String>,
        /// What people call it.
        #[schema(example = "First aiders")]
        display_name: Option<String>,
        /// The people who are in it.
        members: Option<Vec<Map<String, Value>>>,
    }

    /// A page of a list (RFC 7644, section 3.4.2; RFC 9865).
    ScimList {
        /// `urn:ietf:params:scim:api:messages:2.0:ListResponse`.
        schemas: Vec<String>,
        /// How many there are in all.
        total_results: i64,
        /// How many this page has.
        items_per_page: Option<i64>,
        /// Where the page begins, counted from 1.
        start_index: Option<i64>,
        /// What to send as `cursor` for the next page.
        next_cursor: Option<String>,
        /// The page.
        #[serde(rename = "Resources")]
        resources: Option<Vec<Map<String, Value>>>,
    }

    /// What is to be done to a resource (RFC 7644, section 3.5.2).
    ScimPatch {
        /// `urn:ietf:params:scim:api:messages:2.0:PatchOp`.
        schemas: Option<Vec<String>>,
        /// The operations, done in their order.
        #[serde(rename = "Operations")]
        #[schema(example = json!([{"op": "replace", "path": "active", "value": false}]))]
        operations: Vec<Map<String, Value>>,
    }

    /// What a search is for (RFC 7644, section 3.4.3).
    ScimSearch {
        /// `urn:ietf:params:scim:api:messages:2.0:SearchRequest`.
        schemas: Option<Vec<String>>,
        /// Which resources.
        #[schema(example = "userName sw \"a\"")]
        filter: Option<String>,
        /// Where the page begins, counted from 1.
        start_index: Option<i64>,
        /// Resources a page.
        count: Option<i64>,
        /// Where the page begins, by cursor.
        cursor: Option<String>,
    }

    /// Something that SCIM says of itself.
    ScimDescription {
        /// The URNs of what it holds.
        schemas: Vec<String>,
    }
}
