-- The read tables. Each is written by the view of its feature in application/views, and can be
-- dropped and rebuilt from the events at any time. `position` is that of the event that made the
-- row; `changed` that of the last event that touched it.
CREATE TABLE tenants (
    id          uuid PRIMARY KEY,
    tenant_id   uuid        NOT NULL,
    name        text        NOT NULL,
    plan        text        NOT NULL,
    created_at  timestamptz NOT NULL,
    position    bigint      NOT NULL,
    changed     bigint      NOT NULL
);

CREATE TABLE tenant_flags (
    tenant_id  uuid    NOT NULL,
    flag       text    NOT NULL,
    enabled    boolean NOT NULL,
    position   bigint  NOT NULL,
    PRIMARY KEY (tenant_id, flag)
);

CREATE TABLE tenant_members (
    tenant_id  uuid        NOT NULL,
    user_id    uuid        NOT NULL,
    role       text        NOT NULL,
    joined_at  timestamptz NOT NULL,
    position   bigint      NOT NULL,
    PRIMARY KEY (tenant_id, user_id)
);

CREATE TABLE api_keys (
    id          uuid PRIMARY KEY,
    tenant_id   uuid        NOT NULL,
    label       text        NOT NULL,
    role        text        NOT NULL,
    sha256      text        NOT NULL UNIQUE,
    platform    boolean     NOT NULL,
    created_at  timestamptz NOT NULL,
    created_by  text        NOT NULL,
    revoked_at  timestamptz,
    position    bigint      NOT NULL
);

CREATE TABLE quota_units (
    tenant_id        uuid        NOT NULL,
    kind             text        NOT NULL,
    period           text        NOT NULL,
    quota_id         uuid        NOT NULL,
    subject          uuid        NOT NULL,
    spent_by         text        NOT NULL,
    spent_at         timestamptz NOT NULL,
    returned_at      timestamptz,
    returned_reason  text,
    position         bigint      NOT NULL,
    PRIMARY KEY (quota_id, subject)
);
CREATE INDEX quota_units_by_period ON quota_units (tenant_id, kind, period);

CREATE TABLE models (
    id          uuid PRIMARY KEY,
    tenant_id   uuid        NOT NULL,
    name        text        NOT NULL,
    task        text        NOT NULL,
    status      text        NOT NULL,
    versions    integer     NOT NULL,
    created_at  timestamptz NOT NULL,
    created_by  text        NOT NULL,
    updated_at  timestamptz NOT NULL,
    position    bigint      NOT NULL,
    changed     bigint      NOT NULL
);
CREATE INDEX models_by_tenant ON models (tenant_id, position DESC);

CREATE TABLE artifacts (
    id          uuid PRIMARY KEY,
    tenant_id   uuid        NOT NULL,
    model_id    uuid        NOT NULL,
    version     integer     NOT NULL,
    variant     text        NOT NULL,
    format      text        NOT NULL,
    bytes       bigint      NOT NULL,
    files       jsonb       NOT NULL,
    signature   jsonb,
    upload_id   uuid,
    job_id      uuid,
    source_id   uuid,
    passed      boolean     NOT NULL,
    proof       jsonb       NOT NULL,
    created_at  timestamptz NOT NULL,
    position    bigint      NOT NULL
);
CREATE INDEX artifacts_by_model ON artifacts (model_id, position DESC);

CREATE TABLE model_aliases (
    model_id     uuid        NOT NULL,
    alias        text        NOT NULL,
    tenant_id    uuid        NOT NULL,
    artifact_id  uuid        NOT NULL,
    moved_at     timestamptz NOT NULL,
    moved_by     text        NOT NULL,
    position     bigint      NOT NULL,
    PRIMARY KEY (model_id, alias)
);

CREATE TABLE datasets (
    id          uuid PRIMARY KEY,
    tenant_id   uuid        NOT NULL,
    name        text        NOT NULL,
    purpose     text        NOT NULL,
    versions    integer     NOT NULL,
    deleted     boolean     NOT NULL,
    created_at  timestamptz NOT NULL,
    created_by  text        NOT NULL,
    updated_at  timestamptz NOT NULL,
    position    bigint      NOT NULL,
    changed     bigint      NOT NULL
);
CREATE INDEX datasets_by_tenant ON datasets (tenant_id, position DESC);

CREATE TABLE dataset_versions (
    dataset_id    uuid        NOT NULL,
    number        integer     NOT NULL,
    tenant_id     uuid        NOT NULL,
    sha256        text        NOT NULL,
    bytes         bigint      NOT NULL,
    rows          bigint      NOT NULL,
    arrays        jsonb       NOT NULL,
    label_counts  jsonb,
    created_at    timestamptz NOT NULL,
    position      bigint      NOT NULL,
    PRIMARY KEY (dataset_id, number)
);

CREATE TABLE device_profiles (
    id            uuid PRIMARY KEY,
    tenant_id     uuid        NOT NULL,
    name          text        NOT NULL,
    architecture  text        NOT NULL,
    cores         integer     NOT NULL,
    memory_bytes  bigint      NOT NULL,
    runtimes      jsonb       NOT NULL,
    accelerators  jsonb       NOT NULL,
    deleted       boolean     NOT NULL,
    created_at    timestamptz NOT NULL,
    updated_at    timestamptz NOT NULL,
    position      bigint      NOT NULL,
    changed       bigint      NOT NULL
);
CREATE INDEX device_profiles_by_tenant ON device_profiles (tenant_id, position DESC);

CREATE TABLE jobs (
    id                uuid PRIMARY KEY,
    tenant_id         uuid        NOT NULL,
    kind              text        NOT NULL,
    model_id          uuid        NOT NULL,
    status            text        NOT NULL,
    attempt           integer     NOT NULL,
    stage             text,
    cancel_requested  boolean     NOT NULL,
    input             jsonb       NOT NULL,
    result            jsonb,
    failure           jsonb,
    not_before        timestamptz,
    requested_at      timestamptz NOT NULL,
    requested_by      text        NOT NULL,
    started_at        timestamptz,
    finished_at       timestamptz,
    position          bigint      NOT NULL,
    changed           bigint      NOT NULL
);
CREATE INDEX jobs_by_tenant ON jobs (tenant_id, position DESC);
CREATE INDEX jobs_by_model ON jobs (model_id, position DESC);

CREATE TABLE benchmarks (
    job_id             uuid             NOT NULL,
    artifact_id        uuid             NOT NULL,
    tenant_id          uuid             NOT NULL,
    model_id           uuid             NOT NULL,
    p50_ms             double precision NOT NULL,
    p90_ms             double precision NOT NULL,
    p99_ms             double precision NOT NULL,
    throughput         double precision NOT NULL,
    load_ms            double precision NOT NULL,
    peak_memory_bytes  bigint           NOT NULL,
    evidence           text             NOT NULL,
    details            jsonb            NOT NULL,
    measured_at        timestamptz      NOT NULL,
    position           bigint           NOT NULL,
    PRIMARY KEY (job_id, artifact_id)
);
CREATE INDEX benchmarks_by_artifact ON benchmarks (artifact_id, position DESC);

-- The one way to find a key without being in its tenant: by the sha256 of the whole secret.
CREATE FUNCTION find_api_key(wanted text)
RETURNS TABLE (id uuid, tenant_id uuid, role text, platform boolean)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp
AS $$
    SELECT id, tenant_id, role, platform FROM api_keys
    WHERE sha256 = wanted AND revoked_at IS NULL
$$;
