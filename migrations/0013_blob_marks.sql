-- Blobs that nothing refers to any more, and since when that is known. The sweep takes a blob whose
-- mark is old enough (application/blob_sweep.py); whoever stores or finds the content again removes
-- the mark. Operational: no rebuild touches it.
CREATE TABLE blob_marks (
    tenant_id  uuid        NOT NULL,
    sha256     text        NOT NULL,
    bytes      bigint      NOT NULL,
    marked_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (tenant_id, sha256)
);
CREATE INDEX blob_marks_by_age ON blob_marks (marked_at);

-- A completed upload expires too: what was made from it by then refers to the blob itself.
UPDATE uploads SET expires_at = completed_at + interval '7 days' WHERE completed_at IS NOT NULL;
DROP INDEX uploads_unfinished;
CREATE INDEX uploads_by_expiry ON uploads (expires_at);
