//! `/v1/attribute-definitions`.

use utoipa_actix_web::service_config::ServiceConfig;

use super::model::{
    AttributeDefinition, BulkAttributeDefinitionRow, CreateAttributeDefinition, UpdateAttributeDefinition,
};
use crate::{resource::list::ResourceQuery, resource_endpoints};

/// The routes of this resource.
pub fn configure(config: &mut ServiceConfig) {
    config.service(utoipa_actix_web::scope("/attribute-definitions").configure(endpoints::configure));
}

resource_endpoints! {
    (AttributeDefinition, tag: "attribute-definitions", id: "attribute_definition_id", path: "/{attribute_definition_id}", archival: "/{attribute_definition_id}/archival",
        read: "attributes.read", write: "attributes.write")
    /// List attribute definitions.
    list list_attribute_definitions(ResourceQuery);
    /// Create an attribute definition.
    create create_attribute_definition(CreateAttributeDefinition);
    /// Create and update attribute definitions in bulk.
    ///
    /// Up to 1,000 rows in one transaction. An invalid row gets its problem and changes nothing; the others are written.
    /// With an `Idempotency-Key` you can safely repeat the whole request.
    bulk bulk_write_attribute_definitions(BulkAttributeDefinitionRow);
    /// Get an attribute definition.
    get get_attribute_definition;
    /// Update an attribute definition.
    update update_attribute_definition(UpdateAttributeDefinition);
    /// Archive an attribute definition.
    ///
    /// Values stay, and filters go on finding them; new ones are refused.
    archive archive_attribute_definition;
    /// Restore an attribute definition.
    restore restore_attribute_definition;
}
