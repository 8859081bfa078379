DROP TABLE scim_dry_runs;
DROP TABLE scim_users;
