DROP TABLE scim_dry_runs;
DROP INDEX groups_name_folded_idx;
DROP TABLE scim_users;
DROP INDEX external_keys_scim_key;
DROP INDEX service_account_secrets_scim_key;
ALTER TABLE service_account_secrets DROP COLUMN dry_run, DROP COLUMN kind;
