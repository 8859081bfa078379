UPDATE sessions SET end_reason = 'revoked' WHERE end_reason = 'provider_signed_out';
ALTER TABLE sessions
    DROP COLUMN identity_provider_id,
    DROP COLUMN provider_subject,
    DROP COLUMN provider_session_id,
    DROP COLUMN id_token_hint,
    DROP CONSTRAINT sessions_end_reason_check,
    ADD CONSTRAINT sessions_end_reason_check
        CHECK (end_reason IN ('signed_out', 'revoked', 'password_set', 'replayed'));
DROP TABLE sso_flows;
DROP TABLE identities;
DROP TABLE identity_provider_documents;
DROP TABLE identity_providers;
