//! Making a plan: from the stored file to counts, differences and issues. Writes nothing but the import's own rows.

use uuid::Uuid;

use super::{
    assess::{self, Assessment},
    imports::store,
    mapping::{Mapping, ReferenceMapping},
    read,
    target::{Field, Plan, Target},
};
use crate::{
    app::Tx,
    http::{ApiError, ApiResult},
};

/// An import with all that planning and applying it need.
pub struct Prepared {
    /// Which.
    pub id: Uuid,
    /// Where it goes.
    pub target: &'static dyn Target,
    mapping: Mapping,
    fields: Vec<Field>,
}

impl Prepared {
    /// The import `id`, with its profile's version as it was when it was begun.
    pub fn of(tx: &mut Tx, id: Uuid) -> ApiResult<Self> {
        let (resource, mapping) = store::mapping(tx, id)?;
        let target = super::stored_target(tx.app, &resource)?;
        let mapping: Mapping = serde_json::from_value(mapping).map_err(ApiError::internal)?;
        let mut fields = target.fields(tx)?;
        fields.retain(|field| {
            let name = field.name.as_ref();
            let is_made = |reference: &ReferenceMapping| reference.made.contains_key(name);
            mapping.fields.contains_key(name) || mapping.references.values().any(is_made)
        });
        if let Some(unknown) = mapping
            .fields
            .keys()
            .find(|name| !fields.iter().any(|field| field.name == **name))
        {
            return Err(read::unusable(format!(
                "The profile fills {unknown}, which is there no longer; change the profile."
            )));
        }
        Ok(Prepared {
            id,
            target,
            mapping,
            fields,
        })
    }

    /// As targets see it.
    pub fn plan(&self) -> Plan<'_> {
        Plan {
            import: self.id,
            mapping: &self.mapping,
            fields: &self.fields,
        }
    }
}

/// Reads the file and compares it with what is there. `tell` hears how many rows are read.
pub fn plan(tx: &mut Tx, import: Uuid, tell: &dyn Fn(i64)) -> ApiResult<Assessment> {
    let prepared = Prepared::of(tx, import)?;
    let plan = prepared.plan();
    read::load(tx, &plan, prepared.target.declaration(), tell)?;
    let assessment = assess::assess(tx, prepared.target, &plan)?;
    store::planned(tx, import, &assessment)?;
    Ok(assessment)
}
