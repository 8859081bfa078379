//! The rules of providers beside their schemas.

use std::collections::BTreeSet;

use utoipa::ToSchema;
use validator::ValidationError;

use super::model::GroupLink;
use crate::http::rules::rule;

/// What may stand in a list of words with spaces between (RFC 6749, section 3.3).
#[derive(ToSchema)]
#[schema(value_type = String, max_length = 200, pattern = r"^[!#-\[\]-~]+$")]
pub struct OauthScope(#[expect(dead_code, reason = "it is a schema")] String);

/// An address of a front end.
#[derive(ToSchema)]
#[schema(value_type = String, max_length = 2000, format = "redirect-uri")]
pub struct RedirectUri(#[expect(dead_code, reason = "it is a schema")] String);

/// An audience of a provider's tokens.
#[derive(ToSchema)]
#[schema(value_type = String, min_length = 1, max_length = 500)]
pub struct Audience(#[expect(dead_code, reason = "it is a schema")] String);

pub(super) fn have_openid(scopes: &[String]) -> Result<(), ValidationError> {
    match scopes.iter().any(|scope| scope == "openid") {
        true => Ok(()),
        false => rule("", "must have openid among them"),
    }
}

pub(super) fn are_distinct(groups: &[GroupLink]) -> Result<(), ValidationError> {
    let values: BTreeSet<_> = groups.iter().map(|link| link.value.as_str()).collect();
    if values.len() == groups.len() {
        return Ok(());
    }
    rule("", "must name each value once")
}
