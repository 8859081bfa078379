DROP TABLE grants;
DROP TABLE roles;
DROP TABLE signing_keys;
DROP TABLE service_account_secrets;
DROP TABLE service_accounts;
DROP TABLE passwords;
