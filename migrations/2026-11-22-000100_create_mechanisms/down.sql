DROP FUNCTION comparable;
DROP TABLE external_keys;
DROP TABLE idempotency_keys;
DROP TABLE operations;
DROP TABLE job_schedules;
DROP TABLE jobs;
DROP TABLE ledger_head;
DROP TABLE events;
