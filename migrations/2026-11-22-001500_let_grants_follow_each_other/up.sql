-- One role may be granted again in the same scope for another time; that no two count at once is checked when one is given.
DROP INDEX grants_role_id_key;
CREATE INDEX grants_principal_idx ON grants (principal_kind, principal_id, role_id) WHERE revoked_at IS NULL;
