//! `/v1/rule-overrides`.

use utoipa_actix_web::service_config::ServiceConfig;

use super::model::{BulkRuleOverrideRow, CreateRuleOverride, RuleOverride, UpdateRuleOverride};
use crate::resource_endpoints;

/// The routes of this resource.
pub fn configure(config: &mut ServiceConfig) {
    config.service(utoipa_actix_web::scope("/rule-overrides").configure(endpoints::configure));
}

resource_endpoints! {
    (RuleOverride, tag: "rule-overrides", id: "rule_override_id", path: "/{rule_override_id}", archival: "/{rule_override_id}/archival",
        read: "overrides.read", write: "overrides.write")
    /// List overrides.
    ///
    /// Those of users in the caller's scope, archived ones too: `filter=archived_at eq null` leaves them out.
    /// The archived ones are the history of who was released from what, and why.
    ///
    /// CSV for `Accept: text/csv` or `format=csv`, NDJSON for `Accept: application/x-ndjson` or `format=ndjson`: the whole list
    /// from `cursor` on. An import reads such a CSV again.
    export list_rule_overrides;
    /// Create an override.
    ///
    /// A rule has at most one override for a user. What the rule wants of the user is settled with it. The caller must see the
    /// rule.
    create create_rule_override(CreateRuleOverride);
    /// Create and update overrides in bulk.
    ///
    /// Up to 1,000 rows in one transaction. An invalid row gets its problem and changes nothing; the others are written.
    /// With an `Idempotency-Key` you can safely repeat the whole request.
    bulk bulk_write_rule_overrides(BulkRuleOverrideRow);
    /// Get an override.
    get get_rule_override;
    /// Update an override.
    ///
    /// The rule, the user and the effect stay: for another effect archive it and create a new one.
    update update_rule_override(UpdateRuleOverride);
    /// Archive an override.
    ///
    /// From then on the audience of the rule decides again. The override stays on record.
    archive archive_rule_override;
    /// Restore an override.
    restore restore_rule_override;
}
