-- Columns `<field>_folded` hold the key form of a field (`text::fold`): what is unique or looked up by its whole. Only
-- Rust writes them.
CREATE TABLE org_units (
    id uuid PRIMARY KEY,
    code text NOT NULL,
    code_folded text NOT NULL,
    name text NOT NULL,
    name_folded text NOT NULL,
    search text NOT NULL GENERATED ALWAYS AS (search_text(name_folded || ' ' || code_folded)) STORED,
    parent_id uuid REFERENCES org_units (id),
    -- NULL is inherited from the unit above.
    time_zone text,
    version bigint NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    archived_at timestamptz,
    CHECK (parent_id <> id)
);
CREATE UNIQUE INDEX org_units_code_key ON org_units (code_folded);
CREATE INDEX org_units_code_idx ON org_units (code COLLATE provost_order, id);
CREATE INDEX org_units_parent_idx ON org_units (parent_id);
CREATE INDEX org_units_name_folded_idx ON org_units (name_folded);
CREATE INDEX org_units_zoned_idx ON org_units (id) WHERE time_zone IS NOT NULL;
CREATE INDEX org_units_name_idx ON org_units (name COLLATE provost_order, id);
CREATE INDEX org_units_search_idx ON org_units USING gin (search gin_trgm_ops);
CREATE INDEX org_units_created_idx ON org_units (created_at, id);

-- What units said before they changed, and from when until when: with their rows, the tree of every past day.
CREATE TABLE org_unit_history (
    -- The unit.
    id uuid NOT NULL REFERENCES org_units (id),
    code text NOT NULL,
    name text NOT NULL,
    parent_id uuid,
    time_zone text,
    archived_at timestamptz,
    recorded_at timestamptz NOT NULL,
    superseded_at timestamptz NOT NULL,
    PRIMARY KEY (id, recorded_at),
    CHECK (superseded_at > recorded_at)
);

-- Every unit with itself and all above it.
CREATE TABLE org_unit_closure (
    ancestor_id uuid NOT NULL REFERENCES org_units (id),
    descendant_id uuid NOT NULL REFERENCES org_units (id),
    depth integer NOT NULL,
    PRIMARY KEY (descendant_id, ancestor_id)
);
CREATE INDEX org_unit_closure_ancestor_idx ON org_unit_closure (ancestor_id, descendant_id);

CREATE TABLE locations (
    id uuid PRIMARY KEY,
    code text NOT NULL,
    code_folded text NOT NULL,
    name text NOT NULL,
    name_folded text NOT NULL,
    search text NOT NULL GENERATED ALWAYS AS (search_text(name_folded || ' ' || code_folded)) STORED,
    address text,
    time_zone text,
    org_unit_id uuid REFERENCES org_units (id),
    capacity integer CHECK (capacity >= 1),
    version bigint NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    archived_at timestamptz
);
CREATE UNIQUE INDEX locations_code_key ON locations (code_folded);
CREATE INDEX locations_code_idx ON locations (code COLLATE provost_order, id);
CREATE INDEX locations_name_idx ON locations (name COLLATE provost_order, id);
CREATE INDEX locations_name_folded_idx ON locations (name_folded);
CREATE INDEX locations_search_idx ON locations USING gin (search gin_trgm_ops);
CREATE INDEX locations_created_idx ON locations (created_at, id);
CREATE INDEX locations_org_unit_idx ON locations (org_unit_id);

CREATE TABLE users (
    id uuid PRIMARY KEY,
    username text NOT NULL,
    username_folded text NOT NULL,
    email text,
    email_folded text,
    given_name text NOT NULL,
    given_name_folded text NOT NULL,
    family_name text NOT NULL,
    family_name_folded text NOT NULL,
    status text NOT NULL CHECK (status IN ('invited', 'active', 'suspended', 'archived')),
    locale text NOT NULL DEFAULT 'en',
    -- NULL is inherited: the nearest org unit's, else the academy's.
    time_zone text,
    title text,
    job_code text,
    department text,
    location text,
    cost_centre text,
    employment_type text,
    hired_on date,
    left_on date,
    activated_on date,
    first_signed_in_at timestamptz,
    manager_id uuid REFERENCES users (id),
    org_unit_id uuid REFERENCES org_units (id),
    location_id uuid REFERENCES locations (id),
    attributes jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(attributes) = 'object'),
    -- Where words stand without spaces, the whole name does, too.
    search text NOT NULL GENERATED ALWAYS AS (search_text(given_name_folded || ' ' || family_name_folded || ' ' || username_folded
        || CASE WHEN octet_length(family_name_folded) > length(family_name_folded) THEN ' ' || family_name_folded || given_name_folded ELSE '' END
        || coalesce(' ' || email_folded, ''))) STORED,
    version bigint NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    CHECK (manager_id <> id)
);
CREATE UNIQUE INDEX users_username_key ON users (username_folded);
CREATE INDEX users_username_idx ON users (username COLLATE provost_order, id);
CREATE INDEX users_email_idx ON users (email_folded);
CREATE INDEX users_name_idx ON users (family_name COLLATE provost_order, id);
CREATE INDEX users_created_idx ON users (created_at, id);
CREATE INDEX users_updated_idx ON users (updated_at, id);
CREATE INDEX users_manager_idx ON users (manager_id);
CREATE INDEX users_org_unit_idx ON users (org_unit_id);
CREATE INDEX users_location_idx ON users (location_id);
CREATE INDEX users_search_idx ON users USING gin (search gin_trgm_ops);
-- By which PostgreSQL tells common words from rare ones.
ALTER TABLE users ALTER search SET STATISTICS 300;
CREATE INDEX users_department_idx ON users (comparable(department));

-- Every person with themselves and all above them in the reporting line. Derived from users.manager_id, which has the
-- foreign key; two more here would triple the time that a large import takes to write these rows.
CREATE TABLE reporting_lines (
    ancestor_id uuid NOT NULL,
    descendant_id uuid NOT NULL,
    depth integer NOT NULL,
    PRIMARY KEY (descendant_id, ancestor_id)
);
CREATE INDEX reporting_lines_ancestor_idx ON reporting_lines (ancestor_id, descendant_id);

-- Each period of a person's job fields; the open one has no end.
CREATE TABLE user_history (
    id uuid NOT NULL,
    user_id uuid NOT NULL REFERENCES users (id),
    valid_from timestamptz NOT NULL,
    valid_to timestamptz,
    status text NOT NULL,
    title text,
    job_code text,
    department text,
    location text,
    cost_centre text,
    employment_type text,
    manager_id uuid,
    org_unit_id uuid,
    location_id uuid,
    attributes jsonb NOT NULL DEFAULT '{}',
    PRIMARY KEY (user_id, id),
    CHECK (valid_to > valid_from)
);
CREATE UNIQUE INDEX user_history_one_open ON user_history (user_id) WHERE valid_to IS NULL;
CREATE INDEX user_history_period_idx ON user_history (user_id, valid_from);

CREATE TABLE groups (
    id uuid PRIMARY KEY,
    code text NOT NULL,
    code_folded text NOT NULL,
    name text NOT NULL,
    name_folded text NOT NULL,
    search text NOT NULL GENERATED ALWAYS AS (search_text(name_folded || ' ' || code_folded)) STORED,
    kind text NOT NULL CHECK (kind IN ('static', 'dynamic')),
    -- Who belongs to a dynamic group, in the filter language.
    filter text,
    version bigint NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    archived_at timestamptz,
    CHECK ((kind = 'dynamic') = (filter IS NOT NULL)),
    -- What grants name, so that a group that holds roles is and stays static.
    CONSTRAINT groups_one_kind UNIQUE (id, kind)
);
CREATE UNIQUE INDEX groups_code_key ON groups (code_folded);
CREATE INDEX groups_code_idx ON groups (code COLLATE provost_order, id);
CREATE INDEX groups_name_idx ON groups (name COLLATE provost_order, id);
CREATE INDEX groups_name_folded_idx ON groups (name_folded);
CREATE INDEX groups_search_idx ON groups USING gin (search gin_trgm_ops);
CREATE INDEX groups_created_idx ON groups (created_at, id);

CREATE TABLE group_members (
    group_id uuid NOT NULL REFERENCES groups (id),
    user_id uuid NOT NULL REFERENCES users (id),
    added_at timestamptz NOT NULL,
    PRIMARY KEY (user_id, group_id)
);
CREATE INDEX group_members_group_idx ON group_members (group_id, user_id);

-- Memberships that ended, of static and of dynamic groups.
CREATE TABLE group_member_history (
    group_id uuid NOT NULL REFERENCES groups (id),
    user_id uuid NOT NULL REFERENCES users (id),
    added_at timestamptz NOT NULL,
    removed_at timestamptz NOT NULL,
    PRIMARY KEY (user_id, group_id, added_at),
    CHECK (removed_at > added_at)
);
CREATE INDEX group_member_history_group_idx ON group_member_history (group_id, added_at);

CREATE TABLE attribute_definitions (
    id uuid PRIMARY KEY,
    name text NOT NULL CONSTRAINT attribute_definitions_name_key UNIQUE CHECK (name ~ '^[a-z][a-z0-9_]{0,62}$'),
    label text NOT NULL,
    kind text NOT NULL CHECK (kind IN ('string', 'number', 'boolean', 'date')),
    -- A closed list of values for strings, or NULL.
    allowed_values text[],
    version bigint NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    archived_at timestamptz
);
CREATE INDEX attribute_definitions_name_idx ON attribute_definitions (name COLLATE provost_order, id);
CREATE INDEX attribute_definitions_created_idx ON attribute_definitions (created_at, id);

-- Periods in which a user is away. An archived one did not happen.
CREATE TABLE absences (
    id uuid PRIMARY KEY,
    user_id uuid NOT NULL REFERENCES users (id),
    kind text NOT NULL CHECK (kind IN ('parental_leave', 'sickness', 'leave', 'other')),
    starts_on date NOT NULL,
    -- The last day; NULL if it is not known yet.
    ends_on date,
    note text,
    version bigint NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    archived_at timestamptz,
    CHECK (ends_on >= starts_on)
);
CREATE INDEX absences_created_idx ON absences (created_at, id);
CREATE INDEX absences_starts_idx ON absences (starts_on, id);
CREATE INDEX absences_user_idx ON absences (user_id, starts_on);

-- What absences said before they changed, and from when until when that was all we knew.
CREATE TABLE absence_history (
    -- The absence.
    id uuid NOT NULL REFERENCES absences (id),
    user_id uuid NOT NULL REFERENCES users (id),
    kind text NOT NULL,
    starts_on date NOT NULL,
    ends_on date,
    archived_at timestamptz,
    recorded_at timestamptz NOT NULL,
    superseded_at timestamptz NOT NULL,
    PRIMARY KEY (id, recorded_at),
    CHECK (superseded_at > recorded_at)
);
CREATE INDEX absence_history_user_idx ON absence_history (user_id, recorded_at);

-- How far the work that new days bring has come, for each kind of such work.
CREATE TABLE day_progress (
    work text PRIMARY KEY,
    -- Days that began before this are not worked off: the past of a database that is new.
    since timestamptz NOT NULL,
    -- Days that began until this are worked off.
    until timestamptz NOT NULL
);

-- What the calendar brought about: each kind of event once for each object and date, as long as it could come again.
CREATE TABLE dated_events (
    user_id uuid NOT NULL REFERENCES users (id),
    action text NOT NULL,
    object_id uuid NOT NULL,
    date date NOT NULL,
    PRIMARY KEY (user_id, action, object_id, date)
);
