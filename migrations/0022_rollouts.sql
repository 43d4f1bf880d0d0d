-- Rollouts and their updates; see application/views/{rollout,update}.py.
CREATE TABLE rollouts (
    id            uuid PRIMARY KEY,
    tenant_id     uuid        NOT NULL,
    name          text        NOT NULL,
    release       jsonb       NOT NULL,
    release_id    text,
    golden        jsonb,
    target        jsonb       NOT NULL,
    plan          jsonb       NOT NULL,
    author        text        NOT NULL,
    status        text        NOT NULL,
    reason        text,
    message       text,
    phase         text,
    phase_until   timestamptz,
    wave          integer     NOT NULL,
    wave_sizes    jsonb       NOT NULL,
    members       text,
    is_prepared   boolean     NOT NULL,
    watch_until   timestamptz,
    evidence      jsonb,
    drafted_at    timestamptz NOT NULL,
    approved_at   timestamptz,
    approved_by   text,
    started_at    timestamptz,
    ended_at      timestamptz,
    updated_at    timestamptz NOT NULL,
    position      bigint      NOT NULL,
    changed       bigint      NOT NULL
);
CREATE INDEX rollouts_by_tenant ON rollouts (tenant_id, position DESC);

CREATE TABLE rollout_waves (
    rollout_id   uuid        NOT NULL,
    wave         integer     NOT NULL,
    tenant_id    uuid        NOT NULL,
    devices      integer     NOT NULL,
    phase        text        NOT NULL,
    started_at   timestamptz NOT NULL,
    soak_until   timestamptz,
    promoted_at  timestamptz,
    promoted_by  text,
    evidence     jsonb,
    position     bigint      NOT NULL,
    changed      bigint      NOT NULL,
    PRIMARY KEY (rollout_id, wave)
);

CREATE TABLE updates (
    id                uuid PRIMARY KEY,
    tenant_id         uuid        NOT NULL,
    rollout_id        uuid        NOT NULL,
    device_id         uuid        NOT NULL,
    wave              integer     NOT NULL,
    release_id        text        NOT NULL,
    state             text        NOT NULL,
    attempt           integer     NOT NULL,
    counter           bigint      NOT NULL,
    forced            boolean     NOT NULL,
    reverting         boolean     NOT NULL,
    previous          uuid,
    outcome           text,
    settled_position  bigint,
    settled_by        text,
    code              text,
    problem           text,
    detail            text,
    running           text,
    findings          jsonb,
    queued_at         timestamptz NOT NULL,
    offered_at        timestamptz,
    expires_at        timestamptz,
    settled_at        timestamptz,
    updated_at        timestamptz NOT NULL,
    position          bigint      NOT NULL,
    changed           bigint      NOT NULL
) WITH (fillfactor = 70);
CREATE INDEX updates_by_rollout ON updates (rollout_id, position DESC);
CREATE INDEX updates_by_device ON updates (device_id, position DESC);

-- Which rollout holds a device's one slot, and which it got what it runs from.
ALTER TABLE devices
    ADD COLUMN update_id           uuid,
    ADD COLUMN updating_rollout_id uuid,
    ADD COLUMN installed_by        uuid;

-- Operational: who is meant by a rollout, by the sha256 of the sorted ids. A rebuild leaves it alone.
CREATE TABLE rollout_members (
    tenant_id   uuid        NOT NULL,
    sha256      text        NOT NULL,
    device_ids  uuid[]      NOT NULL,
    kept_at     timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (tenant_id, sha256)
);
