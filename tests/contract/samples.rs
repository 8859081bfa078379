//! One valid request for every operation that changes something, and for reads that want parameters, as a story: the
//! administrator tells it from top to bottom, and later lines use ids of earlier ones.
//!
//! **Adding an operation that is not a GET, or one with required parameters?** Add a line where its things exist.
//! Bodies may hold `{name}` for an id that an earlier line saved, and `{unique}` for a word that no other request has.
//! Reads and refusals are then tested with the same ids by the tests that walk the document.

use std::sync::LazyLock;

use serde_json::json;

use super::{
    operations::Operation,
    sample::{Sample, bare, json_body, raw, with_query},
    scim,
};

/// With the key that the story gave to a person before.
fn with_known_key(operation: &'static str) -> Sample {
    json_body(operation, json!({"source": "{source}", "key": "{key}"}))
}

fn with_new_key(operation: &'static str, id: &str) -> Sample {
    let row = json!({"row_key": "1", "id": id, "add": {"source": "erp", "key": "{unique}"}});
    json_body(operation, json!({ "rows": [row] }))
}

const FORM: &str = "application/x-www-form-urlencoded";

const BYTES: &str = "application/offset+octet-stream";

fn files() -> Vec<Sample> {
    vec![
        raw("put_upload", "?file_name=notes.txt", "text/plain", "Read this.").saves("file_upload_id"),
        bare("create_upload")
            .with_headers(&[("Upload-Length", "10")])
            .saves("upload_id"),
        raw("append_to_upload", "", BYTES, "Read").with_headers(&[("Upload-Offset", "0")]),
    ]
}

fn signs_in() -> Sample {
    let form = "grant_type=password&username={username}&password=a+long+password";
    raw("create_token", "", FORM, form)
}

/// The story. A thing's end (archival, revocation) comes after all that need it alive.
pub fn samples() -> Vec<Sample> {
    let mut story = lives();
    story.extend(endings());
    story
}

/// The story as long as all that it tells of is alive. What can stand in the unit that is called home stands there.
pub fn lives() -> Vec<Sample> {
    let mut story = people();
    story.extend(absences());
    story.extend(access());
    story.extend(scim::samples());
    story.extend(files());
    story.extend(catalog());
    story.extend(enrollment());
    story.extend(rules());
    story.extend(exceptions());
    story.extend(credential());
    story.extend(imports());
    story.extend(mechanisms());
    story
}

fn people() -> Vec<Sample> {
    vec![
        json_body("create_org_unit", json!({"code": "home", "name": "Home"})).saves("home_unit_id"),
        json_body(
            "create_user",
            json!({"username": "{unique}", "given_name": "Ines", "family_name": "Silva", "status": "invited"}),
        )
        .saves("user_id"),
        json_body("create_user_invitation", json!({"delivery": "answer"})),
        json_body(
            "create_user",
            json!({"username": "{unique}", "given_name": "Ana", "family_name": "Silva", "org_unit_id": "{home_unit_id}"}),
        )
        .saves("user_id"),
        json_body("update_user", json!({"title": "Nurse"})),
        json_body("set_user_password", json!({"password": "a long password"})),
        bare("get_user").saves_at("username", "/username"),
        signs_in().saves_at("refresh_token", "/refresh_token"),
        raw("revoke_token", "", FORM, "token={refresh_token}"),
        signs_in().saves_at("refresh_token", "/refresh_token"),
        json_body("sign_out", json!({"refresh_token": "{refresh_token}"})),
        signs_in(),
        bare("end_user_sessions"),
        signs_in(),
        bare("list_user_sessions").saves_at("session_id", "/data/0/id"),
        bare("end_user_session"),
        json_body(
            "bulk_write_users",
            json!({"rows": [{"row_key": "1", "create":
                {"username": "{unique}", "given_name": "Bea", "family_name": "Silva", "org_unit_id": "{home_unit_id}"}}]}),
        ),
        json_body(
            "create_user_external_key",
            json!({"source": "hr", "key": "{unique}"}),
        )
        .saves_at("source", "/source"),
        json_body(
            "create_user_external_key",
            json!({"source": "hr", "key": "{unique}"}),
        )
        .saves_at("key", "/key"),
        bare("delete_user_external_key"),
        json_body(
            "bulk_write_user_external_keys",
            json!({"rows": [{"row_key": "1", "id": "{user_id}", "add": {"source": "payroll", "key": "{unique}"}}]}),
        ),
        with_query("explain_user_access", "?permission=users.read"),
        json_body(
            "create_org_unit",
            json!({"code": "{unique}", "name": "Sales", "parent_id": "{home_unit_id}"}),
        )
        .saves("org_unit_id"),
        json_body("update_org_unit", json!({"name": "Sales EMEA"})),
        json_body(
            "bulk_write_org_units",
            json!({"rows": [
                {"row_key": "1", "create":
                    {"code": "{unique}", "name": "Research", "parent_id": "{home_unit_id}"}},
                {"row_key": "2", "id": "{org_unit_id}", "update": {"name": "Sales Europe"}},
            ]}),
        ),
        with_new_key("bulk_write_org_unit_external_keys", "{org_unit_id}"),
        with_known_key("create_org_unit_external_key"),
        bare("delete_org_unit_external_key"),
        json_body(
            "create_location",
            json!({"code": "{unique}", "name": "Lisbon", "org_unit_id": "{home_unit_id}"}),
        )
        .saves("location_id"),
        json_body("update_location", json!({"capacity": 12})),
        json_body(
            "bulk_write_locations",
            json!({"rows": [
                {"row_key": "1", "create":
                    {"code": "{unique}", "name": "Porto", "org_unit_id": "{home_unit_id}"}},
                {"row_key": "2", "id": "{location_id}", "update": {"time_zone": "Europe/Lisbon"}},
            ]}),
        ),
        json_body(
            "create_group",
            json!({"code": "{unique}", "name": "First aiders"}),
        )
        .saves("group_id"),
        json_body("update_group", json!({"name": "Fire wardens"})),
        json_body(
            "bulk_write_groups",
            json!({"rows": [{"row_key": "1", "create":
                {"code": "{unique}", "name": "Nurses", "kind": "dynamic", "filter": "title eq \"Nurse\""}}]}),
        ),
        with_new_key("bulk_write_group_external_keys", "{group_id}"),
        with_known_key("create_group_external_key"),
        bare("delete_group_external_key"),
        json_body("change_group_members", json!({"add": ["{user_id}"]})),
        bare("remove_group_member"),
        bare("add_group_member"),
        json_body(
            "create_attribute_definition",
            json!({"name": "{unique}", "label": "Shift", "kind": "string"}),
        )
        .saves("attribute_definition_id"),
        json_body(
            "update_attribute_definition",
            json!({"allowed_values": ["early", "late"]}),
        ),
        json_body(
            "bulk_write_attribute_definitions",
            json!({"rows": [{"row_key": "1", "create": {"name": "{unique}", "label": "Floor", "kind": "number"}}]}),
        ),
    ]
}

fn absences() -> Vec<Sample> {
    vec![
        json_body(
            "create_absence",
            json!({"user_id": "{user_id}", "kind": "parental_leave", "starts_on": "2027-03-01"}),
        )
        .saves("absence_id"),
        json_body("update_absence", json!({"note": "Agreed with HR."})),
        json_body(
            "bulk_write_absences",
            json!({"rows": [
                {"row_key": "1", "create": {"user_id": "{user_id}", "kind": "sickness", "starts_on": "2024-01-08",
                    "ends_on": "2024-01-12"}},
                {"row_key": "2", "id": "{absence_id}", "update": {"kind": "leave"}},
            ]}),
        ),
    ]
}

fn access() -> Vec<Sample> {
    vec![
        json_body(
            "create_role",
            json!({"code": "r{unique}", "name": "Granted", "permissions": ["users.read"]}),
        )
        .saves("granted_role_id"),
        json_body(
            "create_role",
            json!({"code": "r{unique}", "name": "Reader", "permissions": ["users.read"]}),
        )
        .saves("role_id"),
        json_body(
            "update_role",
            json!({"description": "Reads.", "permissions": ["users.read", "groups.read"]}),
        ),
        json_body(
            "bulk_write_roles",
            json!({"rows": [
                {"row_key": "1", "create": {"code": "r{unique}", "name": "Nobody", "permissions": []}},
                {"row_key": "2", "id": "{role_id}", "update": {"name": "Readers"}},
            ]}),
        ),
        json_body("create_service_account", json!({"name": "feed {unique}"})).saves("service_account_id"),
        json_body("update_service_account", json!({"name": "HR feed {unique}"})),
        json_body(
            "create_grant",
            json!({"principal_kind": "service_account", "principal_id": "{service_account_id}",
                "role_id": "{role_id}", "scope_kind": "org_unit", "scope_id": "{home_unit_id}"}),
        )
        .saves("grant_id"),
        json_body(
            "bulk_write_grants",
            json!({"rows": [{"row_key": "1", "create": {"principal_kind": "user", "principal_id": "{user_id}",
                "role_id": "{granted_role_id}", "scope_kind": "org_unit", "scope_id": "{home_unit_id}"}}]}),
        ),
        json_body("create_service_account_secret", json!({})).saves_at("secret_id", "/record/id"),
        bare("revoke_service_account_secret"),
        json_body(
            "create_identity_provider",
            json!({"code": "p{unique}", "name": "Company account", "issuer": "https://{unique}.example.com",
                "client_id": "provost", "links_external_key": {"claim": "employee_number", "source": "hr"},
                "groups_claim": "groups", "groups": [{"value": "first-aid", "group_id": "{group_id}"}]}),
        )
        .saves("identity_provider_id"),
        json_body("update_identity_provider", json!({"updates_people": true})),
        json_body(
            "link_user_identity",
            json!({"identity_provider_id": "{identity_provider_id}", "subject": "{unique}"}),
        )
        .saves("identity_id"),
        bare("unlink_user_identity"),
        json_body(
            "link_user_identity",
            json!({"identity_provider_id": "{identity_provider_id}", "subject": "{unique}"}),
        )
        .saves("identity_id"),
    ]
}

fn catalog() -> Vec<Sample> {
    vec![
        json_body("create_category", json!({"code": "{unique}", "name": "Safety"})).saves("category_id"),
        json_body("update_category", json!({"name": "Health and safety"})),
        json_body(
            "bulk_write_categories",
            json!({"rows": [
                {"row_key": "1", "create": {"code": "{unique}", "name": "Law"}},
                {"row_key": "2", "id": "{category_id}", "update": {"name": "Safety"}},
            ]}),
        ),
        json_body(
            "create_content",
            json!({"code": "{unique}", "kind": "file", "title": "Notes", "language": "en",
                "category_id": "{category_id}"}),
        )
        .saves("content_id"),
        json_body("create_content_version", json!({"upload_id": "{file_upload_id}"}))
            .saves_at("content_version_number", "/number"),
        bare("create_content_download"),
        bare("delete_content_version"),
        json_body(
            "create_content",
            json!({"code": "{unique}", "kind": "page", "title": "Fire doors", "language": "en",
                "category_id": "{category_id}"}),
        )
        .saves("content_id"),
        json_body("update_content", json!({"title": "Doors"})),
        json_body(
            "bulk_write_contents",
            json!({"rows": [
                {"row_key": "1", "create":
                    {"code": "{unique}", "kind": "link", "title": "Ice", "language": "en", "category_id": "{category_id}"}},
                {"row_key": "2", "id": "{content_id}", "update": {"title": "Fire doors"}},
            ]}),
        ),
        json_body(
            "create_content_version",
            json!({"format": "markdown", "text": "# Doors\n\nKeep them shut.", "note": "First"}),
        )
        .saves_at("content_version_number", "/number"),
        bare("get_content_version").saves_at("content_version_id", "/id"),
        json_body(
            "replace_content_checks",
            json!({"checks": [{"code": "alt_missing", "action": "block"}]}),
        ),
        json_body(
            "create_course",
            json!({"code": "{unique}", "title": "Fire", "language": "en", "category_id": "{category_id}",
                "modules": [{"title": "Doors"}]}),
        )
        .saves("course_id"),
        json_body("update_course", json!({"title": "Fire and smoke"})),
        json_body(
            "bulk_write_courses",
            json!({"rows": [
                {"row_key": "1", "create":
                    {"code": "{unique}", "title": "Ice", "language": "en", "category_id": "{category_id}",
                        "modules": [{"title": "Doors", "activities":
                            [{"title": "Doors", "kind": "content", "content_version_id": "{content_version_id}"}]}]}},
                {"row_key": "2", "id": "{course_id}", "update": {"credits": 1}},
            ]}),
        )
        .saves_at("bulk_course_id", "/results/0/resource/id"),
        bare("publish_course").saves_at("number", "/number"),
        json_body(
            "replace_course_outline",
            json!({"modules": [{"title": "Doors", "activities": activities()}]}),
        ),
        bare("get_me").saves("own_id"),
        json_body(
            "create_course_candidate",
            json!({"note": "Try the doors.", "tester_ids": ["{own_id}"]}),
        )
        .saves_at("candidate_number", "/number"),
        bare("get_course_candidate").saves_at("enrollment_id", "/testers/0/enrollment_id"),
        json_body("add_course_testers", json!({"user_ids": ["{user_id}"]})),
        json_body(
            "give_verdict",
            json!({"verdict": "approved", "note": "The doors open."}),
        ),
        json_body("publish_course_candidate", json!({"without_approval": true})),
        json_body("replace_course_outline", json!({"modules": [{"title": "Smoke"}]})),
        json_body("create_course_candidate", json!({})).saves_at("candidate_number", "/number"),
        bare("withdraw_course_candidate"),
        json_body("plan_enrollment_moves", json!({"in_progress": "move"})).saves_at("moves_hash", "/plan_hash"),
        json_body(
            "apply_enrollment_moves",
            json!({"moves": {"in_progress": "move"}, "plan_hash": "{moves_hash}"}),
        )
        .then_jobs(),
        json_body("clone_course", json!({"code": "{unique}"})).saves("copied_course_id"),
        with_new_key("bulk_write_course_external_keys", "{course_id}"),
        with_known_key("create_course_external_key"),
        bare("delete_course_external_key"),
    ]
}

/// Something to open, something to declare and things to confirm.
fn activities() -> serde_json::Value {
    let confirmed = json!({"title": "Practice", "kind": "task", "criterion": {"kind": "confirmed"}});
    json!([
        {"title": "Plan", "kind": "link", "url": "https://learn.example.com/plan", "criterion": {"kind": "viewed"}, "attempts": 2},
        {"title": "Understood", "kind": "task", "criterion": {"kind": "declared", "text": "I have read the plan."}},
        confirmed,
        confirmed,
    ])
}

fn learning() -> Vec<Sample> {
    let activity = |pointer| bare("list_enrollment_activities").saves_at("activity_id", pointer);
    vec![
        activity("/modules/0/activities/2/id"),
        json_body("create_confirmation", json!({"score": 90, "note": "Seen."})),
        activity("/modules/0/activities/0/id"),
        json_body(
            "grant_attempts",
            json!({"count": 1, "reason": "The screen froze."}),
        ),
        json_body(
            "reset_enrollment_activity",
            json!({"reason": "To be read again."}),
        ),
        json_body(
            "correct_enrollment_activity",
            json!({"state": "completed", "reason": "Read on paper."}),
        ),
    ]
}

/// What learners do themselves.
fn taking() -> Vec<Sample> {
    let activity = |pointer| bare("list_enrollment_activities").saves_at("activity_id", pointer);
    vec![
        json_body(
            "create_enrollment",
            json!({"user_id": "{own_id}", "course_id": "{course_id}"}),
        )
        .saves("enrollment_id"),
        activity("/modules/0/activities/1/id"),
        json_body("create_declaration", json!({"name": "Ana Silva"})),
        activity("/modules/0/activities/0/id"),
        json_body("create_launch", json!({})),
    ]
}

fn enrollment() -> Vec<Sample> {
    let mut story = taking();
    story.extend([
        json_body(
            "create_enrollment",
            json!({"user_id": "{user_id}", "course_id": "{course_id}"}),
        )
        .saves("enrollment_id"),
        json_body("update_enrollment", json!({"progress_percent": 50})),
    ]);
    story
    .into_iter()
    .chain(learning())
    .chain([
        json_body("withdraw_enrollment", json!({"reason": "Changed teams."})),
        json_body(
            "bulk_write_enrollments",
            json!({"rows": [{"row_key": "1", "create": {"user_id": "{user_id}", "course_id": "{course_id}"}}]}),
        ),
        json_body(
            "create_requirement",
            json!({"user_id": "{user_id}", "target": {"kind": "course", "id": "{course_id}"}}),
        )
        .saves("requirement_id"),
        bare("compare_requirements")
            .saves("operation_id")
            .then_jobs(),
        bare("get_operation").saves_at("comparison_hash", "/result/plan_hash"),
        json_body(
            "apply_requirement_comparison",
            json!({"plan_hash": "{comparison_hash}"}),
        )
        .then_jobs(),
        bare("get_requirement").saves_at("reason_id", "/reasons/0/id"),
        bare("delete_requirement_reason"),
        json_body(
            "bulk_write_requirements",
            json!({"rows": [{"row_key": "1",
                "create": {"user_id": "{user_id}", "target": {"kind": "course", "id": "{course_id}"}}}]}),
        ),
    ])
    .collect()
}

fn rules() -> Vec<Sample> {
    vec![
        json_body(
            "create_rule",
            json!({"code": "{unique}", "name": "Nurses", "audience": {"filter": "title eq \"Nurse\""},
                "targets": [{"kind": "course", "id": "{course_id}"}], "due": {"kind": "after_hire", "offset": "P30D"}}),
        )
        .saves("rule_id"),
        json_body("update_rule", json!({"name": "All nurses"})),
        json_body(
            "bulk_write_rules",
            json!({"rows": [
                {"row_key": "1", "create": {"code": "{unique}", "name": "Cooks", "audience": {"filter": "title eq \"Cook\""},
                    "due": {"kind": "after_joining", "offset": "P30D"}}},
                {"row_key": "2", "id": "{rule_id}", "update": {"name": "Every nurse"}},
            ]}),
        ),
        bare("activate_rule"),
        bare("pause_rule"),
        json_body("plan_rule", json!({}))
            .saves("operation_id")
            .then_jobs(),
        bare("get_operation").saves("plan_id"),
        bare("get_operation").saves_at("rule_plan_hash", "/result/plan_hash"),
        bare("list_rule_plan_changes"),
        json_body("apply_rule", json!({"plan_hash": "{rule_plan_hash}"})).then_jobs(),
        bare("get_rule_figures"),
        // The nurse has no first day of work.
        bare("list_rule_issues").saves_at("rule_issue_id", "/data/0/id"),
        json_body("update_rule_issue", json!({"choice": "count_from_joining", "note": "A contractor."})),
        json_body(
            "bulk_write_rule_issues",
            json!({"rows": [{"row_key": "1", "id": "{rule_issue_id}", "update": {"choice": "no_due_date", "note": "Never."}}]}),
        ),
        json_body(
            "resolve_rule_issues",
            json!({"kind": "missing_date", "choice": "due_on", "due_on": "2031-01-31", "note": "As agreed."}),
        )
        .then_jobs(),
    ]
}

fn exceptions() -> Vec<Sample> {
    vec![
        json_body(
            "create_rule_override",
            json!({"rule_id": "{rule_id}", "user_id": "{user_id}", "effect": "required",
                "reason": "Helps out on the ward."}),
        )
        .saves("rule_override_id"),
        json_body(
            "update_rule_override",
            json!({"reason": "Helps out on two wards."}),
        ),
        json_body(
            "bulk_write_rule_overrides",
            json!({"rows": [
                {"row_key": "1", "create": {"rule_id": "{rule_id}", "user_id": "{user_id}", "effect": "released",
                    "reason": "Works elsewhere."}},
                {"row_key": "2", "id": "{rule_override_id}", "update": {"reason": "Helps out on three wards."}},
            ]}),
        ),
        json_body(
            "create_extension",
            json!({"user_id": "{user_id}", "target": {"kind": "course", "id": "{course_id}"},
                "due_on": "2031-01-31", "reason": "The training room was flooded."}),
        )
        .saves("extension_id"),
        json_body("update_extension", json!({"due_on": "2031-02-28"})),
        json_body(
            "bulk_write_extensions",
            json!({"rows": [
                {"row_key": "1", "create": {"group_id": "{group_id}", "target": {"kind": "course", "id": "{course_id}"},
                    "due_on": "2031-01-31", "reason": "The trainer was ill."}},
                {"row_key": "2", "id": "{extension_id}", "update": {"reason": "The room was flooded."}},
            ]}),
        ),
        json_body(
            "create_waiver",
            json!({"user_id": "{user_id}", "target": {"kind": "course", "id": "{course_id}"},
                "begins_on": "2031-01-01", "reason": "Serves in the fire brigade."}),
        )
        .saves("waiver_id"),
        json_body("update_waiver", json!({"evidence": "Licence 4711"})),
        json_body(
            "bulk_write_waivers",
            json!({"rows": [
                {"row_key": "1", "create": {"user_id": "{user_id}", "target": {"kind": "course", "id": "{course_id}"},
                    "begins_on": "2030-01-01", "expires_on": "2030-12-31", "reason": "Took it at the previous employer."}},
                {"row_key": "2", "id": "{waiver_id}", "update": {"reason": "Leads the fire brigade."}},
            ]}),
        ),
        json_body(
            "create_course_equivalence",
            json!({"course_id": "{course_id}", "equivalent_id": "{copied_course_id}"}),
        )
        .saves("course_equivalence_id"),
        json_body("update_course_equivalence", json!({"note": "The same content."})),
        json_body(
            "bulk_write_course_equivalences",
            json!({"rows": [
                {"row_key": "1", "create": {"course_id": "{bulk_course_id}", "equivalent_id": "{course_id}"}},
                {"row_key": "2", "id": "{course_equivalence_id}", "update": {"note": "The same content, shorter."}},
            ]}),
        ),
    ]
}

fn credential() -> Vec<Sample> {
    vec![
        json_body(
            "create_certificate_template",
            json!({"code": "{unique}", "name": "Plain"}),
        )
        .saves("template_id"),
        json_body("update_certificate_template", json!({"name": "Plainer"})),
        bare("preview_certificate_template"),
        json_body(
            "create_completion",
            json!({"user_id": "{user_id}", "course_id": "{course_id}"}),
        )
        .saves("completion_id")
        .then_jobs(),
        bare("list_certificates").saves_at("certificate_id", "/data/0/id"),
        json_body("reissue_certificate", json!({"reason": "The name was misspelt."})).saves("certificate_id"),
        json_body("revoke_certificate", json!({"reason": "Issued in error."})),
        json_body(
            "correct_completion",
            json!({"reason": "The score was missing.", "score": 80}),
        )
        .then_jobs(),
        json_body(
            "bulk_write_completions",
            json!({"rows": [{"row_key": "1", "create": {"user_id": "{user_id}", "course_id": "{course_id}"}}]}),
        ),
        with_query("list_events", "?sort=-position").saves_at("event_id", "/data/0/id"),
    ]
}

fn imports() -> Vec<Sample> {
    vec![
        json_body(
            "create_import_profile",
            json!({"code": "feed", "name": "Feed", "resource": "users", "mapping": {
                "key": {"source": "feed", "value": {"column": "id"}},
                "fields": {"username": {"template": "feed-{id}"}, "given_name": {"column": "name"}},
            }}),
        )
        .saves("import_profile_id"),
        json_body("update_import_profile", json!({"name": "Nightly feed"})),
        raw("create_import", "?profile=feed", "text/csv", "id,name\n1,Cem\n")
            .saves("import_id")
            .then_jobs(),
        bare("get_import").saves_at("import_plan_hash", "/plan_hash"),
        json_body("apply_import", json!({"plan_hash": "{import_plan_hash}"})).then_jobs(),
    ]
}

fn mechanisms() -> Vec<Sample> {
    vec![
        bare("verify_ledger").saves("operation_id"),
        bare("list_jobs").saves_at("job_id", "/data/0/id"),
        bare("list_set_aside_events").saves_at("set_aside_event_id", "/data/0/id"),
        bare("list_signed_heads").saves_at("signed_head_id", "/data/0/id"),
        bare("cancel_operation"),
    ]
}

/// How things end.
pub fn endings() -> Vec<Sample> {
    vec![
        bare("delete_scim_group"),
        bare("delete_scim_user"),
        bare("delete_upload"),
        bare("archive_import_profile"),
        bare("archive_certificate_template"),
        bare("archive_course_equivalence"),
        bare("restore_course_equivalence"),
        bare("archive_waiver"),
        bare("restore_waiver"),
        bare("archive_extension"),
        bare("restore_extension"),
        bare("archive_rule_override"),
        bare("restore_rule_override"),
        bare("archive_absence"),
        bare("restore_absence"),
        // One that is active is archived by plan.
        json_body(
            "create_rule",
            json!({"code": "{unique}", "name": "Draft", "audience": {}, "due": {"kind": "after_joining", "offset": "P1D"}}),
        )
        .saves("rule_id"),
        bare("archive_rule"),
        bare("retire_course"),
        bare("restore_course"),
        json_body(
            "create_content",
            json!({"code": "{unique}", "kind": "link", "title": "In no course", "language": "en",
                "category_id": "{category_id}"}),
        )
        .saves("content_id"),
        bare("archive_content"),
        bare("restore_content"),
        json_body(
            "create_category",
            json!({"code": "{unique}", "name": "Without courses"}),
        )
        .saves("category_id"),
        bare("archive_category"),
        bare("restore_category"),
        bare("archive_attribute_definition"),
        bare("restore_attribute_definition"),
        bare("archive_group"),
        bare("restore_group"),
        bare("archive_location"),
        bare("restore_location"),
        bare("archive_org_unit"),
        bare("restore_org_unit"),
        bare("revoke_grant"),
        bare("archive_role"),
    ]
}

/// The last sample of an operation.
pub fn of(operation: &Operation) -> Option<Sample> {
    static SAMPLES: LazyLock<Vec<Sample>> = LazyLock::new(samples);
    let mut samples = SAMPLES.iter().rev();
    samples.find(|sample| sample.operation == operation.id).cloned()
}
