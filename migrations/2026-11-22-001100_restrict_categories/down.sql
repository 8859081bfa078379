ALTER TABLE categories DROP COLUMN visibility;
