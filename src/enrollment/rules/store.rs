//! The statements of rules.

use diesel::{ExpressionMethods, QueryDsl, RunQueryDsl, SelectableHelper};
use uuid::Uuid;

use super::{
    filter::RULES,
    model::{Rule, RuleStatus, RuleText},
};
use crate::{
    access::{Authorized, Protected},
    app::{Tx, refuse_taken},
    db::schema::{courses, rule_courses, rules},
    http::{ApiResult, ListQuery, Listing, Page, Sort, list::SortKind},
    text::fold,
};

/// The orders of the list; each has its index.
const LISTING: Listing = Listing {
    id: "rules.id",
    sorts: &[
        Sort {
            name: "created_at",
            column: "rules.created_at",
            kind: SortKind::Instant,
        },
        Sort {
            name: "name",
            column: "rules.name",
            kind: SortKind::Text,
        },
    ],
};

/// A page of the rules that the caller may see.
pub fn list(tx: &mut Tx, query: &ListQuery) -> ApiResult<Page<Rule>> {
    let scope = tx.scope(Rule::READ)?;
    let (page, filter) = query.page(&LISTING, &RULES, &tx.filter_clock())?;
    let rows = rules::table
        .select((Rule::as_select(), page.key()))
        .filter(page.rows([Rule::covered(&scope), filter]))
        .order(page.order())
        .limit(page.limit())
        .load(tx.conn)?;
    Ok(page.page(rows, |rule| rule.id))
}

/// A rule.
pub fn find(tx: &mut Tx, id: Uuid) -> ApiResult<Rule> {
    let rule = rules::table.find(id).select(Rule::as_select()).first(tx.conn)?;
    Ok(rule)
}

/// Adds a draft.
pub fn insert(tx: &mut Tx, id: Uuid, text: &RuleText, course_ids: &[Uuid]) -> ApiResult<Rule> {
    diesel::insert_into(rules::table)
        .values((
            rules::id.eq(id),
            rules::status.eq(RuleStatus::Draft),
            text,
            text.code.map(|code| rules::code_folded.eq(fold(code))),
            rules::created_at.eq(tx.now),
            rules::updated_at.eq(tx.now),
        ))
        .execute(tx.conn)?;
    set_courses(tx, id, course_ids)?;
    find(tx, id)
}

/// Refuses a code that another rule has.
pub fn refuse_taken_code(tx: &mut Tx, code: Option<&str>, own: Option<Uuid>) -> ApiResult<()> {
    refuse_taken(tx, "rules", "code_folded", code, own)
}

/// Changes what a rule says; its courses too, if they are given.
pub fn update(
    tx: &mut Tx,
    rule: &Authorized<Rule>,
    text: &RuleText,
    course_ids: Option<&[Uuid]>,
) -> ApiResult<Rule> {
    diesel::update(rules::table.find(rule.id))
        .set((
            text,
            text.code.map(|code| rules::code_folded.eq(fold(code))),
            rules::version.eq(rules::version + 1),
            rules::updated_at.eq(tx.now),
        ))
        .execute(tx.conn)?;
    if let Some(course_ids) = course_ids {
        diesel::delete(rule_courses::table.filter(rule_courses::rule_id.eq(rule.id))).execute(tx.conn)?;
        set_courses(tx, rule.id, course_ids)?;
    }
    find(tx, rule.id)
}

/// Changes what a rule does.
pub fn set_status(tx: &mut Tx, rule: &Authorized<Rule>, status: RuleStatus) -> ApiResult<Rule> {
    let activated_at = match status {
        RuleStatus::Active => Some(tx.now),
        _ => rule.activated_at,
    };
    diesel::update(rules::table.find(rule.id))
        .set((
            rules::status.eq(status),
            rules::activated_at.eq(activated_at),
            rules::version.eq(rules::version + 1),
            rules::updated_at.eq(tx.now),
        ))
        .execute(tx.conn)?;
    find(tx, rule.id)
}

fn set_courses(tx: &mut Tx, rule_id: Uuid, course_ids: &[Uuid]) -> ApiResult<()> {
    let rows: Vec<_> = course_ids
        .iter()
        .map(|course_id| {
            (
                rule_courses::rule_id.eq(rule_id),
                rule_courses::course_id.eq(*course_id),
            )
        })
        .collect();
    diesel::insert_into(rule_courses::table)
        .values(rows)
        .on_conflict_do_nothing()
        .execute(tx.conn)?;
    Ok(())
}

/// Of `course_ids`, with their status and title, those that exist.
pub fn courses(tx: &mut Tx, course_ids: &[Uuid]) -> ApiResult<Vec<(Uuid, String, String)>> {
    let found = courses::table
        .filter(courses::id.eq_any(course_ids))
        .order(courses::title)
        .select((courses::id, courses::status, courses::title))
        .load(tx.conn)?;
    Ok(found)
}
