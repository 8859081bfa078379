//! `/v1/rule-issues`.

use utoipa_actix_web::service_config::ServiceConfig;

use super::model::{BulkRuleIssueRow, RuleIssue, UpdateRuleIssue};
use crate::resource_endpoints;

/// The routes of this resource.
pub fn configure(config: &mut ServiceConfig) {
    config.service(utoipa_actix_web::scope("/rule-issues").configure(endpoints::configure));
}

resource_endpoints! {
    (RuleIssue, tag: "rule-issues", id: "rule_issue_id", path: "/{rule_issue_id}",
        read: "requirements.read", write: "requirements.write")
    /// List issues of rules.
    ///
    /// Where rules cannot give users in the caller's scope a due date: `filter=choice eq null and closed_at eq null` shows the open
    /// ones, about which somebody has to decide. Closed ones are the history.
    ///
    /// CSV for `Accept: text/csv` or `format=csv`, NDJSON for `Accept: application/x-ndjson` or `format=ndjson`: the whole list
    /// from `cursor` on.
    export list_rule_issues;
    /// Decide about issues of rules in bulk.
    ///
    /// Up to 1,000 rows in one transaction, each with the `id` of an issue and `update`; issues cannot be created. An invalid row gets
    /// its problem and changes nothing; the others are written. With an `Idempotency-Key` you can safely repeat the whole request.
    bulk bulk_write_rule_issues(BulkRuleIssueRow);
    /// Get an issue of a rule.
    get get_rule_issue;
    /// Decide about an issue of a rule.
    ///
    /// Sets `choice`, with `due_on` if it is that, and `note`. What is due for the user follows in the same request. A decision can be
    /// changed, and taken back by null, until the issue is closed.
    update update_rule_issue(UpdateRuleIssue);
}
