//! The endpoints that resources have in common, declared with their docs.

/// Declares endpoints of a resource, each with its docs, in a module `endpoints` whose `configure` registers them:
///
/// ```text
/// resource_endpoints! {
///     (Location, tag: "locations", id: "location_id", path: "/{location_id}", archival: "/{location_id}/archival",
///         read: "locations.read", write: "locations.write")
///     /// List locations.
///     list list_locations(ResourceQuery);
///     /// Create a location.
///     create create_location(CreateLocation);
///     /// Create and update locations in bulk.
///     bulk bulk_write_locations(BulkLocationRow);
///     /// Get a location.
///     get get_location;
///     /// Update a location.
///     update update_location(UpdateLocation);
///     /// Archive a location.
///     archive archive_location;
///     /// Restore a location.
///     restore restore_location;
/// }
/// ```
///
/// `export list_locations;` in place of `list …` is a list that is exported as CSV and NDJSON, too: see [`Resource::CSV`](crate::resource::Resource::CSV).
///
/// `read: "courses.read" in "any"` is for what holders of the permission see beyond their scope. What bulk requests have in common
/// is said of each.
#[macro_export]
macro_rules! resource_endpoints {
    (@list ($row:ident, tag: $tag:tt, id: $id:tt, path: $path:tt, $(archival: $archival:tt,)?
        read: $read:tt $(in $scope:tt)?, write: $write:tt) [$($doc:tt)*] $name:ident $query:ident) => {
        $($doc)*
        #[utoipa::path(tag = $tag, params($query),
            responses((status = 200, body = $crate::http::Page<$row>)),
            extensions(("x-permission" = json!($read)) $(, ("x-scope" = json!($scope)))?))]
        #[get("")]
        async fn $name(
            call: $crate::app::Call,
            query: $crate::http::Query<$query>,
        ) -> $crate::http::ApiResult<$crate::http::Reply> {
            $crate::resource::routes::list::<$row>(call, query.0).await
        }
    };
    (@export ($row:ident, tag: $tag:tt, id: $id:tt, path: $path:tt, $(archival: $archival:tt,)?
        read: $read:tt $(in $scope:tt)?, write: $write:tt) [$($doc:tt)*] $name:ident) => {
        $($doc)*
        #[utoipa::path(tag = $tag, params($crate::resource::list::ExportQuery),
            responses((status = 200, description = "A page, or the whole list.",
                content(($crate::http::Page<$row> = "application/json"), (String = "text/csv"), (String = "application/x-ndjson")))),
            extensions(("x-permission" = json!($read)) $(, ("x-scope" = json!($scope)))?))]
        #[get("")]
        async fn $name(
            call: $crate::app::Call,
            query: $crate::http::Query<$crate::resource::list::ExportQuery>,
            accepted: $crate::http::export::Accepted,
        ) -> $crate::http::ApiResult<actix_web::Either<$crate::http::Reply, actix_web::HttpResponse>> {
            $crate::resource::routes::list_or_export::<$row>(call, query.0, accepted).await
        }
    };
    (@create ($row:ident, tag: $tag:tt, id: $id:tt, path: $path:tt, $(archival: $archival:tt,)?
        read: $read:tt $(in $scope:tt)?, write: $write:tt) [$($doc:tt)*] $name:ident $body:ident) => {
        $($doc)*
        #[utoipa::path(tag = $tag, request_body = $body, responses((status = 201, body = $row)),
            extensions(("x-permission" = json!($write))))]
        #[post("")]
        async fn $name(
            call: $crate::app::Call,
            body: $crate::http::Valid<$body>,
        ) -> $crate::http::ApiResult<$crate::http::Reply> {
            $crate::resource::routes::create(call, body.0).await
        }
    };
    (@bulk ($row:ident, tag: $tag:tt, id: $id:tt, path: $path:tt, $(archival: $archival:tt,)?
        read: $read:tt $(in $scope:tt)?, write: $write:tt) [$($doc:tt)*] $name:ident $body:ident) => {
        $($doc)*
        #[utoipa::path(tag = $tag, request_body = $crate::http::bulk::BulkRequest<$body>,
            responses((status = 200, body = $crate::http::bulk::BulkAnswer<$row>)),
            extensions(("x-permission" = json!($write))))]
        #[post("/bulk")]
        async fn $name(
            call: $crate::app::Call,
            body: $crate::http::bulk::BulkBody,
        ) -> $crate::http::ApiResult<$crate::http::Reply> {
            $crate::resource::bulk::respond::<$row, $body>(call, body).await
        }
    };
    (@get ($row:ident, tag: $tag:tt, id: $id:tt, path: $path:tt, $(archival: $archival:tt,)?
        read: $read:tt $(in $scope:tt)?, write: $write:tt) [$($doc:tt)*] $name:ident) => {
        $($doc)*
        #[utoipa::path(tag = $tag, params(($id = String, Path), $crate::resource::list::ReadQuery),
            responses((status = 200, body = $row)),
            extensions(("x-permission" = json!($read)) $(, ("x-scope" = json!($scope)))?))]
        #[get($path)]
        async fn $name(
            call: $crate::app::Call,
            id: actix_web::web::Path<$crate::http::Ref<$row>>,
            query: $crate::http::Query<$crate::resource::list::ReadQuery>,
            known: $crate::http::IfNoneMatch,
        ) -> $crate::http::ApiResult<$crate::http::Reply> {
            $crate::resource::routes::read(call, id.into_inner(), query.0, known).await
        }
    };
    (@update ($row:ident, tag: $tag:tt, id: $id:tt, path: $path:tt, $(archival: $archival:tt,)?
        read: $read:tt $(in $scope:tt)?, write: $write:tt) [$($doc:tt)*] $name:ident $body:ident) => {
        $($doc)*
        #[utoipa::path(tag = $tag, params(($id = String, Path)), request_body = $body,
            responses((status = 200, body = $row)), extensions(("x-permission" = json!($write))))]
        #[patch($path)]
        async fn $name(
            call: $crate::app::Call,
            id: actix_web::web::Path<$crate::http::Ref<$row>>,
            known: $crate::http::IfMatch,
            body: $crate::http::Valid<$body>,
        ) -> $crate::http::ApiResult<$crate::http::Reply> {
            $crate::resource::routes::update(call, id.into_inner(), known, body.0).await
        }
    };
    (@archive ($row:ident, tag: $tag:tt, id: $id:tt, path: $path:tt, archival: $archival:tt,
        read: $read:tt $(in $scope:tt)?, write: $write:tt) [$($doc:tt)*] $name:ident) => {
        $($doc)*
        #[utoipa::path(tag = $tag, params(($id = String, Path)), responses((status = 200, body = $row)),
            extensions(("x-permission" = json!($write))))]
        #[post($archival)]
        async fn $name(
            call: $crate::app::Call,
            id: actix_web::web::Path<$crate::http::Ref<$row>>,
        ) -> $crate::http::ApiResult<$crate::http::Reply> {
            $crate::resource::routes::archive(call, id.into_inner()).await
        }
    };
    (@restore ($row:ident, tag: $tag:tt, id: $id:tt, path: $path:tt, archival: $archival:tt,
        read: $read:tt $(in $scope:tt)?, write: $write:tt) [$($doc:tt)*] $name:ident) => {
        $($doc)*
        #[utoipa::path(tag = $tag, params(($id = String, Path)), responses((status = 200, body = $row)),
            extensions(("x-permission" = json!($write))))]
        #[delete($archival)]
        async fn $name(
            call: $crate::app::Call,
            id: actix_web::web::Path<$crate::http::Ref<$row>>,
            known: $crate::http::IfMatch,
        ) -> $crate::http::ApiResult<$crate::http::Reply> {
            $crate::resource::routes::restore(call, id.into_inner(), known).await
        }
    };
    ($resource:tt $($(#[$doc:meta])* $operation:ident $name:ident $(($body:ident))?;)*) => {
        mod endpoints {
            #[allow(unused_imports, reason = "a resource need not have all endpoints")]
            use actix_web::{delete, get, patch, post};

            use super::*;

            $($crate::resource_endpoints!(@$operation $resource [$(#[$doc])*] $name $($body)?);)*

            /// Registers them.
            pub fn configure(config: &mut utoipa_actix_web::service_config::ServiceConfig) {
                config$(.service($name))*;
            }
        }
    };
}
