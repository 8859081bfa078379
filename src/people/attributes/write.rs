//! Defining attributes and changing their definitions, one or a thousand by the same few statements. Called by the
//! routes and bulk requests.

use super::model::{
    AttributeDefinition, AttributeKind, CreateAttributeDefinition, UpdateAttributeDefinition,
};
use crate::{
    access::{self, Authorized, Permission, bulk::one, caller::lacks},
    app::Tx,
    http::{ApiError, ApiResult, bulk::Outcomes},
    people::draft::{self, Unique, due, standing},
};

/// What is to become of a definition.
pub type Change =
    access::bulk::Change<AttributeDefinition, CreateAttributeDefinition, UpdateAttributeDefinition>;

type Draft = draft::Draft<AttributeDefinition>;

const NAME: Unique<AttributeDefinition> = Unique {
    column: "name",
    pointer: "/name",
    fold: "",
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
    let may_add = tx.scope(Permission::AttributesWrite)?.is_everything();
    let mut drafts: Vec<Draft> = changes.into_iter().map(|change| draft(tx, change)).collect();
    for draft in drafts
        .iter_mut()
        .filter(|draft| !may_add && draft.before.is_none())
    {
        draft.refused = Some(lacks(Permission::AttributesWrite));
    }
    for draft in standing(&mut drafts).filter(|draft| has_needless_list(draft)) {
        draft.refused = Some(ApiError::field(
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

fn draft(tx: &Tx, change: Change) -> Draft {
    match change {
        Change::Create(id, new) => Draft::new(None, new.into_definition(id, tx.now), ()),
        Change::Update(update) => {
            let (before, changes) = *update;
            let before = before.into_inner();
            Draft::new(Some(before.clone()), changes.apply_to(before), ())
        }
    }
}

fn has_needless_list(draft: &Draft) -> bool {
    draft.after.kind != AttributeKind::String && draft.after.allowed_values.is_some()
}
