//! Whom a rule is for, as data and as JSON.

use diesel::{deserialize::FromSqlRow, expression::AsExpression, sql_types::Jsonb};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::model::Rule;
use crate::{
    filter::{Filter, FilterErrors, Schema},
    json_column,
};

/// Whom a rule is for: everybody whom at least one of `filter`, `group_ids`, `org_unit_ids` and `user_ids` names, without those
/// whom `except` names.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema, AsExpression, FromSqlRow)]
#[diesel(sql_type = Jsonb)]
#[serde(deny_unknown_fields, default)]
pub struct Audience {
    /// A filter over users.
    #[schema(
        min_length = 1,
        max_length = 4096,
        format = "multiline",
        example = "org_unit eq \"emea\" and employment_type ne \"contractor\""
    )]
    pub filter: Option<String>,
    /// The members of these groups.
    #[schema(max_items = 100)]
    pub group_ids: Vec<Uuid>,
    /// The users of these org units and of all units below them.
    #[schema(max_items = 100)]
    pub org_unit_ids: Vec<Uuid>,
    /// These users.
    #[schema(max_items = 1000)]
    pub user_ids: Vec<Uuid>,
    /// Who is not in the audience, whatever else names them.
    pub except: AudienceExceptions,
}

/// Who is not in an audience: everybody whom at least one of its members names.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct AudienceExceptions {
    /// A filter over users.
    #[schema(
        min_length = 1,
        max_length = 4096,
        format = "multiline",
        example = "title eq \"Director\""
    )]
    pub filter: Option<String>,
    /// The members of these groups.
    #[schema(max_items = 100)]
    pub group_ids: Vec<Uuid>,
    /// The users of these org units and of all units below them.
    #[schema(max_items = 100)]
    pub org_unit_ids: Vec<Uuid>,
    /// These users.
    #[schema(max_items = 1000)]
    pub user_ids: Vec<Uuid>,
}

json_column!(Audience);

/// What an audience or its exceptions name.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Named<'a> {
    pub filter: Option<&'a str>,
    pub group_ids: &'a [Uuid],
    pub org_unit_ids: &'a [Uuid],
    pub user_ids: &'a [Uuid],
}

impl Audience {
    /// Who is in it.
    pub(super) fn included(&self) -> Named<'_> {
        Named {
            filter: self.filter.as_deref(),
            group_ids: &self.group_ids,
            org_unit_ids: &self.org_unit_ids,
            user_ids: &self.user_ids,
        }
    }

    /// Who is not.
    pub(super) fn excepted(&self) -> Named<'_> {
        Named {
            filter: self.except.filter.as_deref(),
            group_ids: &self.except.group_ids,
            org_unit_ids: &self.except.org_unit_ids,
            user_ids: &self.except.user_ids,
        }
    }

    /// Whether nothing in it names anybody.
    pub fn names_nobody(&self) -> bool {
        self.included().is_empty()
    }

    /// The same as one filter over users, by their `schema`.
    ///
    /// # Errors
    /// A filter in it cannot be read.
    fn filter(&self, schema: &Schema) -> Result<Filter, FilterErrors> {
        let included = self.included().filter(schema)?;
        let excepted = self.excepted();
        if excepted.is_empty() {
            return Ok(included);
        }
        Ok(Filter::all(vec![included, excepted.filter(schema)?.negated()]))
    }
}

/// Whom a rule can reach: its audience, within its org unit and its pilot group.
#[derive(Debug, Clone, PartialEq)]
pub struct Reach {
    audience: Audience,
    org_unit_id: Option<Uuid>,
    pilot_group_id: Option<Uuid>,
}

impl Reach {
    /// That of `rule`.
    pub fn of(rule: &Rule) -> Self {
        Reach {
            audience: rule.audience.clone(),
            org_unit_id: rule.org_unit_id,
            pilot_group_id: rule.pilot_group_id,
        }
    }

    /// Whom it reaches once it has no pilot group.
    #[must_use]
    pub fn without_pilot(self) -> Self {
        Reach {
            pilot_group_id: None,
            ..self
        }
    }

    /// The same as one filter over users, by their `schema`.
    ///
    /// # Errors
    /// A filter of the audience cannot be read.
    pub fn filter(&self, schema: &Schema) -> Result<Filter, FilterErrors> {
        let limits = [
            ("org_unit_ids", self.org_unit_id),
            ("group_ids", self.pilot_group_id),
        ];
        let limits = limits
            .into_iter()
            .filter_map(|(name, id)| Some(Filter::one_of(schema, name, &[id?])));
        let parts = limits.chain([self.audience.filter(schema)]);
        Ok(Filter::all(parts.collect::<Result<_, _>>()?))
    }
}

impl Named<'_> {
    fn is_empty(&self) -> bool {
        self.filter.is_none()
            && [self.group_ids, self.org_unit_ids, self.user_ids]
                .iter()
                .all(|ids| ids.is_empty())
    }

    fn filter(&self, schema: &Schema) -> Result<Filter, FilterErrors> {
        let written = self.filter.map(|text| Filter::parse(text, schema));
        let lists = [
            ("group_ids", self.group_ids),
            ("org_unit_ids", self.org_unit_ids),
            ("id", self.user_ids),
        ];
        let lists = lists.into_iter().filter(|(_, ids)| !ids.is_empty());
        let lists = lists.map(|(name, ids)| Filter::one_of(schema, name, ids));
        Ok(Filter::any(
            written.into_iter().chain(lists).collect::<Result<_, _>>()?,
        ))
    }
}
