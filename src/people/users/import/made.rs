//! Managers that a file names by an unknown key: users are created for them, known by that key alone until a row of their own
//! brings their fields.

use diesel::{QueryableByName, RunQueryDsl, sql_types};

use crate::{
    app::Tx,
    http::ApiResult,
    import::{
        assess::{good, issue},
        events,
        mapping::ReferenceMapping,
        target::Plan,
    },
    people::users::{
        import::write::Id,
        model::{User, UserStatus},
    },
    resource::{Row, record::shown},
    sql,
    text::fold,
};

/// Marks the rows of users who were known by their key alone. Without a status of their own they get the status of a new user.
pub fn find_created(tx: &mut Tx, plan: &Plan) -> ApiResult<()> {
    sql!(
        "UPDATE import_rows r
         SET refs = r.refs || '{\"placeholder\": true}' || CASE WHEN r.fields ? 'status' THEN '{}'
            ELSE jsonb_build_object('status', {active}::text) END
         FROM external_keys e WHERE e.kind = 'user' AND e.is_placeholder AND e.object_id = r.object_id
            AND r.action = 'unchanged' AND r.import_id = {plan.import}",
        active = UserStatus::Active.as_str(),
    )
    .execute(tx.conn)?;
    Ok(())
}

/// Gives the rows whose manager nobody is the one who is going to be made; the first row that says something of them
/// has it.
pub fn plan_managers(tx: &mut Tx, plan: &Plan, reference: &ReferenceMapping) -> ApiResult<()> {
    sql!(
        "WITH wanted AS MATERIALIZED (SELECT line, fields ->> 'manager' AS key,
                folded ->> 'manager_folded' AS key_folded, fields, folded FROM {good} g
            WHERE jsonb_typeof(fields -> 'manager') = 'string' AND NOT refs ? 'manager_id'),
         known AS (SELECT key, min(key_folded) AS key_folded,
                (array_agg(folded -> 'manager.username_folded' ORDER BY line)
                    FILTER (WHERE folded ? 'manager.username_folded'))[1] #>> '{}' AS username_folded,
                (array_agg(folded -> 'manager.given_name_folded' ORDER BY line)
                    FILTER (WHERE folded ? 'manager.given_name_folded'))[1] AS given_name_folded,
                (array_agg(folded -> 'manager.family_name_folded' ORDER BY line)
                    FILTER (WHERE folded ? 'manager.family_name_folded'))[1] AS family_name_folded,
                (array_agg(folded -> 'manager.email_folded' ORDER BY line)
                    FILTER (WHERE folded ? 'manager.email_folded'))[1] AS email_folded,
                (array_agg(fields -> 'manager.username' ORDER BY line)
                    FILTER (WHERE fields ? 'manager.username'))[1] #>> '{}' AS username,
                (array_agg(fields -> 'manager.given_name' ORDER BY line)
                    FILTER (WHERE fields ? 'manager.given_name'))[1] AS given_name,
                (array_agg(fields -> 'manager.family_name' ORDER BY line)
                    FILTER (WHERE fields ? 'manager.family_name'))[1] AS family_name,
                (array_agg(fields -> 'manager.email' ORDER BY line)
                    FILTER (WHERE fields ? 'manager.email'))[1] AS email
            FROM wanted GROUP BY key),
         made AS MATERIALIZED (SELECT {ids} AS id, known.*,
                coalesce(username, regexp_replace({source} || ':' || key, '\\s+', '-', 'g')) AS name,
                coalesce(username_folded,
                    regexp_replace({source_folded} || ':' || key_folded, '\\s+', '-', 'g')) AS name_folded
            FROM known)
         UPDATE import_rows r
         SET refs = r.refs || jsonb_build_object('manager_id', made.id, 'manager', made.name,
            'made_manager', jsonb_build_object('key', made.key, 'given_name',
                coalesce(given_name, to_jsonb(made.key)), 'family_name', coalesce(family_name, '\"\"'),
                'email', email, 'username_folded', name_folded, 'given_name_folded',
                coalesce(given_name_folded, to_jsonb(made.key_folded)), 'family_name_folded',
                coalesce(family_name_folded, '\"\"'), 'email_folded', email_folded))
         FROM wanted JOIN made USING (key) WHERE r.line = wanted.line AND r.import_id = {plan.import}",
        good = good(plan),
        ids = tx.new_ids(),
        source = source(plan, reference),
        source_folded = fold(source(plan, reference)),
    )
    .execute(tx.conn)?;
    refuse_taken(tx, plan)
}

/// The system whose keys managers are named by.
pub fn source<'a>(plan: &'a Plan, reference: &'a ReferenceMapping) -> &'a str {
    reference.source.as_deref().unwrap_or(plan.source())
}

/// Nobody is made with a username that another one has, here or in this file.
fn refuse_taken(tx: &mut Tx, plan: &Plan) -> ApiResult<()> {
    let fault = issue(
        plan,
        "manager",
        "already_taken",
        sql!(
            "'the manager \"' || (r.fields ->> 'manager') || '\" would be made as \"'
                || (r.refs ->> 'manager') || '\", which belongs to another one, here or in this file'"
        ),
        "error",
    );
    sql!(
        "WITH made AS MATERIALIZED (SELECT DISTINCT refs ->> 'manager_id' AS id,
                refs -> 'made_manager' ->> 'username_folded' AS username FROM {good} g
            WHERE refs ? 'made_manager'),
         taken AS (
            SELECT id
            FROM (SELECT id, count(*) OVER (PARTITION BY username) AS copies FROM made) AS named
            WHERE copies > 1
            UNION
            SELECT made.id FROM made JOIN users u ON u.username_folded = made.username
            UNION
            SELECT made.id FROM made JOIN {good} g ON g.folded ->> 'username_folded' = made.username)
         UPDATE import_rows r SET action = 'refuse', issues = r.issues || {fault}
         WHERE r.refs ->> 'manager_id' IN (SELECT id FROM taken) AND r.import_id = {plan.import}",
        good = good(plan),
    )
    .execute(tx.conn)?;
    Ok(())
}

#[derive(QueryableByName)]
struct Number {
    #[diesel(sql_type = sql_types::BigInt)]
    number: i64,
}

/// How many people the plan makes beside its rows.
pub fn count(tx: &mut Tx, plan: &Plan) -> ApiResult<i64> {
    let number: Number = sql!(
        "SELECT count(DISTINCT refs ->> 'manager_id') AS number FROM import_rows
         WHERE action IN ('create', 'update', 'restore') AND refs ? 'made_manager'
            AND import_id = {plan.import}"
    )
    .get_result(tx.conn)?;
    Ok(number.number)
}

/// Makes them: invited, with the key that they were named by.
pub fn write(tx: &mut Tx, plan: &Plan) -> ApiResult<()> {
    let Some(reference) = plan.mapping.references.get("manager") else {
        return Ok(());
    };
    let made = || {
        sql!(
            "(SELECT DISTINCT ON (refs ->> 'manager_id') (refs ->> 'manager_id')::uuid AS id,
                    refs ->> 'manager' AS username, refs -> 'made_manager' AS made
                FROM import_rows WHERE action IN ('create', 'update', 'restore')
                    AND refs ? 'made_manager' AND import_id = {plan.import}
                ORDER BY refs ->> 'manager_id') AS next"
        )
    };
    let created = sql!(
        "INSERT INTO users (id, username, email, given_name, family_name, username_folded, email_folded,
            given_name_folded, family_name_folded, status, created_at, updated_at)
         SELECT id, username, made ->> 'email', made ->> 'given_name', made ->> 'family_name',
            made ->> 'username_folded', made ->> 'email_folded', made ->> 'given_name_folded',
            made ->> 'family_name_folded', {invited}, {tx.now}, {tx.now} FROM {made}
         RETURNING users.id, {shown} AS after",
        shown = shown::<User>(),
        invited = UserStatus::Invited.as_str(),
        made = made(),
    );
    events::record(tx, &User::EVENTS.created, None, created)?;
    let written: Vec<Id> = sql!(
        "INSERT INTO external_keys (kind, source, key, object_id, is_placeholder, created_at)
         SELECT 'user', {source}, made ->> 'key', id, true, {tx.now} FROM {made}
         RETURNING object_id AS id",
        source = source(plan, reference),
        made = made(),
    )
    .load(tx.conn)?;
    tx.touch_users(written.into_iter().map(|row| row.id));
    Ok(())
}
