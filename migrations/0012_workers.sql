-- Workers that live, by what they announce every few seconds (application/ports/workers.py).
-- Operational, and of no tenant: who may see it is decided where it is asked for.
CREATE TABLE workers (
    id            text PRIMARY KEY,
    host          text        NOT NULL,
    capabilities  text[]      NOT NULL,
    facts         jsonb       NOT NULL,
    started_at    timestamptz NOT NULL,
    seen_at       timestamptz NOT NULL
);

-- Monitoring counts jobs by kind and status at every scrape.
CREATE INDEX jobs_by_kind_and_status ON jobs (kind, status);
