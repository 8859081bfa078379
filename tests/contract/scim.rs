//! The part of the story that is told by SCIM.

use serde_json::json;

use super::sample::{Sample, json_body};

/// Where SCIM says which unit somebody belongs to.
const HOMES: &str = provost::scim::schema::PROVOST_USER;

/// Of things of its own, since what it deletes is gone for it.
pub fn samples() -> Vec<Sample> {
    vec![
        json_body(
            "create_scim_user",
            json!({"userName": "{unique}", HOMES: {"orgUnit": "home"}}),
        )
        .saves("scim_user_id"),
        json_body(
            "replace_scim_user",
            json!({"userName": "{unique}", "nickName": "Ana", HOMES: {"orgUnit": "home"}}),
        ),
        json_body(
            "update_scim_user",
            json!({"Operations": [{"op": "replace", "path": "title", "value": "Nurse"}]}),
        ),
        json_body("search_scim_users", json!({"filter": "userName pr"})),
        json_body("create_scim_group", json!({"displayName": "{unique}"})).saves("scim_group_id"),
        json_body("replace_scim_group", json!({"displayName": "{unique}"})),
        json_body(
            "update_scim_group",
            json!({"Operations": [{"op": "add", "path": "members", "value": [{"value": "{scim_user_id}"}]}]}),
        ),
        json_body("search_scim_groups", json!({"filter": "displayName pr"})),
        json_body("search_scim", json!({"filter": "id pr"})),
        json_body(
            "bulk_write_scim",
            json!({"Operations": [{"method": "POST", "path": "/Users", "bulkId": "b", "data":
                {"userName": "{unique}", HOMES: {"orgUnit": "home"}}}]}),
        ),
    ]
}
