//! How the requirements of a rule stand: of its pilot group, and of the rest of its audience.

use diesel::{
    QueryableByName, RunQueryDsl,
    sql_types::{BigInt, Bool, Double, Nullable},
};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{audience_model::Reach, model::Rule};
use crate::{
    app::Tx,
    authz::Protected,
    filter::Filter,
    http::{ApiError, ApiResult},
    people::users,
    sql,
};

/// How the requirements of a rule stand, for the users that the caller's scope covers.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct RuleFigures {
    /// The rule.
    pub rule_id: Uuid,
    /// The members of the pilot group who are in the audience; null while the rule has no pilot group.
    pub pilot: Option<AudienceFigures>,
    /// The rest of the audience: the users that the rule reaches once it has no pilot group.
    pub rest: AudienceFigures,
}

/// How the requirements of some users stand.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, ToSchema)]
pub struct AudienceFigures {
    /// Users whom the audience names.
    pub users: i64,
    /// Their requirements that the rule is a reason of; of cycles only the current one.
    pub required: i64,
    /// Those that a completion or a waiver satisfied.
    pub satisfied: i64,
    /// `satisfied` in percent of `required`; null if nothing is required.
    pub satisfied_percent: Option<f64>,
    /// The median of the days from `opens_on` to `satisfied_at`; null if no completion satisfied anything.
    pub median_days: Option<f64>,
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Bool)]
    is_pilot: bool,
    #[diesel(sql_type = BigInt)]
    users: i64,
    #[diesel(sql_type = BigInt)]
    required: i64,
    #[diesel(sql_type = BigInt)]
    satisfied: i64,
    #[diesel(sql_type = Nullable<Double>)]
    median_days: Option<f64>,
}

/// The figures of `rule`.
pub fn figures(tx: &mut Tx, rule: &Rule) -> ApiResult<RuleFigures> {
    let schema = users::filter::schema(tx)?;
    let pilot = Filter::one_of(&schema, "group_ids", rule.pilot_group_id.as_slice());
    let audience = Reach::of(rule).without_pilot().filter(&schema);
    let [pilot, audience] = [pilot, audience].map(|filter| {
        let filter = filter.map_err(|faults| users::filter::invalid_at("/audience/filter", &faults))?;
        Ok::<_, ApiError>(filter.to_sql(&tx.filter_clock()))
    });
    let scope = tx.scope(Rule::READ)?;
    let rows: Vec<Row> = sql!(
        "WITH audience AS MATERIALIZED (SELECT users.id AS user_id, {pilot} AS is_pilot
            FROM users WHERE users.status <> 'archived' AND {seen} AND {audience}),
         required AS (SELECT a.is_pilot, q.satisfied_at IS NOT NULL AS is_satisfied,
                CASE WHEN q.completion_id IS NOT NULL
                    THEN greatest((q.satisfied_at AT TIME ZONE 'UTC')::date - q.opens_on, 0) END AS days
            FROM audience a JOIN requirements q ON q.user_id = a.user_id
            WHERE q.ended_at IS NULL AND EXISTS (SELECT FROM requirement_reasons rr
                WHERE rr.user_id = q.user_id AND rr.requirement_id = q.id AND rr.rule_id = {rule.id} AND rr.ended_at IS NULL)
                AND NOT EXISTS (SELECT FROM requirements later
                    WHERE later.user_id = q.user_id AND later.target_id = q.target_id AND later.cycle > q.cycle))
         SELECT side.is_pilot, (SELECT count(*) FROM audience a WHERE a.is_pilot = side.is_pilot) AS users,
            count(r.is_pilot) AS required, count(*) FILTER (WHERE r.is_satisfied) AS satisfied,
            percentile_cont(0.5) WITHIN GROUP (ORDER BY r.days) AS median_days
         FROM (VALUES (TRUE), (FALSE)) side (is_pilot) LEFT JOIN required r ON r.is_pilot = side.is_pilot
         GROUP BY side.is_pilot",
        seen = scope.users("users.id"),
        pilot = pilot?,
        audience = audience?,
    )
    .load(tx.conn)?;
    let of = |is_pilot: bool| {
        let row = rows.iter().find(|row| row.is_pilot == is_pilot);
        row.map(AudienceFigures::from).unwrap_or_default()
    };
    Ok(RuleFigures {
        rule_id: rule.id,
        pilot: rule.pilot_group_id.map(|_| of(true)),
        rest: of(false),
    })
}

impl From<&Row> for AudienceFigures {
    fn from(row: &Row) -> Self {
        let percent = row.satisfied as f64 * 100.0 / row.required as f64;
        AudienceFigures {
            users: row.users,
            required: row.required,
            satisfied: row.satisfied,
            satisfied_percent: (row.required > 0).then_some(percent),
            median_days: row.median_days,
        }
    }
}
