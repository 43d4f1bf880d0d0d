-- What devices may install: TUF metadata of each tenant's repository (infrastructure/tuf), and the
-- targets that it names. Operational: no rebuild touches it. A writer holds an advisory lock on the
-- tenant and writes all in one transaction; a reader sees whole repositories only.
CREATE TABLE trust_metadata (
    tenant_id    uuid        NOT NULL,
    role         text        NOT NULL,
    version      integer     NOT NULL,
    content      bytea       NOT NULL,
    expires_at   timestamptz NOT NULL,
    renew_at     timestamptz NOT NULL,
    replaced_at  timestamptz,
    PRIMARY KEY (tenant_id, role, version)
);
CREATE UNIQUE INDEX trust_metadata_newest ON trust_metadata (tenant_id, role)
    WHERE replaced_at IS NULL;
CREATE INDEX trust_metadata_due ON trust_metadata (renew_at) WHERE replaced_at IS NULL;

CREATE TABLE trust_targets (
    tenant_id     uuid        NOT NULL,
    sha256        text        NOT NULL,
    bytes         bigint      NOT NULL,
    published_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (tenant_id, sha256)
);
