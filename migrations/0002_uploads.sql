-- Uploads in progress and the ones that completed. Operational, not a projection: a rebuild of
-- the read tables leaves it alone. Row-level security is added to every table with a tenant_id.

CREATE TABLE uploads (
    tenant_id       uuid        NOT NULL,
    id              uuid        NOT NULL,
    purpose         text        NOT NULL,
    file_name       text        NOT NULL,
    length          bigint      NOT NULL CHECK (length > 0),
    created_by      text        NOT NULL,
    created_at      timestamptz NOT NULL,
    expires_at      timestamptz NOT NULL,
    expected_sha256 text,
    "offset"        bigint      NOT NULL DEFAULT 0 CHECK ("offset" BETWEEN 0 AND length),
    parts           text[]      NOT NULL DEFAULT '{}',
    sha256          text,
    completed_at    timestamptz,
    PRIMARY KEY (tenant_id, id),
    CHECK ((sha256 IS NULL) = (completed_at IS NULL))
);

CREATE INDEX uploads_unfinished ON uploads (expires_at) WHERE completed_at IS NULL;
