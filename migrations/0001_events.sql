-- The event log. Appends are serialized by an advisory lock held until the commit is durable
-- (infrastructure/event_store/group_commit.py), so the order of positions is the order of commits.
CREATE TABLE events (
    position            bigint GENERATED ALWAYS AS IDENTITY UNIQUE,
    originator_id       uuid        NOT NULL,
    originator_version  bigint      NOT NULL,
    topic               text        NOT NULL,
    state               bytea       NOT NULL,
    tenant_id           uuid        NOT NULL,
    recorded_at         timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (originator_id, originator_version)
);
CREATE INDEX events_by_tenant ON events (tenant_id, position);

CREATE TABLE snapshots (
    originator_id       uuid        NOT NULL,
    originator_version  bigint      NOT NULL,
    topic               text        NOT NULL,
    state               bytea       NOT NULL,
    tenant_id           uuid        NOT NULL,
    PRIMARY KEY (originator_id, originator_version)
);

-- How far each view and policy has followed the log, and where one stopped and why.
CREATE TABLE followers (
    name              text PRIMARY KEY,
    position          bigint      NOT NULL DEFAULT 0,
    updated_at        timestamptz NOT NULL DEFAULT now(),
    stopped_position  bigint,
    stopped_topic     text,
    stopped_error     text,
    stopped_since     timestamptz
);

-- Work to be handed over to somebody outside the database, at least once; a row stays until its
-- work is done. Operational: no rebuild touches it.
CREATE TABLE outbox (
    kind          text        NOT NULL,
    dedupe_key    text        NOT NULL,
    tenant_id     uuid        NOT NULL,
    payload       jsonb       NOT NULL,
    available_at  timestamptz NOT NULL DEFAULT now(),
    attempts      integer     NOT NULL DEFAULT 0,
    created_at    timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (kind, dedupe_key)
);
CREATE INDEX outbox_due ON outbox (available_at);

-- Who works on which job, until when, and the last progress tick. Operational.
CREATE TABLE job_leases (
    job_id      uuid PRIMARY KEY,
    tenant_id   uuid        NOT NULL,
    kind        text        NOT NULL,
    worker      text        NOT NULL,
    expires_at  timestamptz NOT NULL,
    tick        jsonb
);
CREATE INDEX job_leases_by_kind ON job_leases (kind, expires_at);
