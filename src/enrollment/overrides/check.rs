//! What must hold of overrides before they are written, and what follows.

use std::collections::HashMap;

use chrono::TimeDelta;
use diesel::{ExpressionMethods, QueryDsl, QueryableByName, RunQueryDsl, sql_types};
use uuid::Uuid;

use super::model::RuleOverride;
use crate::{
    app::Tx,
    db::schema::rules,
    enrollment::{
        exceptions::settle,
        rules::model::{Rule, RuleStatus},
    },
    http::{ApiError, ApiResult, Code, Sort},
    people::users::model::User,
    resource::{
        self, Expansion, NoExtra, Reference, Resource, SearchedName,
        draft::{due, without_faults},
        write::{require_scope, table},
    },
    sql,
};

type Draft = resource::Draft<RuleOverride>;

const RULE: Reference<RuleOverride, Rule> = Reference::new("rule_id", |given| Some(given.rule_id));
const USER: Reference<RuleOverride, User> = Reference::new("user_id", |given| Some(given.user_id));

impl Resource for RuleOverride {
    type Extra = NoExtra;
    const PATH: &'static str = "/v1/rule-overrides";
    const SORTS: &'static [Sort] = &[Sort::by_day(
        "until",
        "coalesce(rule_overrides.until, '9999-12-31'::date)",
    )];
    const NAMES: &'static [SearchedName] = &[
        SearchedName::of::<User>("rule_overrides.user_id"),
        SearchedName::of::<Rule>("rule_overrides.rule_id"),
    ];
    const CSV: &'static [(&'static str, &'static str)] = &[
        ("id", "id"),
        ("rule_id", "rule_id"),
        ("rule", "rule.code"),
        ("user_id", "user_id"),
        ("user", "user.username"),
        ("effect", "effect"),
        ("until", "until"),
        ("reason", "reason"),
        ("created_at", "created_at"),
        ("updated_at", "updated_at"),
        ("archived_at", "archived_at"),
    ];
    const EXPANSIONS: &'static [Expansion] = &[
        Expansion::of::<Rule>("rule", "rule_id"),
        Expansion::of::<User>("user", "user_id"),
    ];

    fn check(tx: &mut Tx, drafts: &mut [Draft]) -> ApiResult<()> {
        require_scope(tx, drafts)?;
        refuse_past(tx, drafts);
        RULE.check(tx, drafts)?;
        refuse_archived_rules(tx, drafts)?;
        USER.check(tx, drafts)?;
        refuse_second(tx, drafts)
    }

    fn person(&self) -> Option<Uuid> {
        Some(self.user_id)
    }

    fn announce(tx: &mut Tx, drafts: &[Draft]) -> ApiResult<()> {
        settle(tx, due(drafts).map(|draft| draft.after.user_id))
    }
}

/// Refuses new overrides that would never count, wherever the user is.
fn refuse_past(tx: &Tx, drafts: &mut [Draft]) {
    let yesterday = tx.today() - TimeDelta::days(1);
    for draft in drafts.iter_mut().filter(|draft| draft.is_new()) {
        if draft.after.until.is_some_and(|until| until < yesterday) {
            draft.refuse(ApiError::field(
                "/until",
                "is past, so that the override would never count",
            ));
        }
    }
}

/// Refuses new overrides of rules that do nothing any more.
fn refuse_archived_rules(tx: &mut Tx, drafts: &mut [Draft]) -> ApiResult<()> {
    let new = drafts.iter().filter(|draft| draft.is_new() && draft.stands());
    let named: Vec<Uuid> = new.map(|draft| draft.after.rule_id).collect();
    if named.is_empty() {
        return Ok(());
    }
    let archived: Vec<Uuid> = rules::table
        .filter(rules::id.eq_any(named))
        .filter(rules::status.eq(RuleStatus::Archived))
        .select(rules::id)
        .load(tx.conn)?;
    for draft in
        without_faults(drafts).filter(|draft| draft.is_new() && archived.contains(&draft.after.rule_id))
    {
        draft.refuse(ApiError::field("/rule_id", "names an archived rule"));
    }
    Ok(())
}

/// Refuses a second override of one rule for one user, beside the one that is stored or that an earlier row adds.
fn refuse_second(tx: &mut Tx, drafts: &mut [Draft]) -> ApiResult<()> {
    #[derive(QueryableByName)]
    struct Present {
        #[diesel(sql_type = sql_types::Uuid)]
        given: Uuid,
        #[diesel(sql_type = sql_types::Uuid)]
        id: Uuid,
    }
    let begins = |draft: &&Draft| draft.stands() && (draft.is_new() || draft.restores());
    if !drafts.iter().any(|draft| begins(&draft)) {
        return Ok(());
    }
    let present: Vec<Present> = sql!(
        "SELECT given.id AS given, present.id FROM {given} AS given
         JOIN rule_overrides present ON present.user_id = given.user_id AND present.rule_id = given.rule_id
            AND present.archived_at IS NULL",
        given = table(drafts.iter().filter(begins))?,
    )
    .load(tx.conn)?;
    let present: HashMap<Uuid, Uuid> = present.into_iter().map(|row| (row.given, row.id)).collect();
    let mut earlier = HashMap::new();
    for draft in drafts.iter_mut().filter(|draft| begins(&&**draft)) {
        let id = draft.after.id;
        let pair = (draft.after.rule_id, draft.after.user_id);
        match present.get(&id).or_else(|| earlier.get(&pair)) {
            Some(other) => draft.refuse(overridden(*other)),
            None => {
                earlier.insert(pair, id);
            }
        }
    }
    Ok(())
}

fn overridden(id: Uuid) -> ApiError {
    ApiError::new(Code::AlreadyExists, "A rule has at most one override for a user.").with_field(
        "/user_id",
        format!("has the override {id} of this rule already; change or archive that one"),
    )
}
