//! The API's document: OpenAPI 3.1 from the code, committed as `openapi/provost.json`.
//!
//! Handlers say what is theirs: summary, tag, permission, bodies. What all have in common is added here:
//! problems, security, `If-Match`, `Idempotency-Key`.

pub mod events;

use std::{
    borrow::Cow,
    collections::BTreeMap,
    sync::{LazyLock, OnceLock},
};

use actix_web::{HttpResponse, web};
use serde_json::{Map, Value, json};
use utoipa::{OpenApi as _, openapi::OpenApi};
use utoipa_actix_web::{AppExt, scope};

use crate::{
    access::{grants::model::Grant, roles::model::Role, service_accounts::model::ServiceAccount},
    authz::Permission,
    catalog::{
        categories::model::Category,
        contents::{model::Content, versions::model::ContentImport},
        courses::model::Course,
    },
    enrollment::{
        self,
        equivalences::model::CourseEquivalence,
        extensions::model::Extension,
        issues::model::{ResolvedIssues, RuleIssue},
        overrides::model::RuleOverride,
        rules::{
            comparison::{RequirementComparison, RequirementRepair},
            model::Rule,
            plan_model::RulePlan,
            reconcile::Outcome,
        },
        waivers::model::Waiver,
    },
    http::{Problem, forms},
    import::imports::model::ImportCounts,
    ledger::LedgerVerification,
    metrics::{Operations, find_operation},
    people::{
        absences::model::Absence, attributes::model::AttributeDefinition, groups::model::Group,
        locations::model::Location, org_units::model::OrgUnit, users::model::User,
    },
    report,
    resource::{Expansion, Listed},
    routes,
    scim::error::{self as scim, ScimError},
};

#[derive(utoipa::OpenApi)]
#[openapi(
    info(
        title = "Provost",
        description = include_str!("contract/introduction.md"),
        license(name = "MIT OR Apache-2.0", identifier = "MIT OR Apache-2.0"),
    ),
    servers((url = "/", description = "This server")),
    // `/docs` shows the groups in this order, which is the order of use.
    tags(
        (name = "users", description = "People: their data, status, managers and external keys, one by one or 1,000 at once."),
        (name = "org-units", description = "The tree of units that people belong to. A unit's code in filters and scopes means the unit and all below it."),
        (name = "locations", description = "Places where people work and where sessions take place."),
        (name = "absences", description = "Periods in which people are away, such as parental leave. Rules say what becomes of due dates in them."),
        (name = "groups", description = "Sets of users: static, with members that you add, or dynamic, by a filter."),
        (name = "attribute-definitions", description = "Custom attributes of people, such as a badge number. Filters name them `attributes.{name}`."),
        (name = "imports", description = "People, courses, absences and exceptions from rules from CSV files. A mapping profile says how to read a file; its plan is shown before it is applied."),
        (name = "categories", description = "Categories group courses. Access to courses can be granted by category."),
        (name = "contents", description = "The content library: files, pages, videos, links and packages that courses are made of, with immutable versions."),
        (name = "courses", description = "The catalog. A course is a draft until it is published; each publication is a version that never changes."),
        (name = "uploads", description = "Files that come in, by tus 1.0 or at once. What is made of them has operations of its own."),
        (name = "course-equivalences", description = "Courses whose completions count for other courses, one way or both ways."),
        (name = "rules", description = "Who must take what, by when, and how often. Plan a rule to see what it would change, then apply the plan."),
        (name = "requirements", description = "What people must do, with the reasons and the due date. Rules make them, and people can, too."),
        (name = "rule-issues", description = "Where a rule cannot say by when: users of whom something is required without a due date until somebody decides."),
        (name = "rule-overrides", description = "Exceptions from the audience of a rule: this user must, or need not, until a day, and why."),
        (name = "extensions", description = "More time for a user or a group: what they must complete is due on a later day."),
        (name = "waivers", description = "Exemptions: what a user need not complete, for a while or for good, and the evidence."),
        (name = "learning", description = "The activities of an enrollment: what is open, launches, attempts, corrections."),
        (name = "enrollments", description = "Who takes which course: enroll, start, withdraw."),
        (name = "completions", description = "Evidence that a user completed a course. It is corrected, never overwritten."),
        (name = "certificates", description = "Certificates for completions, as data and as PDF, and the templates that they are drawn from."),
        (name = "verification", description = "The public page that verifies a certificate by its serial number. It needs no token."),
        (name = "reports", description = "Compliance by org unit, overdue requirements and transcripts, as JSON or CSV."),
        (name = "events", description = "Every change, who made it and what was before: audit log and change feed. It can be verified."),
        (name = "operations", description = "Work that takes longer than a request: progress, result, cancel."),
        (name = "sign-in", description = "Tokens, passwords, invitations and sessions."),
        (name = "sso", description = "Sign-in by OpenID Connect providers, and the links between their accounts and users."),
        (name = "service-accounts", description = "Accounts of programs, with their secrets."),
        (name = "roles", description = "Sets of permissions: built in or your own."),
        (name = "grants", description = "Who holds which role, and in which scope."),
        (name = "scim", description = "People and groups from identity providers such as Microsoft Entra ID and Okta, by SCIM 2.0."),
        (name = "jobs", description = "Background work that failed for good, to inspect and retry."),
        (name = "system", description = "Health, readiness and metrics, for operators."),
    ),
    components(schemas(Problem, ScimError, ContentImport, ImportCounts, LedgerVerification, Outcome, ResolvedIssues,
        RequirementComparison, RequirementRepair, RulePlan)),
)]
struct Base;

/// The document as it is committed and served, with what all operations have in common. What it is made of is not kept: that
/// takes many times its room.
pub fn text() -> &'static str {
    static TEXT: LazyLock<String> = LazyLock::new(|| {
        let mut value = serde_json::to_value(build()).unwrap_or_default();
        value["webhooks"] = events::webhooks();
        let mut text = serde_json::to_string_pretty(&value).unwrap_or_default();
        text.push('\n');
        text
    });
    &TEXT
}

/// The methods that each path of the document answers.
fn paths() -> &'static BTreeMap<String, Vec<&'static str>> {
    static PATHS: OnceLock<BTreeMap<String, Vec<&'static str>>> = OnceLock::new();
    PATHS.get_or_init(|| {
        let document: Value = serde_json::from_str(text()).unwrap_or_default();
        let paths = document["paths"].as_object().cloned().unwrap_or_default();
        paths
            .iter()
            .map(|(path, item)| (path.clone(), methods(item)))
            .collect()
    })
}

/// The operations of a document that a router has collected: they need not be read out of the whole one, which takes long to
/// make.
pub fn operations(document: &OpenApi) -> Operations {
    let paths = document.paths.paths.iter();
    paths
        .map(|(path, item)| {
            let known = [
                (&item.get, "GET"),
                // A GET answers HEAD too.
                (&item.get, "HEAD"),
                (&item.post, "POST"),
                (&item.put, "PUT"),
                (&item.patch, "PATCH"),
                (&item.delete, "DELETE"),
            ];
            let methods = known.into_iter().filter(|(operation, _)| operation.is_some());
            (path.clone(), methods.map(|(_, method)| method).collect())
        })
        .collect()
}

/// The methods that a path of the document answers.
pub fn methods_of(path: &str) -> &'static [&'static str] {
    find_operation(paths(), path).map_or(&[], |(_, methods)| methods)
}

fn methods(item: &Value) -> Vec<&'static str> {
    let known = [
        ("get", "GET"),
        // A GET answers HEAD too.
        ("get", "HEAD"),
        ("post", "POST"),
        ("put", "PUT"),
        ("patch", "PATCH"),
        ("delete", "DELETE"),
    ];
    known
        .iter()
        .filter(|(key, _)| item.get(key).is_some())
        .map(|(_, method)| *method)
        .collect()
}

fn build() -> OpenApi {
    let (_, collected) = actix_web::App::new()
        .into_utoipa_app()
        .openapi(Base::openapi())
        .configure(routes::public)
        .configure(routes::probes)
        .service(scope("/v1").configure(routes::v1))
        .service(scope(scim::ADDRESS).configure(routes::scim))
        .split_for_parts();
    let mut document = serde_json::to_value(&collected).unwrap_or_default();
    document["components"]["securitySchemes"] = json!({
        "access_token": { "type": "http", "scheme": "bearer", "bearerFormat": "JWT",
            "description": "An access token from `POST /oauth/token`." },
    });
    if let Some(schemas) = document["components"]["schemas"].as_object_mut() {
        events::add_schemas(schemas);
        for (name, schema) in schemas.iter_mut() {
            forms::complete(name, schema);
            drop_object_defaults(schema);
        }
        flatten(schemas);
        add_expansions(schemas);
    }
    document["components"]["schemas"]["Operation"]["properties"]["result"] = operation_results();
    let schemas = document["components"]["schemas"].clone();
    if let Some(paths) = document["paths"].as_object_mut() {
        for (path, item) in paths {
            for method in ["get", "post", "put", "patch", "delete"] {
                if let Some(operation) = item.get_mut(method) {
                    complete(path, method, operation);
                    describe_expand(operation);
                    relax_body(operation, &schemas);
                }
            }
        }
    }
    serde_json::from_value(document).unwrap_or_else(|error| {
        log::error!("the document lacks what its operations have in common: {error}");
        collected
    })
}

/// Writes a resource's schema as one object, like its JSON: what callers write of it is a struct of its own in the code
/// (`crate::resource`). What only bodies must keep to, such as patterns and defaults, is left out.
fn flatten(schemas: &mut Map<String, Value>) {
    let names: Vec<String> = schemas.keys().cloned().collect();
    for name in names {
        let fields = format!("{name}Fields");
        let Some(fields_schema) = schemas.get(&fields).cloned() else {
            continue;
        };
        let Some(schema) = schemas.get_mut(&name) else {
            continue;
        };
        let Some(own) = schema["allOf"]
            .as_array()
            .and_then(|parts| parts.iter().find(|part| part["properties"].is_object()))
        else {
            continue;
        };
        let mut whole = own.clone();
        whole["description"] = schema["description"].clone();
        let properties = fields_schema["properties"].as_object().into_iter().flatten();
        for (property, schema) in properties {
            let mut schema = schema.clone();
            strip_request_only(&mut schema);
            let takes_null = schema["type"]
                .as_array()
                .is_some_and(|types| types.iter().any(|one| one == "null"));
            if let Some(required) = whole["required"].as_array_mut()
                && !takes_null
                && schema.get("oneOf").is_none()
            {
                required.push(property.as_str().into());
            }
            whole["properties"][property] = schema;
        }
        *schema = whole;
        schemas.remove(&fields);
    }
}

fn strip_request_only(schema: &mut Value) {
    if let Some(schema) = schema.as_object_mut() {
        for of_bodies in [
            "pattern",
            "minLength",
            "maxLength",
            "minItems",
            "maxItems",
            "default",
        ] {
            schema.remove(of_bodies);
        }
        schema.get_mut("items").into_iter().for_each(strip_request_only);
    }
}

/// Every resource of the one shape.
pub const RESOURCES: &[Listed] = &[
    Listed::of::<User>(),
    Listed::of::<OrgUnit>(),
    Listed::of::<Location>(),
    Listed::of::<Absence>(),
    Listed::of::<Group>(),
    Listed::of::<AttributeDefinition>(),
    Listed::of::<Category>(),
    Listed::of::<Role>(),
    Listed::of::<Grant>(),
    Listed::of::<ServiceAccount>(),
    Listed::of::<Content>(),
    Listed::of::<Course>(),
    Listed::of::<CourseEquivalence>(),
    Listed::of::<Rule>(),
    Listed::of::<RuleOverride>(),
    Listed::of::<Extension>(),
    Listed::of::<Waiver>(),
    Listed::of::<RuleIssue>(),
];

/// What each resource shows inside itself on request.
fn expansions() -> impl Iterator<Item = (Cow<'static, str>, &'static [Expansion])> {
    let of_courses = ["Enrollment", "Completion", "Certificate"];
    let of_targets = ["Requirement", "RequirementWithReasons", "PlannedChange"];
    RESOURCES
        .iter()
        .map(|resource| ((resource.schema)(), resource.expansions))
        .chain(of_courses.map(|name| (Cow::Borrowed(name), enrollment::EXPANSIONS)))
        .chain(of_targets.map(|name| (Cow::Borrowed(name), enrollment::TARGET_EXPANSIONS)))
        .chain([(Cow::Borrowed("Event"), report::events::EXPANSIONS)])
}

/// Adds what `expand` shows to the schemas.
fn add_expansions(schemas: &mut Map<String, Value>) {
    for (name, expansions) in expansions() {
        let schema = &mut schemas[name.as_ref()];
        if schema.get("allOf").is_some() {
            // Its first part has them.
            continue;
        }
        for Expansion {
            name: member,
            id,
            shows,
            is_list,
            or_shows,
            ..
        } in expansions
        {
            let schema_of =
                |shows: &fn() -> String| json!({ "$ref": format!("#/components/schemas/{}", shows()) });
            let one = schema_of(shows);
            let others = or_shows.iter().map(schema_of);
            let any: Vec<Value> = [one.clone()]
                .into_iter()
                .chain(others)
                .chain([json!({ "type": "null" })])
                .collect();
            schema["properties"][*member] = match is_list {
                true => json!({
                    "type": "array",
                    "items": one,
                    "description": format!("What `{id}` names, as far as you may see it: with `expand={member}` only."),
                }),
                false => json!({
                    "oneOf": any,
                    "description": format!("What `{id}` names: with `expand={member}` only, and null where you may not see it."),
                }),
            };
        }
    }
}

/// Says of the parameter `expand` what it may name, and leaves it out where that is nothing.
fn describe_expand(operation: &mut Value) {
    let schema = operation.pointer("/responses/200/content/application~1json/schema/$ref");
    let name = schema
        .and_then(Value::as_str)
        .and_then(|name| name.rsplit('/').next());
    let name = name.map(|name| name.trim_start_matches("Page_").to_owned());
    let known = expansions().find(|(known, _)| Some(known.as_ref()) == name.as_deref());
    let names: Vec<&str> = known
        .iter()
        .flat_map(|(_, known)| known.iter().map(|one| one.name))
        .collect();
    let Some(parameters) = operation.get_mut("parameters").and_then(Value::as_array_mut) else {
        return;
    };
    parameters.retain(|parameter| parameter["name"] != "expand" || !names.is_empty());
    for parameter in parameters
        .iter_mut()
        .filter(|parameter| parameter["name"] == "expand")
    {
        parameter["description"] = json!(format!(
            "Objects to include, separated by commas: {}. `{}.…` shows what that names in turn. The answer has no ETag then.",
            names.join(", "),
            names.first().unwrap_or(&""),
        ));
    }
}

/// Removes defaults that are or hold objects: generators for Go and Java print them as they stand, which is no code of
/// these languages. The descriptions say them in words.
fn drop_object_defaults(schema: &mut Value) {
    let properties = schema.get_mut("properties").and_then(Value::as_object_mut);
    for property in properties.into_iter().flat_map(|all| all.values_mut()) {
        let holds_object = match &property["default"] {
            Value::Array(items) => items.iter().any(Value::is_object),
            default => default.is_object(),
        };
        if holds_object && let Some(property) = property.as_object_mut() {
            property.remove("default");
        }
    }
}

/// What the operations of all domains come to.
fn operation_results() -> Value {
    json!({
        "description": "What came out; its form depends on the kind.",
        "anyOf": [
            { "$ref": "#/components/schemas/ImportCounts" },
            { "$ref": "#/components/schemas/ContentImport" },
            { "$ref": "#/components/schemas/RulePlan" },
            { "$ref": "#/components/schemas/ReconcileOutcome" },
            { "$ref": "#/components/schemas/LedgerVerification" },
            { "$ref": "#/components/schemas/RequirementComparison" },
            { "$ref": "#/components/schemas/RequirementRepair" },
            { "$ref": "#/components/schemas/ResolvedIssues" },
            { "type": "null" },
        ],
    })
}

/// Adds to an operation what it has in common with others of its kind.
fn complete(path: &str, method: &str, operation: &mut Value) {
    let is_scim = scim::is_address(path);
    let is_v1 = path.starts_with("/v1/");
    let is_private = is_v1 || is_scim;
    operation["security"] = if is_private {
        json!([{ "access_token": [] }])
    } else {
        json!([])
    };
    if let Some(permission) = operation
        .get("x-permission")
        .and_then(Value::as_str)
        .map(str::to_owned)
    {
        let description = operation
            .get("description")
            .and_then(Value::as_str)
            .unwrap_or_default();
        let needs = match Permission::from_name(&permission) {
            Some(_) if operation["x-scope"] == "any" => {
                format!("Needs the permission `{permission}` in any scope.")
            }
            Some(_) => format!("Needs the permission `{permission}`."),
            None => format!("Open to {permission}."),
        };
        operation["description"] = json!(format!("{description}\n\n{needs}").trim());
    }
    // tus has conditions and statuses of its own.
    let has_own_protocol = operation.get("x-protocol").is_some();
    let mut statuses = vec!["400", "429", "500", "503"];
    if is_private {
        statuses.extend(["401", "403", "406"]);
    }
    if path.contains('{') || !is_private {
        statuses.push("404");
    }
    if method != "get" {
        statuses.extend(["408", "409", "413", "415"]);
        if !is_scim {
            statuses.push("422");
        }
    }
    if is_scim && method != "get" {
        statuses.push("412");
    }
    if has_own_protocol && method != "get" {
        statuses.extend(["411", "412", "460"]);
    }
    if is_v1 && !has_own_protocol && matches!(method, "put" | "patch" | "delete") {
        statuses.extend(["412", "428"]);
        add_header(operation, "If-Match", true, "The ETag that was read, or `*`.");
    }
    if is_v1 && !has_own_protocol && method == "post" {
        add_header(
            operation,
            "Idempotency-Key",
            false,
            "A key of the client's choice: the same key and request give the stored answer.",
        );
    }
    describe_successes(operation);
    let (media_type, schema) = match is_scim {
        true => (scim::MEDIA_TYPE, "#/components/schemas/ScimError"),
        false => ("application/problem+json", "#/components/schemas/Problem"),
    };
    for status in statuses {
        if operation["responses"].get(status).is_none() {
            operation["responses"][status] = json!({
                "description": "A problem.",
                "content": { media_type: { "schema": { "$ref": schema } } },
            });
        }
    }
}

/// Says of a JSON body whose members are all optional that it is optional itself.
fn relax_body(operation: &mut Value, schemas: &Value) {
    let reference = operation.pointer("/requestBody/content/application~1json/schema/$ref");
    let name = reference
        .and_then(Value::as_str)
        .and_then(|reference| reference.rsplit('/').next());
    if name.is_some_and(|name| forms::is_optional_body(&schemas[name])) {
        operation["requestBody"]["required"] = json!(false);
    }
}

/// What a success means where the handler says nothing of its own.
fn describe_successes(operation: &mut Value) {
    let meanings = [
        ("200", "As it is now."),
        ("201", "It was created."),
        ("202", "It was accepted; the operation tells how it goes."),
        ("204", "It is done."),
    ];
    for (status, meaning) in meanings {
        let Some(response) = operation["responses"].get_mut(status) else {
            continue;
        };
        if response["description"].as_str().is_none_or(str::is_empty) {
            response["description"] = json!(meaning);
        }
    }
}

fn add_header(operation: &mut Value, name: &str, required: bool, description: &str) {
    let header = json!({
        "name": name, "in": "header", "required": required, "description": description,
        "schema": { "type": "string", "minLength": 1, "maxLength": 255 },
    });
    match operation.get_mut("parameters").and_then(Value::as_array_mut) {
        Some(parameters) => parameters.push(header),
        None => operation["parameters"] = json!([header]),
    }
}

/// What answers GET beside the operations: the pages that show the document, and what may stand on an address of its own.
pub const PAGES: &[&str] = &[
    "/openapi.json",
    "/docs",
    "/docs/{_:.*}",
    "/healthz",
    "/readyz",
    "/metrics",
];

/// `/openapi.json`, and its human face at `/docs`, out of the binary.
pub fn configure_docs(config: &mut web::ServiceConfig) {
    let json = || async { HttpResponse::Ok().content_type("application/json").body(text()) };
    config.route("/openapi.json", web::get().to(json));
    config.route(
        "/docs",
        web::get().to(|| async {
            HttpResponse::Found()
                .insert_header(("Location", "/docs/"))
                .finish()
        }),
    );
    config.service(
        utoipa_swagger_ui::SwaggerUi::new("/docs/{_:.*}").config(
            utoipa_swagger_ui::Config::from("/openapi.json")
                .doc_expansion("none")
                .default_models_expand_depth(0)
                .try_it_out_enabled(true),
        ),
    );
}
