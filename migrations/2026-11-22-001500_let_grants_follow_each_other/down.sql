DROP INDEX grants_principal_idx;
CREATE UNIQUE INDEX grants_role_id_key ON grants
    (principal_kind, principal_id, role_id, scope_kind, coalesce(scope_id, '00000000-0000-0000-0000-000000000000'))
    WHERE revoked_at IS NULL;
