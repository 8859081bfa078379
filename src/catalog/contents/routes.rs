//! `/v1/contents`.

use utoipa_actix_web::service_config::ServiceConfig;

use super::{
    model::{BulkContentRow, Content, CreateContent, UpdateContent},
    uses, versions,
};
use crate::resource_endpoints;

/// The routes of this resource and of its versions.
pub fn configure(config: &mut ServiceConfig) {
    config.service(
        utoipa_actix_web::scope("/contents")
            .configure(endpoints::configure)
            .service(versions::routes::create_content_version)
            .service(versions::routes::list_content_versions)
            .service(versions::routes::get_content_version)
            .service(versions::routes::delete_content_version)
            .service(versions::routes::create_content_download)
            .service(uses::list_content_uses)
            .service(uses::get_content_usage),
    );
    super::checks::routes::configure(config);
}

resource_endpoints! {
    (Content, tag: "contents", id: "content_id", path: "/{content_id}", archival: "/{content_id}/archival",
        read: "contents.read", write: "contents.write")
    /// List contents.
    ///
    /// The contents of the categories in the caller's scope, and those without a category. Archived ones too:
    /// `filter=archived_at eq null` leaves them out. `finding eq "no_completion"` finds those whose current version has a
    /// problem.
    export list_contents;
    /// Create a content.
    ///
    /// It is empty until it gets a version. Its category must be in the caller's scope; without a category it takes the scope
    /// of everything.
    create create_content(CreateContent);
    /// Create and update contents in bulk.
    ///
    /// Up to 1,000 rows in one transaction. An invalid row gets its problem and changes nothing; the others are written.
    /// With an `Idempotency-Key` you can safely repeat the whole request.
    bulk bulk_write_contents(BulkContentRow);
    /// Get a content.
    get get_content;
    /// Update a content.
    ///
    /// Moving it to another category needs the permission in both.
    update update_content(UpdateContent);
    /// Archive a content.
    ///
    /// Refused while the working copy, the current version or an open candidate of a course uses it: 409 `content_in_use` names the courses.
    archive archive_content;
    /// Restore a content.
    restore restore_content;
}
