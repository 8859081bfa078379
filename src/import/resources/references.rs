//! What rows name: users, courses and the like, found by one of their names.

use serde_json::Value;
use uuid::Uuid;

use crate::{
    app::Tx,
    db::{Fixed, Sql},
    http::{ApiError, ApiResult},
    import::{
        assess::{columns_of, good, issue},
        mapping::{ReferenceBy, ReferenceMapping},
        read::{Issue, Severity},
        target::Plan,
    },
    sql,
};

/// A kind of thing that rows name.
#[derive(Debug)]
pub struct Named {
    /// What people call it.
    pub name: &'static str,
    /// Its table.
    pub table: &'static str,
    /// The kind of its external keys, if it has such.
    pub external_kind: Option<&'static str>,
    /// The column of the code or the username that people know it by. Its key form stands in `<column>_folded`.
    pub code: &'static str,
}

/// A reference of rows, and what becomes of it in a body of the API.
#[derive(Debug)]
pub struct RowReference {
    /// What profiles call it: `user`.
    pub name: &'static str,
    /// Where the row keeps the id that was found: `user_id`.
    pub id: &'static str,
    /// What it names.
    pub named: &'static Named,
    /// The member of the body: `user_id`, or `target`.
    pub member: &'static str,
    /// Where faults point: `/user_id`, or `/target/id`.
    pub pointer: &'static str,
    /// The member's value.
    pub value: fn(Uuid) -> Value,
}

impl RowReference {
    /// Finds what rows name, and refuses those that name nothing.
    pub(super) fn find(&self, tx: &mut Tx, plan: &Plan, mapping: &ReferenceMapping) -> ApiResult<()> {
        let detail = sql!(
            "'there is no ' || {self.named.name}::text || ' \"' || (r.fields ->> {self.name}) || '\"; add it first, or correct the row'"
        );
        let fault = issue(plan, self.name, "reference_unknown", detail, "error");
        sql!(
            "WITH found AS (SELECT g.line, n.id, n.{code} AS code FROM {good} g LEFT JOIN {named}
                WHERE g.fields ->> {self.name} IS NOT NULL)
             UPDATE import_rows r SET
                refs = CASE WHEN found.id IS NULL THEN r.refs
                    ELSE r.refs || jsonb_build_object({self.name}::text, found.code, {self.id}::text, found.id) END,
                issues = CASE WHEN found.id IS NULL THEN r.issues || {fault} ELSE r.issues END,
                action = CASE WHEN found.id IS NULL THEN 'refuse' ELSE r.action END
             FROM found WHERE r.line = found.line AND r.import_id = {plan.import}",
            code = Fixed(self.named.code),
            good = good(plan),
            named = self.named_by(plan, mapping),
        )
        .execute(tx.conn)?;
        sql!(
            "UPDATE import_rows
             SET refs = refs || jsonb_build_object({self.name}::text, NULL::text, {self.id}::text, NULL::text)
             WHERE fields -> {self.name} = 'null' AND action IN ('create', 'unchanged')
                AND import_id = {plan.import}"
        )
        .execute(tx.conn)?;
        Ok(())
    }

    /// The table `n` of what is named, and how the row `g` names it.
    fn named_by(&self, plan: &Plan, mapping: &ReferenceMapping) -> Sql {
        let table = Fixed(self.named.table);
        let name = self.name;
        match mapping.by {
            ReferenceBy::Id => sql!("{table} n ON n.id::text = lower(g.fields ->> {name})"),
            ReferenceBy::Key => sql!(
                "(external_keys e JOIN {table} n ON n.id = e.object_id) ON e.kind = {kind}
                    AND e.source = {source} AND e.key = g.fields ->> {name}",
                kind = self.named.external_kind,
                source = mapping.source.as_deref().unwrap_or(plan.source()),
            ),
            ReferenceBy::Code | ReferenceBy::Username | ReferenceBy::Name => sql!(
                "{table} n ON n.{code}_folded = g.folded ->> {folded}",
                code = Fixed(self.named.code),
                folded = format!("{name}_folded"),
            ),
        }
    }
}

/// Refuses rows whose `id` is not that of a record here, or of another than the one that has their key.
pub(super) fn refuse_unknown_ids(tx: &mut Tx, plan: &Plan) -> ApiResult<()> {
    let fault = issue(
        plan,
        "id",
        "id_unknown",
        sql!(
            "'nothing here has the id ' || (r.fields ->> 'id') || ' and the key of this row; leave the id out to add a new record'"
        ),
        "error",
    );
    sql!(
        "UPDATE import_rows r SET action = 'refuse', issues = r.issues || {fault}
         WHERE r.fields ->> 'id' IS NOT NULL AND r.action IN ('create', 'unchanged')
            AND (r.object_version IS NULL OR r.fields ->> 'id' <> r.object_id::text)
            AND r.import_id = {plan.import}"
    )
    .execute(tx.conn)?;
    Ok(())
}

/// Refuses rows that would add something, and says why.
pub(super) fn refuse_new(tx: &mut Tx, plan: &Plan, why: &'static str) -> ApiResult<()> {
    let fault = issue(plan, "id", "id_unknown", sql!("{why}::text"), "error");
    sql!(
        "UPDATE import_rows r SET action = 'refuse', issues = r.issues || {fault}
         WHERE r.action = 'create' AND r.import_id = {plan.import}"
    )
    .execute(tx.conn)?;
    Ok(())
}

/// What is wrong with a row, from the error that its change has.
pub(super) fn issues(plan: &Plan, references: &[RowReference], error: &ApiError) -> Vec<Issue> {
    let told = |field: Option<String>, detail: String| Issue {
        column: columns_of(plan, field.as_deref().unwrap_or("key")),
        field,
        code: error.code.as_str().to_owned(),
        detail,
        severity: Severity::Error,
    };
    if error.fields.is_empty() {
        return vec![told(None, error.detail.to_string())];
    }
    let faults = error.fields.iter();
    let issues = faults.map(|fault| {
        let is_at = |reference: &&RowReference| {
            let member = format!("/{}", reference.member);
            fault.pointer == reference.pointer || fault.pointer == member
        };
        let field = match references.iter().find(is_at) {
            Some(reference) => Some(reference.name.to_owned()),
            None => fault.pointer.split('/').nth(1).map(str::to_owned),
        };
        told(field, fault.detail.clone())
    });
    issues.collect()
}
