//! Defining attributes and changing their definitions, one or a thousand by the same few statements. Called by the
//! routes and bulk requests.

use super::model::{
    AttributeDefinition, AttributeKind, CreateAttributeDefinition, UpdateAttributeDefinition,
};
use crate::{
    access::{self, Authorized, Permission, bulk::one},
    app::Tx,
    http::{ApiError, ApiResult, bulk::Outcomes},
    people::draft::{self, Unique, due},
};

/// What is to become of a definition.
pub type Change =
    access::bulk::Change<AttributeDefinition, CreateAttributeDefinition, UpdateAttributeDefinition>;

type Draft = draft::Draft<AttributeDefinition>;

const NAME: Unique<AttributeDefinition> = Unique {
    column: "name",
    pointer: "/name",
    value: |definition| &definition.name,
};

/// Defines an attribute.
pub fn create(tx: &mut Tx, new: CreateAttributeDefinition) -> ApiResult<AttributeDefinition> {
    one(apply(tx, vec![Change::create(new)])?)
}

/// Changes a definition.
pub fn update(
    tx: &mut Tx,
    definition: Authorized<AttributeDefinition>,
    changes: UpdateAttributeDefinition,
) -> ApiResult<AttributeDefinition> {
    one(apply(tx, vec![Change::update(definition, changes)])?)
}

/// Writes definitions: each by itself is written or refused. What does not change is left alone.
pub fn apply(tx: &mut Tx, changes: Vec<Change>) -> ApiResult<Outcomes<AttributeDefinition>> {
    let now = tx.now;
    let mut drafts = draft::drafts(
        changes,
        |new, id| new.into_definition(id, now),
        UpdateAttributeDefinition::apply_to,
    );
    draft::refuse_new(tx, &mut drafts, Permission::AttributesWrite)?;
    for draft in drafts.iter_mut().filter(|draft| has_needless_list(draft)) {
        draft.refuse(ApiError::field(
            "/allowed_values",
            "belongs to attributes of the kind string",
        ));
    }
    NAME.check(tx, &mut drafts)?;
    draft::step(tx, &mut drafts);
    draft::save(tx, &drafts)?;
    due(&drafts).for_each(|draft| tx.record(draft.event()));
    Ok(draft::outcomes(drafts))
}

fn has_needless_list(draft: &Draft) -> bool {
    draft.after.kind != AttributeKind::String && draft.after.allowed_values.is_some()
}
