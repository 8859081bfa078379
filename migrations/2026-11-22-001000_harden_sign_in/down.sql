DROP INDEX sessions_over_idx;
DROP TABLE failed_attempts;
