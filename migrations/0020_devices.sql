-- Devices and what belongs to them; see application/views/device*.py.
CREATE TABLE devices (
    id                      uuid PRIMARY KEY,
    tenant_id               uuid        NOT NULL,
    claim_id                uuid        NOT NULL,
    name                    text        NOT NULL,
    labels                  jsonb       NOT NULL,
    group_name              text,
    profile_id              uuid,
    facts                   jsonb       NOT NULL,
    agent                   text,
    online                  boolean     NOT NULL,
    boot_id                 uuid,
    online_changed_at       timestamptz,
    offline_reason          text,
    desired                 jsonb       NOT NULL,
    desired_version         integer     NOT NULL,
    reported                jsonb       NOT NULL,
    reported_version        bigint      NOT NULL,
    certificate_serial      text,
    certificate_expires_at  timestamptz,
    decommissioned          boolean     NOT NULL,
    registered_at           timestamptz NOT NULL,
    updated_at              timestamptz NOT NULL,
    position                bigint      NOT NULL,
    changed                 bigint      NOT NULL
) WITH (fillfactor = 70);
CREATE INDEX devices_by_tenant ON devices (tenant_id, position DESC);

CREATE TABLE device_certificates (
    serial      text PRIMARY KEY,
    tenant_id   uuid        NOT NULL,
    device_id   uuid        NOT NULL,
    key_id      text        NOT NULL,
    issued_at   timestamptz NOT NULL,
    expires_at  timestamptz NOT NULL,
    revoked_at  timestamptz,
    reason      text,
    position    bigint      NOT NULL
);
CREATE INDEX device_certificates_by_device ON device_certificates (device_id, position DESC);
CREATE INDEX device_certificates_revoked ON device_certificates (expires_at)
    WHERE revoked_at IS NOT NULL;

CREATE TABLE device_commands (
    id          uuid PRIMARY KEY,
    tenant_id   uuid        NOT NULL,
    device_id   uuid        NOT NULL,
    kind        text        NOT NULL,
    arguments   jsonb       NOT NULL,
    status      text        NOT NULL,
    result      jsonb,
    error       text,
    sent_at     timestamptz NOT NULL,
    sent_by     text        NOT NULL,
    expires_at  timestamptz NOT NULL,
    ended_at    timestamptz,
    position    bigint      NOT NULL,
    changed     bigint      NOT NULL
);
CREATE INDEX device_commands_by_device ON device_commands (device_id, position DESC);
CREATE INDEX device_commands_open ON device_commands (expires_at) WHERE status = 'SENT';

CREATE TABLE device_claims (
    id          uuid PRIMARY KEY,
    tenant_id   uuid        NOT NULL,
    sha256      text        NOT NULL UNIQUE,
    labels      jsonb       NOT NULL,
    group_name  text,
    profile_id  uuid,
    issued_at   timestamptz NOT NULL,
    issued_by   text        NOT NULL,
    expires_at  timestamptz NOT NULL,
    device_id   uuid,
    withdrawn   boolean     NOT NULL,
    position    bigint      NOT NULL,
    changed     bigint      NOT NULL
);
CREATE INDEX device_claims_by_tenant ON device_claims (tenant_id, position DESC);

-- Operational: what is known of a device's connection between two events. A rebuild leaves it alone.
CREATE TABLE device_sessions (
    device_id    uuid PRIMARY KEY,
    tenant_id    uuid        NOT NULL,
    boot_id      uuid        NOT NULL,
    seen_at      timestamptz NOT NULL,
    lost_at      timestamptz,
    reason       text
);
CREATE INDEX device_sessions_seen ON device_sessions (seen_at);

-- Operational: what devices tell that is no decision. An event is known by its number in its log.
CREATE TABLE telemetry (
    tenant_id    uuid        NOT NULL,
    device_id    uuid        NOT NULL,
    log_id       uuid        NOT NULL,
    number       bigint      NOT NULL,
    topic        text        NOT NULL,
    kind         text        NOT NULL,
    at           timestamptz NOT NULL,
    received_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    body         jsonb       NOT NULL,
    PRIMARY KEY (device_id, log_id, number)
);
CREATE INDEX telemetry_by_time ON telemetry (tenant_id, device_id, at DESC);

-- Operational: signed calls that were taken, until they are too old to be taken again.
CREATE TABLE device_calls (
    id          text PRIMARY KEY,
    expires_at  timestamptz NOT NULL
);

CREATE INDEX devices_by_name ON devices (tenant_id, name) WHERE NOT decommissioned;

CREATE TABLE device_groups (
    id          uuid PRIMARY KEY,
    tenant_id   uuid        NOT NULL,
    name        text        NOT NULL,
    labels      jsonb       NOT NULL,
    online      boolean,
    group_name  text,
    profile_id  uuid,
    text        text,
    deleted     boolean     NOT NULL,
    created_at  timestamptz NOT NULL,
    created_by  text        NOT NULL,
    updated_at  timestamptz NOT NULL,
    position    bigint      NOT NULL,
    changed     bigint      NOT NULL
);
CREATE INDEX device_groups_by_tenant ON device_groups (tenant_id, position DESC);
