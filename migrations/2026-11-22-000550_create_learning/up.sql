-- Facts about learners. Each has user_id in its primary key and in every unique constraint.

-- How far a user is with an activity of an enrollment: what all their attempts come to.
CREATE TABLE activity_states (
    user_id uuid NOT NULL REFERENCES users (id),
    enrollment_id uuid NOT NULL,
    activity_id uuid NOT NULL,
    state text NOT NULL CHECK (state IN ('in_progress', 'completed', 'failed')),
    progress_percent smallint NOT NULL DEFAULT 0 CHECK (progress_percent BETWEEN 0 AND 100),
    -- Of 100, by the policy of the activity: of the last, the best or the first attempt.
    score double precision CHECK (score BETWEEN 0 AND 100),
    seconds integer NOT NULL DEFAULT 0 CHECK (seconds >= 0),
    -- Videos: the seconds that were watched, and where to go on.
    watched int4multirange NOT NULL DEFAULT '{}',
    -- When all that was watched could have been, at the fastest.
    watched_until timestamptz,
    -- How long the video is: by its header, or else the most that a player said.
    duration_seconds integer CHECK (duration_seconds >= 0),
    position_seconds integer CHECK (position_seconds >= 0),
    -- The name that the learner gave when they declared to have read and understood.
    declared_as text,
    attempts_granted smallint NOT NULL DEFAULT 0 CHECK (attempts_granted >= 0),
    started_at timestamptz NOT NULL,
    -- Once set, it stays, unless somebody corrects it.
    completed_at timestamptz,
    -- When somebody corrected or reset it: attempts of before count no more.
    corrected_at timestamptz,
    version bigint NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    PRIMARY KEY (user_id, enrollment_id, activity_id),
    FOREIGN KEY (user_id, enrollment_id) REFERENCES enrollments (user_id, id)
);

-- Attempts at content that reports back.
CREATE TABLE attempts (
    id uuid NOT NULL,
    user_id uuid NOT NULL REFERENCES users (id),
    enrollment_id uuid NOT NULL,
    activity_id uuid NOT NULL,
    content_version_id uuid NOT NULL REFERENCES content_versions (id),
    number integer NOT NULL CHECK (number > 0),
    mode text NOT NULL CHECK (mode IN ('normal', 'test')),
    completion text NOT NULL DEFAULT 'unknown' CHECK (completion IN ('unknown', 'incomplete', 'completed')),
    success text NOT NULL DEFAULT 'unknown' CHECK (success IN ('unknown', 'failed', 'passed')),
    score double precision CHECK (score BETWEEN 0 AND 100),
    progress_percent smallint NOT NULL DEFAULT 0 CHECK (progress_percent BETWEEN 0 AND 100),
    seconds integer NOT NULL DEFAULT 0 CHECK (seconds >= 0),
    -- Counts the launches: only the newest one writes.
    fence bigint NOT NULL DEFAULT 0,
    started_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    ended_at timestamptz,
    PRIMARY KEY (user_id, id),
    CONSTRAINT attempts_one_number UNIQUE (user_id, enrollment_id, activity_id, number),
    FOREIGN KEY (user_id, enrollment_id) REFERENCES enrollments (user_id, id)
);
CREATE UNIQUE INDEX attempts_one_open ON attempts (user_id, enrollment_id, activity_id)
    WHERE ended_at IS NULL;
CREATE INDEX attempts_id_idx ON attempts (id);

-- Addresses under which an attempt was opened.
CREATE TABLE launches (
    id uuid NOT NULL,
    user_id uuid NOT NULL REFERENCES users (id),
    enrollment_id uuid NOT NULL,
    activity_id uuid NOT NULL,
    -- None for what does not report back, such as a file.
    attempt_id uuid,
    -- The version of the course that the enrollment had.
    course_version_id uuid NOT NULL REFERENCES course_versions (id),
    content_version_id uuid NOT NULL REFERENCES content_versions (id),
    -- A review shows what was done and writes nothing.
    mode text NOT NULL CHECK (mode IN ('normal', 'review', 'test')),
    -- That of the attempt when it was launched.
    fence bigint NOT NULL DEFAULT 0,
    -- Who asked for it; none: the learner.
    created_by uuid,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    -- When the content said that it ended; a session that never says so is suspended.
    terminated_at timestamptz,
    -- What the package saved: when it last did, how often, and what the last were, for support.
    saved_at timestamptz,
    saves integer NOT NULL DEFAULT 0 CHECK (saves >= 0),
    item text,
    location text,
    suspend_bytes integer,
    PRIMARY KEY (user_id, id),
    FOREIGN KEY (user_id, attempt_id) REFERENCES attempts (user_id, id)
) WITH (fillfactor = 70); -- Each commit updates its launch: room beside it, so that no index changes.
CREATE INDEX launches_attempt_idx ON launches (user_id, attempt_id);
CREATE INDEX launches_id_idx ON launches (id);
CREATE INDEX launches_created_idx ON launches (created_at, id);
CREATE INDEX launches_enrollment_idx ON launches (enrollment_id, created_at, id);
CREATE INDEX launches_activity_idx ON launches (activity_id, created_at, id);
CREATE INDEX launches_content_idx ON launches (content_version_id, course_version_id, created_at);

-- What a package stored, for each of its items.
CREATE TABLE runtime_states (
    user_id uuid NOT NULL REFERENCES users (id),
    attempt_id uuid NOT NULL,
    item text NOT NULL,
    -- Elements of the data model, each as {"value": …, "seq": …}: an older one never replaces a newer one.
    data jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(data) = 'object'),
    -- Seconds of the sessions before the present one.
    total_seconds integer NOT NULL DEFAULT 0 CHECK (total_seconds >= 0),
    updated_at timestamptz NOT NULL,
    PRIMARY KEY (user_id, attempt_id, item),
    FOREIGN KEY (user_id, attempt_id) REFERENCES attempts (user_id, id)
);

-- What happened in launches, for support; kept for 30 days.
CREATE TABLE launch_log (
    user_id uuid NOT NULL REFERENCES users (id),
    launch_id uuid NOT NULL,
    id uuid NOT NULL,
    recorded_at timestamptz NOT NULL,
    entry jsonb NOT NULL,
    PRIMARY KEY (user_id, launch_id, id)
);
CREATE INDEX launch_log_recorded_idx ON launch_log (recorded_at);
