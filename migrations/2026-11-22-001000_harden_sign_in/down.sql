ALTER TABLE service_account_secrets DROP COLUMN permissions;
ALTER TABLE signing_keys DROP COLUMN signs_from;
DROP TABLE password_tokens;
DROP INDEX sessions_over_idx;
DROP TABLE failed_attempts;
