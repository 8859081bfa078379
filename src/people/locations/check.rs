//! What must hold of locations before they are written.

use super::model::Location;
use crate::{
    app::Tx,
    http::ApiResult,
    people::org_units::model::OrgUnit,
    resource::{Draft, Expansion, NoExtra, Reference, Resource, Unique},
};

const ORG_UNIT: Reference<Location, OrgUnit> = Reference::new("org_unit_id", |location| location.org_unit_id);

impl Resource for Location {
    type Extra = NoExtra;
    const PATH: &'static str = "/v1/locations";
    const SEARCH: Option<&'static str> = Some("locations.search");
    const EXPANSIONS: &'static [Expansion] = &[Expansion::of::<OrgUnit>("org_unit", "org_unit_id")];
    const UNIQUE: &'static [Unique<Self>] = &[Unique::new("code", |location| &location.code)];

    fn check(tx: &mut Tx, drafts: &mut [Draft<Self>]) -> ApiResult<()> {
        ORG_UNIT.check(tx, drafts)
    }
}
