ALTER TABLE identities DROP COLUMN said_at;
