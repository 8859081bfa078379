//! What a list asks for, in the query of a GET or the body of a `.search` (RFC 7644, sections 3.4.2 and 3.4.3).

use std::future::{Ready, ready};

use actix_web::{FromRequest, HttpRequest, dev::Payload};
use serde_json::{Map, Value};
use utoipa::IntoParams;

use super::projection::Projection;
use crate::{
    db::Sql,
    filter::{FilterClock, Schema},
    http::{ApiError, ApiResult, ListQuery, Listing, list::PagePlan, query},
};

/// Resources a page, if the client does not say.
pub const DEFAULT_COUNT: i64 = 100;
/// Resources a page at most.
pub const MOST: i64 = 200;

/// What a list asks for.
#[derive(Debug, Clone)]
pub struct Search {
    /// What is answered of each resource.
    pub projection: Projection,
    /// Which resources.
    pub filter: Option<String>,
    /// The attribute to order by.
    pub sort_by: Option<String>,
    /// Whether the order is turned round.
    pub is_descending: bool,
    /// Where the page begins, counted from 1.
    pub start_index: i64,
    /// Resources a page; none if only their number is wanted.
    pub count: i64,
    /// Where the page begins, by cursor (RFC 9865): empty for the first page.
    pub cursor: Option<String>,
}

/// The parameters of a list, for the API's document.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "it only describes what `Search` reads")]
pub struct ScimListParams {
    /// Which resources, in the filter language over SCIM's attributes.
    #[param(max_length = 4096)]
    filter: Option<String>,
    /// The attribute to order by.
    #[param(rename = "sortBy", example = "userName")]
    sort_by: Option<String>,
    /// `ascending` or `descending`.
    #[param(rename = "sortOrder")]
    sort_order: Option<String>,
    /// Where the page begins, counted from 1.
    #[param(rename = "startIndex")]
    start_index: Option<i64>,
    /// Resources a page: 100, at most 200; 0 for their number only.
    count: Option<i64>,
    /// Where the page begins (RFC 9865): empty for the first page, then `nextCursor` of the page before.
    cursor: Option<String>,
    /// The attributes to be answered, separated by commas.
    attributes: Option<String>,
    /// The attributes to be left out, separated by commas.
    #[param(rename = "excludedAttributes")]
    excluded_attributes: Option<String>,
}

/// The parameters of a request about one resource, for the API's document.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "it only describes what `Search` reads")]
pub struct ScimProjectionParams {
    /// The attributes to be answered, separated by commas.
    attributes: Option<String>,
    /// The attributes to be left out, separated by commas.
    #[param(rename = "excludedAttributes")]
    excluded_attributes: Option<String>,
}

const NAMES: &[&str] = &[
    "attributes",
    "excludedAttributes",
    "filter",
    "sortBy",
    "sortOrder",
    "startIndex",
    "count",
    "cursor",
];

impl FromRequest for Search {
    type Error = ApiError;
    type Future = Ready<ApiResult<Self>>;

    /// Parameters that nobody knows are passed over: Entra adds flags of its own.
    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let pairs = query::pairs(request.query_string());
        let members = pairs.map(|(name, value)| (name, Value::String(value)));
        ready(Self::read(members.collect()))
    }
}

impl Search {
    /// By the body of a `.search`.
    pub fn from_body(body: Value) -> ApiResult<Self> {
        match body {
            Value::Object(members) => Self::read(members),
            _ => Err(ApiError::field("", "The body must be an object.")),
        }
    }

    fn read(members: Map<String, Value>) -> ApiResult<Self> {
        let mut known = Map::new();
        for (name, value) in members {
            let name = NAMES.iter().find(|known| known.eq_ignore_ascii_case(&name));
            if let Some(name) = name.filter(|_| !value.is_null()) {
                known.insert((*name).to_owned(), value);
            }
        }
        let text = |name: &str| match known.get(name) {
            None => Ok(None),
            Some(Value::String(text)) if !text.contains('\0') => Ok(Some(text.clone())),
            Some(_) => Err(ApiError::parameter(name, "must be text")),
        };
        let is_descending = match text("sortOrder")?
            .map(|order| order.to_ascii_lowercase())
            .as_deref()
        {
            None | Some("" | "ascending") => false,
            Some("descending") => true,
            Some(_) => {
                return Err(ApiError::parameter(
                    "sortOrder",
                    "must be ascending or descending",
                ));
            }
        };
        let projection = Projection::new(
            &names(&known, "attributes")?,
            &names(&known, "excludedAttributes")?,
        );
        Ok(Search {
            projection,
            filter: text("filter")?.filter(|filter| !filter.trim().is_empty()),
            sort_by: text("sortBy")?.filter(|name| !name.is_empty()),
            is_descending,
            start_index: whole(&known, "startIndex")?.unwrap_or(1).max(1),
            count: whole(&known, "count")?.unwrap_or(DEFAULT_COUNT).clamp(0, MOST),
            cursor: text("cursor")?,
        })
    }

    /// The page, and the condition of its matches.
    pub fn plan(
        &self,
        core: &str,
        listing: &Listing,
        schema: &Schema,
        clock: &FilterClock,
    ) -> ApiResult<(PagePlan, Sql)> {
        self.query(core, listing)?.page(listing, schema, clock)
    }

    /// The same as a list of Provost's own, by the orders that `listing` calls as SCIM does.
    fn query(&self, core: &str, listing: &Listing) -> ApiResult<ListQuery> {
        let asked = self.sort_by.as_deref().map(|name| {
            let prefix = name
                .get(..core.len())
                .filter(|head| head.eq_ignore_ascii_case(core));
            prefix.map_or(name, |_| name[core.len()..].trim_start_matches(':'))
        });
        let sort = match asked {
            None => listing.sorts.first(),
            Some(name) => {
                let mut sorts = listing.sorts.iter();
                let found = sorts.find(|sort| sort.name.eq_ignore_ascii_case(name));
                let names: Vec<_> = listing.sorts.iter().map(|sort| sort.name).collect();
                let detail = || format!("must be one of {}", names.join(", "));
                Some(found.ok_or_else(|| ApiError::parameter("sortBy", detail()))?)
            }
        };
        let direction = if self.is_descending { "-" } else { "" };
        Ok(ListQuery {
            limit: Some(self.count),
            cursor: self.cursor.clone().filter(|cursor| !cursor.is_empty()),
            sort: sort.map(|sort| format!("{direction}{}", sort.name)),
            filter: self.filter.clone(),
            faults: Vec::new(),
        })
    }
}

/// Names in a list, or separated by commas.
fn names(known: &Map<String, Value>, name: &str) -> ApiResult<Vec<String>> {
    let fault = || ApiError::parameter(name, "must be names of attributes");
    let listed: Vec<&str> = match known.get(name) {
        None => Vec::new(),
        Some(Value::String(text)) => text.split(',').collect(),
        Some(Value::Array(items)) => {
            let texts: Option<Vec<_>> = items.iter().map(Value::as_str).collect();
            texts.ok_or_else(fault)?
        }
        Some(_) => return Err(fault()),
    };
    if listed.iter().any(|name| name.contains('\0')) {
        return Err(fault());
    }
    let listed = listed.into_iter().map(str::trim).filter(|name| !name.is_empty());
    Ok(listed.map(str::to_owned).collect())
}

fn whole(known: &Map<String, Value>, name: &str) -> ApiResult<Option<i64>> {
    let number = match known.get(name) {
        None => return Ok(None),
        Some(Value::String(text)) => text.trim().parse().ok(),
        Some(value) => value.as_i64(),
    };
    number
        .map(Some)
        .ok_or_else(|| ApiError::parameter(name, "must be a whole number"))
}
