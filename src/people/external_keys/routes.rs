//! `…/external-keys` under every resource that other systems name.

/// Makes a module `$module` with the routes of a resource's external keys and their `configure`, to be mounted
/// inside the resource's scope.
#[macro_export]
macro_rules! external_key_routes {
    ($module:ident: $thing:ty, tag: $tag:tt, id: $id:tt, path: $path:tt, key_path: $key_path:tt, bulk_path: $bulk_path:tt,
     $list:ident $add:ident $remove:ident $bulk:ident, read: $read:tt $(in $scope:tt)?, write: $write:tt $permission:ident) => {
        pub mod $module {
            use actix_web::{delete, get, post, web::Path};
            use utoipa_actix_web::service_config::ServiceConfig;

            use $crate::{
                authz::Permission,
                app::Call,
                http::{
                    ApiResult, IfMatch, Page, Ref, Reply, Valid,
                    bulk::{BulkAnswer, BulkBody, BulkRequest},
                },
                people::external_keys::{self, HasId, bulk::BulkExternalKeyRow, model::ExternalKey},
                text::normalize,
            };

            impl HasId for $thing {
                fn id(&self) -> uuid::Uuid {
                    self.id
                }
            }

            /// The routes, for the resource's scope.
            pub fn configure(config: &mut ServiceConfig) {
                config.service($list).service($add).service($remove).service($bulk);
            }

            /// List external keys.
            ///
            /// The ids of the object in other systems; every path takes `ext:{source}:{key}` in place of an id.
            #[utoipa::path(tag = $tag, params(($id = String, Path)),
                responses((status = 200, body = Page<ExternalKey>)),
                extensions(("x-permission" = json!($read)) $(, ("x-scope" = json!($scope)))?))]
            #[get($path)]
            async fn $list(call: Call, id: Path<Ref<$thing>>) -> ApiResult<Reply> {
                external_keys::list(call, id.into_inner()).await
            }

            /// Add an external key.
            ///
            /// If the object has the key already, nothing changes, and the answer is 200.
            #[utoipa::path(tag = $tag, params(($id = String, Path)), request_body = ExternalKey,
                responses((status = 201, body = ExternalKey), (status = 200, body = ExternalKey)),
                extensions(("x-permission" = json!($write))))]
            #[post($path)]
            async fn $add(call: Call, id: Path<Ref<$thing>>, body: Valid<ExternalKey>) -> ApiResult<Reply> {
                external_keys::add(call, id.into_inner(), Permission::$permission, body.0).await
            }

            /// Remove an external key.
            ///
            /// `If-Match` takes the ETag of the object that has the key.
            #[utoipa::path(tag = $tag, params(($id = String, Path), ("source" = String, Path), ("key" = String, Path)),
                responses((status = 204, description = "It is gone.")), extensions(("x-permission" = json!($write))))]
            #[delete($key_path)]
            async fn $remove(
                call: Call,
                path: Path<(Ref<$thing>, String, String)>,
                known: IfMatch,
            ) -> ApiResult<Reply> {
                let (id, source, key) = path.into_inner();
                let key = ExternalKey {
                    source: normalize(&source).into_owned(),
                    key: normalize(&key).into_owned(),
                };
                external_keys::remove(call, id, Permission::$permission, known, key).await
            }

            /// Add and remove external keys in bulk.
            ///
            /// Up to 1,000 rows in one transaction, in their order. An invalid row gets its problem and changes
            /// nothing; the others are written. Adding a key that the object already has changes nothing. With an
            /// `Idempotency-Key` you can safely repeat the whole request.
            #[utoipa::path(tag = $tag, request_body = BulkRequest<BulkExternalKeyRow>,
                responses((status = 200, body = BulkAnswer<ExternalKey>)),
                extensions(("x-permission" = json!($write))))]
            #[post($bulk_path)]
            async fn $bulk(call: Call, body: BulkBody) -> ApiResult<Reply> {
                external_keys::bulk::write::<$thing>(call, Permission::$permission, body).await
            }
        }
    };
}

external_key_routes!(users: crate::people::users::model::User, tag: "users", id: "user_id",
    path: "/{user_id}/external-keys", key_path: "/{user_id}/external-keys/{source}/{key}",
    bulk_path: "/external-keys/bulk",
    list_user_external_keys create_user_external_key delete_user_external_key bulk_write_user_external_keys,
    read: "users.read", write: "users.write" UsersWrite);

external_key_routes!(org_units: crate::people::org_units::model::OrgUnit, tag: "org-units", id: "org_unit_id",
    path: "/{org_unit_id}/external-keys", key_path: "/{org_unit_id}/external-keys/{source}/{key}",
    bulk_path: "/external-keys/bulk",
    list_org_unit_external_keys create_org_unit_external_key delete_org_unit_external_key bulk_write_org_unit_external_keys,
    read: "org_units.read", write: "org_units.write" OrgUnitsWrite);

external_key_routes!(groups: crate::people::groups::model::Group, tag: "groups", id: "group_id",
    path: "/{group_id}/external-keys", key_path: "/{group_id}/external-keys/{source}/{key}",
    bulk_path: "/external-keys/bulk",
    list_group_external_keys create_group_external_key delete_group_external_key bulk_write_group_external_keys,
    read: "groups.read", write: "groups.write" GroupsWrite);
