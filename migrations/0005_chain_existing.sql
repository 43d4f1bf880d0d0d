-- Chains the events that are there already, in the order of their positions. Writers wait, readers
-- do not: a transaction of its own, and the lock that orders appends taken first.
SELECT lock_appends();

DO $$
DECLARE
    event record;
    log_head bytea := no_hash();
    stream_head bytea;
BEGIN
    FOR event IN SELECT * FROM events ORDER BY position LOOP
        SELECT stream_hash INTO stream_head FROM events
        WHERE originator_id = event.originator_id
          AND originator_version = event.originator_version - 1;
        stream_head := chain_stream(
            coalesce(stream_head, no_hash()), event.position, event.originator_id,
            event.originator_version, event.tenant_id, event.recorded_at, event.topic, event.state
        );
        log_head := chain_log(log_head, stream_head);
        UPDATE events SET stream_hash = stream_head, log_hash = log_head
        WHERE originator_id = event.originator_id
          AND originator_version = event.originator_version;
    END LOOP;
END
$$;

CREATE TRIGGER chain BEFORE INSERT ON events
FOR EACH ROW WHEN (NEW.stream_hash IS NULL) EXECUTE FUNCTION chain_inserted();

ALTER TABLE events
    ALTER COLUMN stream_hash SET NOT NULL,
    ALTER COLUMN log_hash SET NOT NULL;
