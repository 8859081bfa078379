//! `/v1/rules`.

use actix_web::{get, post, web::Path};
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

use super::{
    change,
    explain::{self, RuleExplanation},
    explain_model::RequirementExplanation,
    explain_target,
    figures::{self, RuleFigures},
    model::{BulkRuleRow, CreateRule, Rule, RuleStatus, UpdateRule},
    plan, plan_changes,
    plan_model::{ApplyRule, PlanRule, PlannedChange},
};
use crate::{
    app::Call,
    authz::{self, Permission},
    catalog::courses::model::Course,
    enrollment::{
        TARGET_EXPANSIONS,
        issues::{model::ResolveIssues, resolve},
    },
    http::{ApiResult, Page, Query, Ref, Reply, Valid},
    operations::{self, Operation},
    people::users::model::User,
    resource::{
        expand::Expand,
        list::{ResourceQuery, SearchQuery},
    },
    resource_endpoints,
};

/// The routes of this resource.
pub fn configure(config: &mut ServiceConfig) {
    config.service(
        utoipa_actix_web::scope("/rules")
            .configure(endpoints::configure)
            .service(activate_rule)
            .service(pause_rule)
            .service(archive_rule)
            .service(plan_rule)
            .service(list_rule_plan_changes)
            .service(apply_rule)
            .service(explain_rule)
            .service(get_rule_figures)
            .service(resolve_rule_issues),
    );
}

/// The routes below a user.
pub fn configure_of_users(config: &mut ServiceConfig) {
    config.service(explain_requirement);
}

resource_endpoints! {
    (Rule, tag: "rules", id: "rule_id", path: "/{rule_id}",
        read: "rules.read", write: "rules.write")
    /// List rules.
    list list_rules(SearchQuery);
    /// Create a rule.
    ///
    /// The rule is a draft and does nothing until it is activated.
    create create_rule(CreateRule);
    /// Create and update rules in bulk.
    ///
    /// Up to 1,000 rows in one transaction. An invalid row gets its problem and changes nothing; the others are written.
    /// New rules are drafts; the requirements of active rules follow soon after. With an `Idempotency-Key` you can safely
    /// repeat the whole request.
    bulk bulk_write_rules(BulkRuleRow);
    /// Get a rule.
    get get_rule;
    /// Update a rule.
    ///
    /// Of an active or paused rule only code, name and description change so; the rest by a plan that is applied.
    update update_rule(UpdateRule);
}

/// Activate a rule.
///
/// The requirements follow within moments. All courses of the rule must be published. A paused rule is resumed by plan.
#[utoipa::path(tag = "rules", params(("rule_id" = String, Path)), responses((status = 200, body = Rule)),
    extensions(("x-permission" = json!("rules.write"))))]
#[post("/{rule_id}/activation")]
async fn activate_rule(call: Call, id: Path<Ref<Rule>>) -> ApiResult<Reply> {
    set_status(call, id, RuleStatus::Active).await
}

/// Pause a rule.
///
/// It is frozen: nothing opens, moves or renews by it. Its requirements stay, completions satisfy them, and those of users who leave
/// the audience end.
#[utoipa::path(tag = "rules", params(("rule_id" = String, Path)), responses((status = 200, body = Rule)),
    extensions(("x-permission" = json!("rules.write"))))]
#[post("/{rule_id}/pause")]
async fn pause_rule(call: Call, id: Path<Ref<Rule>>) -> ApiResult<Reply> {
    set_status(call, id, RuleStatus::Paused).await
}

/// Archive a rule.
///
/// Archives a draft for good. An active or paused rule is archived by plan, with `becomes` `archived`: it ends requirements.
#[utoipa::path(tag = "rules", params(("rule_id" = String, Path)), responses((status = 200, body = Rule)),
    extensions(("x-permission" = json!("rules.write"))))]
#[post("/{rule_id}/archival")]
async fn archive_rule(call: Call, id: Path<Ref<Rule>>) -> ApiResult<Reply> {
    set_status(call, id, RuleStatus::Archived).await
}

/// Plan a rule.
///
/// Computes what activating the rule, as it is or with changes, would do now: the operation's result is a `RulePlan`.
/// Nothing is changed. With the operation's id as `plan_id`, all that would change is listed.
#[utoipa::path(tag = "rules", params(("rule_id" = String, Path)), request_body = PlanRule,
    responses((status = 202, body = Operation)), extensions(("x-permission" = json!("rules.write"))))]
#[post("/{rule_id}/plans")]
async fn plan_rule(call: Call, id: Path<Ref<Rule>>, body: Valid<PlanRule>) -> ApiResult<Reply> {
    call.write(move |tx| {
        let rule = authz::authorize(tx, &id, Permission::RulesWrite)?;
        operations::accepted(&plan::begin(tx, rule, body.0.clone())?)
    })
    .await
}

/// List the changes of a plan.
///
/// Every change of a requirement that the plan foresees, for users that the caller may see. `plan_id` is the id of the operation
/// that made the plan. The changes are kept for a day.
#[utoipa::path(tag = "rules", params(("rule_id" = String, Path), ("plan_id" = Uuid, Path), ResourceQuery),
    responses((status = 200, body = Page<PlannedChange>)), extensions(("x-permission" = json!("rules.read"))))]
#[get("/{rule_id}/plans/{plan_id}/changes")]
async fn list_rule_plan_changes(
    call: Call,
    path: Path<(Ref<Rule>, Uuid)>,
    query: Query<ResourceQuery>,
) -> ApiResult<Reply> {
    let mut query = query.0;
    let expand = Expand::read(query.expand.as_deref(), TARGET_EXPANSIONS, &mut query.faults);
    call.read(move |tx| {
        let rule = authz::read(tx, &path.0)?;
        let page = plan_changes::list(tx, &rule, path.1, &query.list())?;
        expand.reply(tx, page)
    })
    .await
}

/// Apply the plan of a rule.
///
/// The operation fails, and changes nothing, if the plan is out of date or ends more than allowed.
#[utoipa::path(tag = "rules", params(("rule_id" = String, Path)), request_body = ApplyRule,
    responses((status = 202, body = Operation)), extensions(("x-permission" = json!("rules.write"))))]
#[post("/{rule_id}/applications")]
async fn apply_rule(call: Call, id: Path<Ref<Rule>>, body: Valid<ApplyRule>) -> ApiResult<Reply> {
    call.write(move |tx| {
        let rule = authz::authorize(tx, &id, Permission::RulesWrite)?;
        operations::accepted(&plan::begin_application(tx, rule, body.0.clone())?)
    })
    .await
}

/// Explain a rule for a user.
///
/// Why the rule applies to the user or not: clause by clause, with the facts.
#[utoipa::path(tag = "rules", params(("rule_id" = String, Path), ("user_id" = String, Path)),
    responses((status = 200, body = RuleExplanation)), extensions(("x-permission" = json!("rules.read"))))]
#[get("/{rule_id}/explanations/{user_id}")]
async fn explain_rule(call: Call, path: Path<(Ref<Rule>, Ref<User>)>) -> ApiResult<Reply> {
    call.read(move |tx| {
        let rule = authz::read(tx, &path.0)?;
        let user = authz::read(tx, &path.1)?;
        Reply::ok(&explain::explain(tx, &rule, &user)?)
    })
    .await
}

/// Get the figures of a rule.
///
/// How its requirements stand, for the pilot group and for the rest of the audience: of the users whom the caller's scope covers.
#[utoipa::path(tag = "rules", params(("rule_id" = String, Path)), responses((status = 200, body = RuleFigures)),
    extensions(("x-permission" = json!("rules.read"))))]
#[get("/{rule_id}/figures")]
async fn get_rule_figures(call: Call, id: Path<Ref<Rule>>) -> ApiResult<Reply> {
    call.read(move |tx| {
        let rule = authz::read(tx, &id)?;
        Reply::ok(&figures::figures(tx, &rule)?)
    })
    .await
}

/// Decide about all issues of a rule and a kind.
///
/// Decides about every issue of that kind that is open now, of the users that the caller may write requirements for: the operation's
/// result is `ResolvedIssues`. Issues that open later are not touched.
#[utoipa::path(tag = "rule-issues", params(("rule_id" = String, Path)), request_body = ResolveIssues,
    responses((status = 202, body = Operation)), extensions(("x-permission" = json!("requirements.write"))))]
#[post("/{rule_id}/issue-resolutions")]
async fn resolve_rule_issues(
    call: Call,
    id: Path<Ref<Rule>>,
    body: Valid<ResolveIssues>,
) -> ApiResult<Reply> {
    call.write(move |tx| {
        let rule = authz::read(tx, &id)?;
        operations::accepted(&resolve::begin(tx, &rule, body.0.clone())?)
    })
    .await
}

/// Explain what is required of a user for a course.
///
/// The current requirement, every rule that asks for the course and why it applies or not, how the dates come about and which reason
/// decides each, what counts as evidence and what does not, and what would satisfy it. Users may ask about themselves.
#[utoipa::path(tag = "requirements", params(("user_id" = String, Path), ("course_id" = String, Path)),
    responses((status = 200, body = RequirementExplanation)),
    extensions(("x-permission" = json!("requirements.read"))))]
#[get("/users/{user_id}/requirement-explanations/{course_id}")]
async fn explain_requirement(call: Call, path: Path<(Ref<User>, Ref<Course>)>) -> ApiResult<Reply> {
    call.read(move |tx| {
        let user = authz::read_with(tx, &path.0, Permission::RequirementsRead)?;
        let course = explain_target::course(tx, &user, &path.1)?;
        Reply::ok(&explain_target::explain(tx, &user, &course)?)
    })
    .await
}

async fn set_status(call: Call, id: Path<Ref<Rule>>, status: RuleStatus) -> ApiResult<Reply> {
    call.write(move |tx| {
        let rule = authz::authorize(tx, &id, Permission::RulesWrite)?;
        Reply::resource(&change::set_status(tx, rule, status)?)
    })
    .await
}
