//! `/v1/categories`.

use utoipa_actix_web::service_config::ServiceConfig;

use super::model::{BulkCategoryRow, Category, CreateCategory, UpdateCategory};
use crate::{resource::list::SearchQuery, resource_endpoints};

/// The routes of this resource.
pub fn configure(config: &mut ServiceConfig) {
    config.service(utoipa_actix_web::scope("/categories").configure(endpoints::configure));
}

resource_endpoints! {
    (Category, tag: "categories", id: "category_id", path: "/{category_id}", archival: "/{category_id}/archival",
        read: "courses.read" in "any", write: "courses.write")
    /// List categories.
    ///
    /// What the caller may see, with archived units: `filter=archived_at eq null` leaves those out. Restricted ones are
    /// seen within the caller's scope, and by who sees a course in them.
    list list_categories(SearchQuery);
    /// Create a category.
    create create_category(CreateCategory);
    /// Create and update categories in bulk.
    ///
    /// Up to 1,000 rows in one transaction. An invalid row gets its problem and changes nothing; the others are written.
    /// With an `Idempotency-Key` you can safely repeat the whole request.
    bulk bulk_write_categories(BulkCategoryRow);
    /// Get a category.
    get get_category;
    /// Update a category.
    ///
    /// Its `visibility` takes the permission in the scope of everything, since it says who else sees the category.
    update update_category(UpdateCategory);
    /// Archive a category.
    ///
    /// It takes no courses from then on. Refused while it still has any.
    archive archive_category;
    /// Restore a category.
    restore restore_category;
}
