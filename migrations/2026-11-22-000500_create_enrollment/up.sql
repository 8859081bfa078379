CREATE TABLE rules (
    id uuid PRIMARY KEY,
    code text NOT NULL,
    code_folded text NOT NULL CONSTRAINT rules_code_key UNIQUE,
    name text NOT NULL,
    description text NOT NULL DEFAULT '',
    search text NOT NULL GENERATED ALWAYS AS (search_text(lower(name) || ' ' || code_folded)) STORED,
    status text NOT NULL CHECK (status IN ('draft', 'active', 'paused', 'archived')),
    -- Who: {"filter": …, "group_ids": […], "org_unit_ids": […], "user_ids": […], "except": {the same four}}.
    audience jsonb NOT NULL,
    -- The unit that it belongs to: it reaches its users and those of all units below. Null: everybody.
    org_unit_id uuid REFERENCES org_units (id),
    -- While it is set, only its members are in the audience.
    pilot_group_id uuid REFERENCES groups (id),
    -- By when: {"kind": "on", "date": …} or {"kind": "after_hire", "offset": "P30D"} and the like.
    due jsonb NOT NULL,
    -- Again when: {"kind": "after_completion", "period": "P1Y"} and the like; as the course says, if null.
    repeat jsonb,
    -- How long before a cycle's validity ends the next one opens, and how long after it that one is due: ISO 8601 durations.
    renewal_window text NOT NULL DEFAULT 'P30D',
    grace_period text NOT NULL DEFAULT 'P0D',
    -- How long after a completion the next cycle opens at the soonest.
    minimum_gap text NOT NULL DEFAULT 'P0D',
    early_completions text NOT NULL DEFAULT 'count' CHECK (early_completions IN ('count', 'ignore')),
    on_absence text NOT NULL DEFAULT 'move' CHECK (on_absence IN ('move', 'keep')),
    -- How long after an absence something is due that would have been due in it.
    absence_lead text NOT NULL DEFAULT 'P14D',
    on_leave text NOT NULL CHECK (on_leave IN ('end', 'keep_until_satisfied', 'keep')),
    -- The day on which a draft becomes active by itself.
    activates_on date,
    activated_at timestamptz,
    version bigint NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL
);
CREATE INDEX rules_name_idx ON rules (name COLLATE provost_order, id);
CREATE INDEX rules_search_idx ON rules USING gin (search gin_trgm_ops);
CREATE INDEX rules_created_idx ON rules (created_at, id);
CREATE INDEX rules_activates_idx ON rules (activates_on) WHERE status = 'draft' AND activates_on IS NOT NULL;

-- A target is a course or a path; paths have no table yet, so nothing writes path_id. STABLE, as `jsonb_build_object` is, so that
-- PostgreSQL inlines it.
CREATE FUNCTION target_json(course_id uuid, path_id uuid) RETURNS jsonb LANGUAGE sql STABLE PARALLEL SAFE
    RETURN jsonb_build_object('kind', CASE WHEN course_id IS NULL THEN 'path' ELSE 'course' END,
        'id', coalesce(course_id, path_id));

CREATE TABLE rule_targets (
    rule_id uuid NOT NULL REFERENCES rules (id),
    course_id uuid REFERENCES courses (id),
    path_id uuid,
    target_id uuid NOT NULL GENERATED ALWAYS AS (coalesce(course_id, path_id)) STORED,
    PRIMARY KEY (rule_id, target_id),
    CHECK (num_nonnulls(course_id, path_id) = 1)
);

-- Exceptions from what rules say, each by the decision of an administrator. Archived ones stay.

-- This user must, or need not, do what a rule asks for.
CREATE TABLE rule_overrides (
    id uuid PRIMARY KEY,
    rule_id uuid NOT NULL REFERENCES rules (id),
    user_id uuid NOT NULL REFERENCES users (id),
    effect text NOT NULL CHECK (effect IN ('required', 'released')),
    -- The last day; NULL is until it is archived.
    until date,
    reason text NOT NULL,
    version bigint NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    archived_at timestamptz
);
CREATE UNIQUE INDEX rule_overrides_user_id_key ON rule_overrides (user_id, rule_id) WHERE archived_at IS NULL;
CREATE INDEX rule_overrides_user_idx ON rule_overrides (user_id);
CREATE INDEX rule_overrides_rule_idx ON rule_overrides (rule_id, user_id);
CREATE INDEX rule_overrides_until_idx ON rule_overrides (until) WHERE archived_at IS NULL;
CREATE INDEX rule_overrides_until_order_idx ON rule_overrides (coalesce(until, '9999-12-31'::date), id);
CREATE INDEX rule_overrides_created_idx ON rule_overrides (created_at, id);

-- What these people must complete for the target is due on this day at the soonest.
CREATE TABLE extensions (
    id uuid PRIMARY KEY,
    user_id uuid REFERENCES users (id),
    group_id uuid REFERENCES groups (id),
    target jsonb NOT NULL,
    course_id uuid GENERATED ALWAYS AS (CASE target ->> 'kind' WHEN 'course' THEN (target ->> 'id')::uuid END) STORED
        REFERENCES courses (id),
    due_on date NOT NULL,
    reason text NOT NULL,
    version bigint NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    archived_at timestamptz,
    CHECK (num_nonnulls(user_id, group_id) = 1)
);
CREATE INDEX extensions_user_idx ON extensions (user_id, course_id);
CREATE INDEX extensions_group_idx ON extensions (group_id, course_id);
CREATE INDEX extensions_course_idx ON extensions (course_id);
CREATE INDEX extensions_due_idx ON extensions (due_on, id);
CREATE INDEX extensions_created_idx ON extensions (created_at, id);

-- Satisfies what a user must complete for the target while it is in force.
CREATE TABLE waivers (
    id uuid PRIMARY KEY,
    user_id uuid NOT NULL REFERENCES users (id),
    target jsonb NOT NULL,
    course_id uuid GENERATED ALWAYS AS (CASE target ->> 'kind' WHEN 'course' THEN (target ->> 'id')::uuid END) STORED
        REFERENCES courses (id),
    begins_on date NOT NULL,
    -- The last day; NULL is for good.
    expires_on date,
    reason text NOT NULL,
    evidence text,
    version bigint NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    archived_at timestamptz,
    CHECK (expires_on >= begins_on)
);
CREATE INDEX waivers_user_idx ON waivers (user_id, course_id);
CREATE INDEX waivers_course_idx ON waivers (course_id);
CREATE INDEX waivers_begins_idx ON waivers (begins_on, id);
CREATE INDEX waivers_expires_idx ON waivers (expires_on) WHERE archived_at IS NULL;
CREATE INDEX waivers_expires_order_idx ON waivers (coalesce(expires_on, '9999-12-31'::date), id);
CREATE INDEX waivers_created_idx ON waivers (created_at, id);

-- A completion of the equivalent course also counts for the course; if mutual, the other way round, too.
CREATE TABLE course_equivalences (
    id uuid PRIMARY KEY,
    course_id uuid NOT NULL REFERENCES courses (id),
    equivalent_id uuid NOT NULL REFERENCES courses (id),
    is_mutual boolean NOT NULL DEFAULT false,
    note text,
    version bigint NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    archived_at timestamptz,
    CHECK (equivalent_id <> course_id)
);
CREATE UNIQUE INDEX course_equivalences_course_id_key ON course_equivalences (course_id, equivalent_id) WHERE archived_at IS NULL;
CREATE INDEX course_equivalences_course_idx ON course_equivalences (course_id);
CREATE INDEX course_equivalences_equivalent_idx ON course_equivalences (equivalent_id);
CREATE INDEX course_equivalences_created_idx ON course_equivalences (created_at, id);

-- Facts about learners. Each has user_id in its primary key and in every unique constraint.

-- Since when a person is in a rule's audience.
CREATE TABLE rule_members (
    user_id uuid NOT NULL REFERENCES users (id),
    rule_id uuid NOT NULL REFERENCES rules (id),
    joined_on date NOT NULL,
    left_on date,
    PRIMARY KEY (user_id, rule_id)
);
CREATE INDEX rule_members_rule_idx ON rule_members (rule_id, user_id);

-- Where a rule cannot give a person a due date, and what somebody decided.
CREATE TABLE rule_issues (
    id uuid NOT NULL,
    user_id uuid NOT NULL REFERENCES users (id),
    rule_id uuid NOT NULL REFERENCES rules (id),
    target jsonb NOT NULL,
    course_id uuid GENERATED ALWAYS AS (CASE target ->> 'kind' WHEN 'course' THEN (target ->> 'id')::uuid END) STORED
        REFERENCES courses (id),
    kind text NOT NULL CHECK (kind IN ('missing_date', 'impossible_date', 'target_retired', 'conflict')),
    choice text CHECK (choice IN ('as_scheduled', 'due_on', 'no_due_date', 'count_from_joining', 'waive', 'require')),
    due_on date,
    note text,
    version bigint NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    -- Since when what was the matter is no more.
    closed_at timestamptz,
    PRIMARY KEY (user_id, id),
    CHECK ((due_on IS NOT NULL) = (choice IS NOT DISTINCT FROM 'due_on'))
);
CREATE UNIQUE INDEX rule_issues_one ON rule_issues (user_id, rule_id, course_id, kind) WHERE closed_at IS NULL;
CREATE INDEX rule_issues_id_idx ON rule_issues (id);
CREATE INDEX rule_issues_open_idx ON rule_issues (rule_id, kind, id) WHERE choice IS NULL AND closed_at IS NULL;
CREATE INDEX rule_issues_rule_idx ON rule_issues (rule_id, user_id);
CREATE INDEX rule_issues_course_idx ON rule_issues (course_id);
CREATE INDEX rule_issues_created_idx ON rule_issues (created_at, id);
CREATE INDEX rule_issues_updated_idx ON rule_issues (updated_at, id);

CREATE TABLE enrollments (
    id uuid NOT NULL,
    user_id uuid NOT NULL REFERENCES users (id),
    course_id uuid NOT NULL REFERENCES courses (id),
    course_version_id uuid NOT NULL REFERENCES course_versions (id),
    state text NOT NULL CHECK (state IN ('pending_approval', 'waitlisted', 'enrolled', 'in_progress',
        'completed', 'failed', 'withdrawn', 'expired', 'denied')),
    source text NOT NULL CHECK (source IN ('rule', 'person', 'self')),
    -- Those of testers stand beside all others: they satisfy, complete and certify nothing, and count nowhere.
    kind text NOT NULL DEFAULT 'normal' CHECK (kind IN ('normal', 'test')),
    progress_percent smallint NOT NULL DEFAULT 0 CHECK (progress_percent BETWEEN 0 AND 100),
    enrolled_at timestamptz NOT NULL,
    started_at timestamptz,
    ended_at timestamptz,
    version bigint NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    PRIMARY KEY (user_id, id)
);
CREATE UNIQUE INDEX enrollments_one_live ON enrollments (user_id, course_id)
    WHERE state IN ('pending_approval', 'waitlisted', 'enrolled', 'in_progress') AND kind = 'normal';
CREATE INDEX enrollments_id_idx ON enrollments (id);
CREATE INDEX enrollments_course_idx ON enrollments (course_id, user_id);
CREATE INDEX enrollments_created_idx ON enrollments (created_at, id);
-- Who takes a version now.
CREATE INDEX enrollments_version_idx ON enrollments (course_version_id)
    WHERE state IN ('pending_approval', 'waitlisted', 'enrolled', 'in_progress') AND kind = 'normal';

CREATE TABLE completions (
    id uuid NOT NULL,
    user_id uuid NOT NULL REFERENCES users (id),
    course_id uuid NOT NULL REFERENCES courses (id),
    course_version_id uuid NOT NULL REFERENCES course_versions (id),
    enrollment_id uuid,
    occurred_at timestamptz NOT NULL,
    -- The day that it was for the person.
    occurred_on date NOT NULL,
    recorded_at timestamptz NOT NULL,
    source text NOT NULL CHECK (source IN ('learner', 'administrator', 'import', 'integration', 'content')),
    score double precision CHECK (score BETWEEN 0 AND 100),
    evidence text,
    -- The last day that the evidence itself names, such as a foreign certificate. How long else it counts is the rules' business.
    expires_on date,
    -- The completion that this one corrects.
    supersedes_id uuid,
    -- Whether this one says that the completion that it corrects did not happen.
    is_void boolean NOT NULL DEFAULT false,
    PRIMARY KEY (user_id, id),
    CONSTRAINT completions_one_correction UNIQUE (user_id, supersedes_id),
    CHECK (supersedes_id IS NOT NULL OR NOT is_void)
);
-- What is sent twice is recorded once. A correction may keep the instant of what it corrects.
CREATE UNIQUE INDEX completions_occurred_at_key ON completions (user_id, course_id, occurred_at)
    WHERE supersedes_id IS NULL;
CREATE INDEX completions_id_idx ON completions (id);
CREATE INDEX completions_course_idx ON completions (user_id, course_id, occurred_at);
CREATE INDEX completions_recorded_idx ON completions (recorded_at, id);

CREATE TABLE requirements (
    id uuid NOT NULL,
    user_id uuid NOT NULL REFERENCES users (id),
    course_id uuid REFERENCES courses (id),
    path_id uuid,
    target_id uuid NOT NULL GENERATED ALWAYS AS (coalesce(course_id, path_id)) STORED,
    cycle integer NOT NULL CHECK (cycle > 0),
    opens_on date NOT NULL,
    due_on date,
    satisfied_at timestamptz,
    completion_id uuid,
    waiver_id uuid,
    valid_until date,
    -- The day on which the next cycle opens.
    renews_on date,
    ended_at timestamptz,
    end_reason text CHECK (end_reason IN ('left_audience', 'rule_changed', 'rule_archived', 'withdrawn', 'user_left',
        'released', 'evidence_gone')),
    version bigint NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    PRIMARY KEY (user_id, id),
    CHECK (num_nonnulls(course_id, path_id) = 1),
    CHECK (num_nonnulls(completion_id, waiver_id) = CASE WHEN satisfied_at IS NULL THEN 0 ELSE 1 END),
    CHECK ((ended_at IS NULL) = (end_reason IS NULL))
);
CREATE UNIQUE INDEX requirements_one_open ON requirements (user_id, target_id)
    WHERE satisfied_at IS NULL AND ended_at IS NULL;
CREATE UNIQUE INDEX requirements_one_cycle ON requirements (user_id, target_id, cycle);
CREATE INDEX requirements_id_idx ON requirements (id);
CREATE INDEX requirements_due_idx ON requirements (due_on, id) WHERE satisfied_at IS NULL AND ended_at IS NULL;
CREATE INDEX requirements_renews_idx ON requirements (renews_on)
    WHERE satisfied_at IS NOT NULL AND ended_at IS NULL AND renews_on IS NOT NULL;
CREATE INDEX requirements_created_idx ON requirements (created_at, id);
-- The order of lists, where no due date is the latest.
CREATE INDEX requirements_by_due_idx ON requirements (coalesce(due_on, '9999-12-31'::date), id);
CREATE INDEX requirements_target_idx ON requirements (target_id, user_id);
CREATE INDEX requirements_completion_idx ON requirements (user_id, completion_id) WHERE completion_id IS NOT NULL;

-- What requirements said before they changed, and from when until when.
CREATE TABLE requirement_history (
    user_id uuid NOT NULL REFERENCES users (id),
    requirement_id uuid NOT NULL,
    opens_on date NOT NULL,
    due_on date,
    satisfied_at timestamptz,
    completion_id uuid,
    waiver_id uuid,
    valid_until date,
    renews_on date,
    ended_at timestamptz,
    end_reason text,
    version bigint NOT NULL,
    recorded_at timestamptz NOT NULL,
    superseded_at timestamptz NOT NULL,
    PRIMARY KEY (user_id, requirement_id, version)
);

CREATE TABLE requirement_reasons (
    id uuid NOT NULL,
    user_id uuid NOT NULL REFERENCES users (id),
    requirement_id uuid NOT NULL,
    kind text NOT NULL CHECK (kind IN ('rule', 'person')),
    rule_id uuid REFERENCES rules (id),
    rule_version bigint,
    -- The principal who asked for it, where no rule did.
    assigned_by uuid,
    note text,
    -- When it is due before grace, extensions and absences move that day; cycles repeat from it.
    scheduled_on date,
    due_on date,
    valid_until date,
    renews_on date,
    created_at timestamptz NOT NULL,
    -- Since when it says what it says.
    recorded_at timestamptz NOT NULL,
    ended_at timestamptz,
    PRIMARY KEY (user_id, id),
    FOREIGN KEY (user_id, requirement_id) REFERENCES requirements (user_id, id),
    CHECK ((kind = 'rule') = (rule_id IS NOT NULL AND rule_version IS NOT NULL))
);
CREATE UNIQUE INDEX requirement_reasons_one_rule ON requirement_reasons (user_id, requirement_id, rule_id)
    WHERE ended_at IS NULL AND rule_id IS NOT NULL;
CREATE INDEX requirement_reasons_requirement_idx ON requirement_reasons (user_id, requirement_id);
CREATE INDEX requirement_reasons_live_idx ON requirement_reasons (rule_id, user_id) WHERE ended_at IS NULL;

-- What reasons said before they changed, and from when until when.
CREATE TABLE requirement_reason_history (
    user_id uuid NOT NULL REFERENCES users (id),
    reason_id uuid NOT NULL,
    rule_version bigint,
    due_on date,
    valid_until date,
    renews_on date,
    recorded_at timestamptz NOT NULL,
    superseded_at timestamptz NOT NULL,
    PRIMARY KEY (user_id, reason_id, superseded_at)
);

-- Periods in which people were in a rule's audience, without the present one, which rule_members holds.
CREATE TABLE rule_member_history (
    user_id uuid NOT NULL REFERENCES users (id),
    rule_id uuid NOT NULL REFERENCES rules (id),
    joined_on date NOT NULL,
    left_on date NOT NULL,
    recorded_at timestamptz NOT NULL,
    PRIMARY KEY (user_id, rule_id, recorded_at)
);

-- What settling rules is about to change, or would change: the differences between what is and what should be. A run writes
-- them, applies them and removes them; those of a plan stay for a while. Unlogged, because a run that is cut short is begun again.
CREATE UNLOGGED TABLE requirement_changes (
    user_id uuid NOT NULL,
    run_id uuid NOT NULL,
    id uuid NOT NULL,
    -- What happens: see rules/changes.rs.
    change text NOT NULL,
    rule_id uuid,
    course_id uuid,
    path_id uuid,
    requirement_id uuid,
    reason_id uuid,
    cycle integer,
    rule_version bigint,
    opens_on date,
    scheduled_on date,
    due_on date,
    satisfied_at timestamptz,
    completion_id uuid,
    waiver_id uuid,
    valid_until date,
    renews_on date,
    why text,
    PRIMARY KEY (run_id, user_id, id)
) WITH (vacuum_truncate = off);
-- Statements that settle one user are prepared, and must find the few rows of their run by the key, whatever the table looked like
-- when PostgreSQL planned them: a plan keeps rows for everybody, and between runs the table is empty.
ALTER TABLE requirement_changes ALTER COLUMN run_id SET (n_distinct = -1);
