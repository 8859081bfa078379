ALTER TABLE scim_users DROP COLUMN deleted_by;
