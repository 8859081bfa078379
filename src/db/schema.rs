// @generated automatically by Diesel CLI.

pub mod sql_types {
    #[derive(diesel::sql_types::SqlType)]
    #[diesel(postgres_type(name = "tsvector", schema = "pg_catalog"))]
    pub struct Tsvector;
}

diesel::table! {
    absences (id) {
        id -> Uuid,
        user_id -> Uuid,
        kind -> Text,
        starts_on -> Date,
        ends_on -> Nullable<Date>,
        note -> Nullable<Text>,
        version -> Int8,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        archived_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    attribute_definitions (id) {
        id -> Uuid,
        name -> Text,
        label -> Text,
        kind -> Text,
        allowed_values -> Nullable<Array<Text>>,
        version -> Int8,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        archived_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    attempts (user_id, id) {
        id -> Uuid,
        user_id -> Uuid,
        enrollment_id -> Uuid,
        activity_id -> Uuid,
        content_version_id -> Uuid,
        number -> Int4,
        mode -> Text,
        completion -> Text,
        success -> Text,
        score -> Nullable<Float8>,
        progress_percent -> Int2,
        seconds -> Int4,
        fence -> Int8,
        started_at -> Timestamptz,
        updated_at -> Timestamptz,
        ended_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    blobs (sha256) {
        sha256 -> Bytea,
        bytes -> Int8,
        media_type -> Text,
        state -> Text,
        created_at -> Timestamptz,
        uploaded_at -> Timestamptz,
    }
}

diesel::table! {
    categories (id) {
        id -> Uuid,
        code -> Text,
        code_folded -> Text,
        name -> Text,
        name_folded -> Text,
        search -> Text,
        version -> Int8,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        archived_at -> Nullable<Timestamptz>,
        visibility -> Text,
    }
}

diesel::table! {
    certificate_files (user_id, certificate_id) {
        user_id -> Uuid,
        certificate_id -> Uuid,
        pdf -> Bytea,
    }
}

diesel::table! {
    certificate_templates (id) {
        id -> Uuid,
        code -> Text,
        code_folded -> Text,
        name -> Text,
        layout -> Jsonb,
        is_default -> Bool,
        version -> Int8,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        archived_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    certificates (user_id, id) {
        id -> Uuid,
        user_id -> Uuid,
        course_id -> Uuid,
        completion_id -> Uuid,
        serial -> Text,
        state -> Text,
        shown -> Jsonb,
        layout -> Jsonb,
        issued_at -> Timestamptz,
        issued_on -> Date,
        valid_until -> Nullable<Date>,
        revoked_at -> Nullable<Timestamptz>,
        revoke_reason -> Nullable<Text>,
        superseded_by -> Nullable<Uuid>,
        version -> Int8,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    completions (user_id, id) {
        id -> Uuid,
        user_id -> Uuid,
        course_id -> Uuid,
        course_version_id -> Uuid,
        enrollment_id -> Nullable<Uuid>,
        occurred_at -> Timestamptz,
        occurred_on -> Date,
        recorded_at -> Timestamptz,
        source -> Text,
        score -> Nullable<Float8>,
        evidence -> Nullable<Text>,
        expires_on -> Nullable<Date>,
        supersedes_id -> Nullable<Uuid>,
        is_void -> Bool,
    }
}

diesel::table! {
    contents (id) {
        id -> Uuid,
        code -> Text,
        code_folded -> Text,
        kind -> Text,
        title -> Text,
        description -> Text,
        language -> Text,
        category_id -> Nullable<Uuid>,
        tags -> Array<Text>,
        owner_id -> Nullable<Uuid>,
        search -> Text,
        current_version_id -> Nullable<Uuid>,
        current_version_number -> Nullable<Int4>,
        version -> Int8,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        archived_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    content_versions (id) {
        id -> Uuid,
        content_id -> Uuid,
        number -> Int4,
        state -> Text,
        body -> Nullable<Jsonb>,
        sha256 -> Nullable<Bytea>,
        file_name -> Nullable<Text>,
        findings -> Jsonb,
        note -> Nullable<Text>,
        created_by -> Nullable<Uuid>,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    course_equivalences (id) {
        id -> Uuid,
        course_id -> Uuid,
        equivalent_id -> Uuid,
        is_mutual -> Bool,
        note -> Nullable<Text>,
        version -> Int8,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        archived_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    course_versions (id) {
        id -> Uuid,
        course_id -> Uuid,
        number -> Int4,
        title -> Text,
        summary -> Text,
        description -> Text,
        language -> Text,
        duration_minutes -> Nullable<Int4>,
        credits -> Nullable<Float8>,
        validity_period -> Nullable<Text>,
        modules -> Jsonb,
        earlier_count_until -> Nullable<Date>,
        note -> Nullable<Text>,
        frozen_at -> Timestamptz,
        published_at -> Nullable<Timestamptz>,
        discarded_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use super::sql_types::Tsvector;

    courses (id) {
        id -> Uuid,
        code -> Text,
        code_folded -> Text,
        status -> Text,
        title -> Text,
        summary -> Text,
        description -> Text,
        language -> Text,
        category_id -> Nullable<Uuid>,
        tags -> Array<Text>,
        provider -> Nullable<Text>,
        level -> Nullable<Text>,
        duration_minutes -> Nullable<Int4>,
        credits -> Nullable<Float8>,
        validity_period -> Nullable<Text>,
        modules -> Jsonb,
        current_version_id -> Nullable<Uuid>,
        current_version_number -> Nullable<Int4>,
        search -> Tsvector,
        title_search -> Tsvector,
        version -> Int8,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        retired_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    dated_events (user_id, action, object_id, date) {
        user_id -> Uuid,
        action -> Text,
        object_id -> Uuid,
        date -> Date,
    }
}

diesel::table! {
    day_progress (work) {
        work -> Text,
        since -> Timestamptz,
        until -> Timestamptz,
    }
}

diesel::table! {
    enrollments (user_id, id) {
        id -> Uuid,
        user_id -> Uuid,
        course_id -> Uuid,
        course_version_id -> Uuid,
        state -> Text,
        source -> Text,
        kind -> Text,
        progress_percent -> Int2,
        enrolled_at -> Timestamptz,
        started_at -> Nullable<Timestamptz>,
        ended_at -> Nullable<Timestamptz>,
        version -> Int8,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    events (user_id, id) {
        user_id -> Uuid,
        id -> Uuid,
        recorded_at -> Timestamptz,
        actor_kind -> Text,
        actor_id -> Nullable<Uuid>,
        on_behalf_of -> Nullable<Uuid>,
        request_id -> Text,
        action -> Text,
        object_kind -> Text,
        version -> Int2,
        object_id -> Uuid,
        before -> Nullable<Jsonb>,
        after -> Nullable<Jsonb>,
        reason -> Nullable<Text>,
        salt -> Nullable<Bytea>,
        digest -> Bytea,
    }
}

diesel::table! {
    event_consumers (name) {
        name -> Text,
        position -> Int8,
        attempts -> Int4,
        retry_at -> Nullable<Timestamptz>,
        last_error -> Nullable<Text>,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    ledger_keys (id) {
        id -> Uuid,
        private_key -> Bytea,
        public_key -> Bytea,
        created_at -> Timestamptz,
        retired_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    ledger_heads (id) {
        id -> Uuid,
        position -> Int8,
        hash -> Bytea,
        signed_at -> Timestamptz,
        key_id -> Uuid,
        signature -> Bytea,
    }
}

diesel::table! {
    set_aside_events (id) {
        id -> Uuid,
        consumer -> Text,
        position -> Int8,
        attempts -> Int4,
        last_error -> Text,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    ledger_entries (position) {
        position -> Int8,
        hash -> Bytea,
        event_id -> Uuid,
        user_id -> Nullable<Uuid>,
        recorded_at -> Timestamptz,
        actor_kind -> Text,
        actor_id -> Nullable<Uuid>,
        on_behalf_of -> Nullable<Uuid>,
        request_id -> Text,
        action -> Text,
        object_kind -> Text,
        object_id -> Uuid,
    }
}

diesel::table! {
    ledger_erasures (action) {
        action -> Text,
        position -> Int8,
    }
}

diesel::table! {
    ledger_spans (span) {
        span -> Int8,
        earliest -> Timestamptz,
        latest -> Timestamptz,
    }
}

diesel::table! {
    sealed_events (id) {
        id -> Uuid,
        position -> Int8,
        hash -> Bytea,
        recorded_at -> Timestamptz,
        actor_kind -> Text,
        actor_id -> Nullable<Uuid>,
        on_behalf_of -> Nullable<Uuid>,
        request_id -> Text,
        action -> Text,
        object_kind -> Text,
        version -> Int2,
        object_id -> Uuid,
        user_id -> Nullable<Uuid>,
        before -> Nullable<Jsonb>,
        after -> Nullable<Jsonb>,
        reason -> Nullable<Text>,
        salt -> Nullable<Bytea>,
        digest -> Bytea,
    }
}

diesel::table! {
    extensions (id) {
        id -> Uuid,
        user_id -> Nullable<Uuid>,
        group_id -> Nullable<Uuid>,
        target -> Jsonb,
        course_id -> Nullable<Uuid>,
        due_on -> Date,
        reason -> Text,
        version -> Int8,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        archived_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    external_keys (kind, source, key) {
        kind -> Text,
        source -> Text,
        key -> Text,
        object_id -> Uuid,
        is_placeholder -> Bool,
        missing -> Nullable<Jsonb>,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    grants (id) {
        id -> Uuid,
        principal_kind -> Text,
        principal_id -> Uuid,
        role_id -> Uuid,
        scope_kind -> Text,
        scope_id -> Nullable<Uuid>,
        starts_at -> Nullable<Timestamptz>,
        ends_at -> Nullable<Timestamptz>,
        source -> Text,
        version -> Int8,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        revoked_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    group_members (user_id, group_id) {
        group_id -> Uuid,
        user_id -> Uuid,
        added_at -> Timestamptz,
    }
}

diesel::table! {
    groups (id) {
        id -> Uuid,
        code -> Text,
        code_folded -> Text,
        name -> Text,
        name_folded -> Text,
        search -> Text,
        kind -> Text,
        filter -> Nullable<Text>,
        version -> Int8,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        archived_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    idempotency_keys (principal_id, key) {
        principal_id -> Uuid,
        key -> Text,
        fingerprint -> Bytea,
        status -> Nullable<Int2>,
        headers -> Nullable<Jsonb>,
        body -> Nullable<Bytea>,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    identities (id) {
        id -> Uuid,
        user_id -> Uuid,
        provider_id -> Uuid,
        subject -> Text,
        created_at -> Timestamptz,
        last_used_at -> Nullable<Timestamptz>,
        said_at -> Nullable<Timestamptz>,
        said -> Jsonb,
    }
}

diesel::table! {
    identity_provider_documents (provider_id) {
        provider_id -> Uuid,
        metadata -> Jsonb,
        keys -> Jsonb,
        fetched_at -> Timestamptz,
    }
}

diesel::table! {
    identity_providers (id) {
        id -> Uuid,
        code -> Text,
        name -> Text,
        issuer -> Text,
        client_id -> Text,
        client_secret -> Nullable<Text>,
        scopes -> Array<Text>,
        redirect_uris -> Array<Text>,
        audiences -> Array<Text>,
        enabled -> Bool,
        creates_people -> Bool,
        updates_people -> Bool,
        links_verified_email -> Bool,
        links_external_key -> Nullable<Jsonb>,
        mapping -> Jsonb,
        groups_claim -> Nullable<Text>,
        groups -> Jsonb,
        version -> Int8,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    sso_flows (flow_hash) {
        flow_hash -> Bytea,
        provider_id -> Uuid,
        redirect_uri -> Text,
        code_challenge -> Text,
        returned_at -> Timestamptz,
        code_hash -> Bytea,
        user_id -> Uuid,
        provider_session -> Jsonb,
        expires_at -> Timestamptz,
        redeemed_at -> Nullable<Timestamptz>,
        session_id -> Nullable<Uuid>,
    }
}

diesel::table! {
    import_files (import_id, part) {
        import_id -> Uuid,
        part -> Int4,
        content -> Bytea,
    }
}

diesel::table! {
    import_profile_versions (profile_id, number) {
        profile_id -> Uuid,
        number -> Int8,
        mapping -> Jsonb,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    import_profiles (id) {
        id -> Uuid,
        code -> Text,
        name -> Text,
        resource -> Text,
        version -> Int8,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        archived_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    import_rows (import_id, line) {
        import_id -> Uuid,
        line -> Int8,
        new_id -> Nullable<Uuid>,
        key -> Nullable<Text>,
        fields -> Jsonb,
        folded -> Jsonb,
        refs -> Jsonb,
        action -> Nullable<Text>,
        object_id -> Nullable<Uuid>,
        object_version -> Nullable<Int8>,
        changes -> Jsonb,
        issues -> Jsonb,
        turn -> Nullable<Int8>,
    }
}

diesel::table! {
    imports (id) {
        id -> Uuid,
        profile_id -> Uuid,
        profile_version -> Int8,
        resource -> Text,
        file_name -> Nullable<Text>,
        status -> Text,
        counts -> Nullable<Jsonb>,
        plan_hash -> Nullable<Text>,
        problem -> Nullable<Jsonb>,
        applied_turn -> Nullable<Int8>,
        operation_id -> Uuid,
        version -> Int8,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    job_schedules (name) {
        name -> Text,
        next_run_at -> Timestamptz,
    }
}

diesel::table! {
    jobs (id) {
        id -> Uuid,
        kind -> Text,
        payload -> Jsonb,
        state -> Text,
        unique_key -> Nullable<Text>,
        is_long -> Bool,
        priority -> Int2,
        run_at -> Timestamptz,
        attempts -> Int4,
        max_attempts -> Int4,
        attempt_token -> Nullable<Uuid>,
        lease_until -> Nullable<Timestamptz>,
        worker -> Nullable<Text>,
        worker_number -> Nullable<Int8>,
        last_error -> Nullable<Text>,
        on_behalf_of -> Nullable<Uuid>,
        request_id -> Text,
        created_at -> Timestamptz,
        finished_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    ledger_head (singleton) {
        singleton -> Bool,
        position -> Int8,
        hash -> Bytea,
    }
}

diesel::table! {
    locations (id) {
        id -> Uuid,
        code -> Text,
        code_folded -> Text,
        name -> Text,
        name_folded -> Text,
        search -> Text,
        address -> Nullable<Text>,
        time_zone -> Nullable<Text>,
        org_unit_id -> Nullable<Uuid>,
        capacity -> Nullable<Int4>,
        version -> Int8,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        archived_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    operations (id) {
        id -> Uuid,
        kind -> Text,
        status -> Text,
        progress -> Int8,
        total -> Nullable<Int8>,
        counted -> Nullable<Jsonb>,
        result -> Nullable<Jsonb>,
        problem -> Nullable<Jsonb>,
        cancel_requested -> Bool,
        created_by_kind -> Text,
        created_by -> Nullable<Uuid>,
        created_at -> Timestamptz,
        started_at -> Nullable<Timestamptz>,
        finished_at -> Nullable<Timestamptz>,
        version -> Int8,
    }
}

diesel::table! {
    org_unit_closure (descendant_id, ancestor_id) {
        ancestor_id -> Uuid,
        descendant_id -> Uuid,
        depth -> Int4,
    }
}

diesel::table! {
    org_units (id) {
        id -> Uuid,
        code -> Text,
        code_folded -> Text,
        name -> Text,
        name_folded -> Text,
        search -> Text,
        parent_id -> Nullable<Uuid>,
        time_zone -> Nullable<Text>,
        version -> Int8,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        archived_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    passwords (user_id) {
        user_id -> Uuid,
        hash -> Text,
        must_change -> Bool,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    reporting_lines (descendant_id, ancestor_id) {
        ancestor_id -> Uuid,
        descendant_id -> Uuid,
        depth -> Int4,
    }
}

diesel::table! {
    refresh_tokens (token_hash) {
        token_hash -> Bytea,
        session_id -> Uuid,
        user_id -> Uuid,
        issued_at -> Timestamptz,
        used_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    requirement_changes (run_id, user_id, id) {
        user_id -> Uuid,
        run_id -> Uuid,
        id -> Uuid,
        change -> Text,
        rule_id -> Nullable<Uuid>,
        course_id -> Nullable<Uuid>,
        path_id -> Nullable<Uuid>,
        requirement_id -> Nullable<Uuid>,
        reason_id -> Nullable<Uuid>,
        cycle -> Nullable<Int4>,
        rule_version -> Nullable<Int8>,
        opens_on -> Nullable<Date>,
        scheduled_on -> Nullable<Date>,
        due_on -> Nullable<Date>,
        satisfied_at -> Nullable<Timestamptz>,
        completion_id -> Nullable<Uuid>,
        waiver_id -> Nullable<Uuid>,
        valid_until -> Nullable<Date>,
        renews_on -> Nullable<Date>,
        why -> Nullable<Text>,
    }
}

diesel::table! {
    requirement_reasons (user_id, id) {
        id -> Uuid,
        user_id -> Uuid,
        requirement_id -> Uuid,
        kind -> Text,
        rule_id -> Nullable<Uuid>,
        rule_version -> Nullable<Int8>,
        assigned_by -> Nullable<Uuid>,
        note -> Nullable<Text>,
        scheduled_on -> Nullable<Date>,
        due_on -> Nullable<Date>,
        valid_until -> Nullable<Date>,
        renews_on -> Nullable<Date>,
        created_at -> Timestamptz,
        recorded_at -> Timestamptz,
        ended_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    requirements (user_id, id) {
        id -> Uuid,
        user_id -> Uuid,
        course_id -> Nullable<Uuid>,
        path_id -> Nullable<Uuid>,
        target_id -> Uuid,
        cycle -> Int4,
        opens_on -> Date,
        due_on -> Nullable<Date>,
        satisfied_at -> Nullable<Timestamptz>,
        completion_id -> Nullable<Uuid>,
        waiver_id -> Nullable<Uuid>,
        valid_until -> Nullable<Date>,
        renews_on -> Nullable<Date>,
        ended_at -> Nullable<Timestamptz>,
        end_reason -> Nullable<Text>,
        version -> Int8,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    roles (id) {
        id -> Uuid,
        code -> Text,
        name -> Text,
        description -> Text,
        search -> Text,
        permissions -> Array<Text>,
        built_in -> Bool,
        version -> Int8,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        archived_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    rule_targets (rule_id, target_id) {
        rule_id -> Uuid,
        course_id -> Nullable<Uuid>,
        path_id -> Nullable<Uuid>,
        target_id -> Uuid,
    }
}

diesel::table! {
    rule_members (user_id, rule_id) {
        user_id -> Uuid,
        rule_id -> Uuid,
        joined_on -> Date,
        left_on -> Nullable<Date>,
    }
}

diesel::table! {
    rule_issues (user_id, id) {
        id -> Uuid,
        user_id -> Uuid,
        rule_id -> Uuid,
        target -> Jsonb,
        course_id -> Nullable<Uuid>,
        kind -> Text,
        choice -> Nullable<Text>,
        due_on -> Nullable<Date>,
        note -> Nullable<Text>,
        version -> Int8,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        closed_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    rule_overrides (id) {
        id -> Uuid,
        rule_id -> Uuid,
        user_id -> Uuid,
        effect -> Text,
        until -> Nullable<Date>,
        reason -> Text,
        version -> Int8,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        archived_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    rules (id) {
        id -> Uuid,
        code -> Text,
        code_folded -> Text,
        name -> Text,
        description -> Text,
        search -> Text,
        status -> Text,
        audience -> Jsonb,
        org_unit_id -> Nullable<Uuid>,
        pilot_group_id -> Nullable<Uuid>,
        due -> Jsonb,
        repeat -> Nullable<Jsonb>,
        renewal_window -> Text,
        grace_period -> Text,
        minimum_gap -> Text,
        early_completions -> Text,
        on_absence -> Text,
        absence_lead -> Text,
        on_leave -> Text,
        activates_on -> Nullable<Date>,
        activated_at -> Nullable<Timestamptz>,
        version -> Int8,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    scim_dry_runs (id) {
        id -> Uuid,
        service_account_id -> Uuid,
        secret_id -> Uuid,
        request_id -> Text,
        method -> Text,
        path -> Text,
        body -> Nullable<Jsonb>,
        status -> Int4,
        detail -> Nullable<Text>,
        changes -> Jsonb,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    scim_users (user_id) {
        user_id -> Uuid,
        resource -> Jsonb,
        version -> Int8,
        updated_at -> Timestamptz,
        deleted_at -> Nullable<Timestamptz>,
        deleted_by -> Nullable<Text>,
    }
}

diesel::table! {
    service_account_secrets (id) {
        id -> Uuid,
        service_account_id -> Uuid,
        secret_hash -> Bytea,
        created_at -> Timestamptz,
        expires_at -> Nullable<Timestamptz>,
        revoked_at -> Nullable<Timestamptz>,
        last_used_at -> Nullable<Timestamptz>,
        kind -> Text,
        dry_run -> Bool,
        permissions -> Nullable<Array<Text>>,
    }
}

diesel::table! {
    service_accounts (id) {
        id -> Uuid,
        name -> Text,
        name_folded -> Text,
        status -> Text,
        version -> Int8,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    sessions (id) {
        id -> Uuid,
        user_id -> Uuid,
        created_at -> Timestamptz,
        last_used_at -> Timestamptz,
        expires_at -> Timestamptz,
        user_agent -> Nullable<Text>,
        address -> Nullable<Text>,
        ended_at -> Nullable<Timestamptz>,
        end_reason -> Nullable<Text>,
        identity_provider_id -> Nullable<Uuid>,
        provider_subject -> Nullable<Text>,
        provider_session_id -> Nullable<Text>,
        id_token_hint -> Nullable<Text>,
    }
}

diesel::table! {
    signing_keys (id) {
        id -> Text,
        algorithm -> Text,
        private_key -> Bytea,
        public_key -> Bytea,
        created_at -> Timestamptz,
        retired_at -> Nullable<Timestamptz>,
        signs_from -> Timestamptz,
    }
}

diesel::table! {
    uploads (id) {
        id -> Uuid,
        principal_id -> Uuid,
        file_name -> Text,
        metadata -> Nullable<Text>,
        bytes -> Int8,
        received -> Int8,
        hash_state -> Bytea,
        sha256 -> Nullable<Bytea>,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        expires_at -> Timestamptz,
    }
}

diesel::table! {
    user_history (user_id, id) {
        id -> Uuid,
        user_id -> Uuid,
        valid_from -> Timestamptz,
        valid_to -> Nullable<Timestamptz>,
        status -> Text,
        title -> Nullable<Text>,
        job_code -> Nullable<Text>,
        department -> Nullable<Text>,
        location -> Nullable<Text>,
        cost_centre -> Nullable<Text>,
        employment_type -> Nullable<Text>,
        manager_id -> Nullable<Uuid>,
        org_unit_id -> Nullable<Uuid>,
        location_id -> Nullable<Uuid>,
        attributes -> Jsonb,
    }
}

diesel::table! {
    users (id) {
        id -> Uuid,
        username -> Text,
        username_folded -> Text,
        email -> Nullable<Text>,
        email_folded -> Nullable<Text>,
        given_name -> Text,
        given_name_folded -> Text,
        family_name -> Text,
        family_name_folded -> Text,
        status -> Text,
        locale -> Text,
        time_zone -> Nullable<Text>,
        title -> Nullable<Text>,
        job_code -> Nullable<Text>,
        department -> Nullable<Text>,
        location -> Nullable<Text>,
        cost_centre -> Nullable<Text>,
        employment_type -> Nullable<Text>,
        hired_on -> Nullable<Date>,
        left_on -> Nullable<Date>,
        activated_on -> Nullable<Date>,
        first_signed_in_at -> Nullable<Timestamptz>,
        manager_id -> Nullable<Uuid>,
        org_unit_id -> Nullable<Uuid>,
        location_id -> Nullable<Uuid>,
        attributes -> Jsonb,
        search -> Text,
        version -> Int8,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    waivers (id) {
        id -> Uuid,
        user_id -> Uuid,
        target -> Jsonb,
        course_id -> Nullable<Uuid>,
        begins_on -> Date,
        expires_on -> Nullable<Date>,
        reason -> Text,
        evidence -> Nullable<Text>,
        version -> Int8,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        archived_at -> Nullable<Timestamptz>,
    }
}

diesel::joinable!(certificates -> courses (course_id));
diesel::joinable!(certificates -> users (user_id));
diesel::joinable!(completions -> course_versions (course_version_id));
diesel::joinable!(completions -> courses (course_id));
diesel::joinable!(completions -> users (user_id));
diesel::joinable!(contents -> categories (category_id));
diesel::joinable!(courses -> categories (category_id));
diesel::joinable!(enrollments -> course_versions (course_version_id));
diesel::joinable!(enrollments -> courses (course_id));
diesel::joinable!(enrollments -> users (user_id));
diesel::joinable!(grants -> roles (role_id));
diesel::joinable!(group_members -> groups (group_id));
diesel::joinable!(group_members -> users (user_id));
diesel::joinable!(import_files -> imports (import_id));
diesel::joinable!(import_profile_versions -> import_profiles (profile_id));
diesel::joinable!(import_rows -> imports (import_id));
diesel::joinable!(imports -> import_profiles (profile_id));
diesel::joinable!(imports -> operations (operation_id));
diesel::joinable!(locations -> org_units (org_unit_id));
diesel::joinable!(passwords -> users (user_id));
diesel::joinable!(requirement_reasons -> rules (rule_id));
diesel::joinable!(requirement_reasons -> users (user_id));
diesel::joinable!(requirements -> courses (course_id));
diesel::joinable!(requirements -> users (user_id));
diesel::joinable!(rule_targets -> courses (course_id));
diesel::joinable!(refresh_tokens -> sessions (session_id));
diesel::joinable!(refresh_tokens -> users (user_id));
diesel::joinable!(rule_targets -> rules (rule_id));
diesel::joinable!(rule_members -> rules (rule_id));
diesel::joinable!(rule_members -> users (user_id));
diesel::joinable!(scim_users -> users (user_id));
diesel::joinable!(service_account_secrets -> service_accounts (service_account_id));
diesel::joinable!(sessions -> users (user_id));
diesel::joinable!(identities -> identity_providers (provider_id));
diesel::joinable!(identities -> users (user_id));
diesel::joinable!(user_history -> users (user_id));
diesel::joinable!(uploads -> blobs (sha256));
diesel::joinable!(users -> locations (location_id));
diesel::joinable!(users -> org_units (org_unit_id));

diesel::allow_tables_to_appear_in_same_query!(
    absences,
    attempts,
    attribute_definitions,
    blobs,
    categories,
    certificate_files,
    certificate_templates,
    certificates,
    completions,
    content_versions,
    contents,
    course_equivalences,
    course_versions,
    courses,
    enrollments,
    events,
    extensions,
    external_keys,
    grants,
    identities,
    identity_provider_documents,
    identity_providers,
    sso_flows,
    group_members,
    groups,
    idempotency_keys,
    import_files,
    import_profile_versions,
    import_profiles,
    import_rows,
    imports,
    job_schedules,
    jobs,
    event_consumers,
    set_aside_events,
    ledger_heads,
    ledger_keys,
    ledger_entries,
    ledger_erasures,
    ledger_head,
    ledger_spans,
    sealed_events,
    locations,
    operations,
    org_unit_closure,
    org_units,
    passwords,
    refresh_tokens,
    reporting_lines,
    requirement_reasons,
    requirements,
    roles,
    rule_targets,
    rule_members,
    rule_issues,
    rule_overrides,
    rules,
    scim_dry_runs,
    scim_users,
    service_account_secrets,
    service_accounts,
    sessions,
    signing_keys,
    uploads,
    user_history,
    users,
    waivers,
);
