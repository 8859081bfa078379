-- When the provider said what was last taken of an identity: what it said before is out of date.
ALTER TABLE identities ADD COLUMN said_at timestamptz;
