-- Every event is chained to its predecessor in its stream and to its predecessor in the log. What
-- is hashed, byte for byte, is said in application/audit/chain.py; this is the same in SQL. The
-- hashes are made here and not by the program: whoever may append cannot make one up, and an older
-- version of the program that knows of no chain writes chained events all the same.
ALTER TABLE events
    ADD COLUMN stream_hash bytea CHECK (octet_length(stream_hash) = 32),
    ADD COLUMN log_hash    bytea CHECK (octet_length(log_hash) = 32);

-- The chain crosses tenants: the owner, whose rights the functions below have, must see all events
-- also where it is no superuser.
CREATE POLICY chain ON events TO CURRENT_USER USING (true) WITH CHECK (true);

CREATE FUNCTION no_hash() RETURNS bytea LANGUAGE sql IMMUTABLE
RETURN decode(repeat('00', 32), 'hex');

CREATE FUNCTION chain_stream(
    before bytea, place bigint, stream uuid, version bigint, tenant uuid, recorded timestamptz,
    topic text, state bytea
) RETURNS bytea LANGUAGE sql STABLE
RETURN sha256(
    'edgewise.stream.1'::bytea || before || int8send(place) || uuid_send(stream)
    || int8send(version) || uuid_send(tenant) || timestamptz_send(recorded)
    || int4send(octet_length(convert_to(topic, 'UTF8'))) || convert_to(topic, 'UTF8')
    || int4send(octet_length(state)) || state
);

CREATE FUNCTION chain_log(before bytea, stream_hash bytea) RETURNS bytea LANGUAGE sql IMMUTABLE
RETURN sha256('edgewise.log.1'::bytea || before || stream_hash);

-- Takes the lock that orders appends, the one of infrastructure/event_store/group_commit.py. It is
-- held until the commit is durable. A snapshot from before the lock would not see the newest event,
-- and two events would claim one predecessor.
CREATE FUNCTION lock_appends() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF current_setting('transaction_isolation') <> 'read committed' THEN
        RAISE 'events are appended at READ COMMITTED only' USING ERRCODE = 'invalid_transaction_state';
    END IF;
    PERFORM pg_advisory_xact_lock(1162102597);
END
$$;

-- Chains an event that comes by INSERT.
CREATE FUNCTION chain_inserted() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    last_position bigint;
    last_log_hash bytea;
    last_stream_hash bytea;
BEGIN
    PERFORM lock_appends();
    SELECT position, log_hash INTO last_position, last_log_hash
    FROM events ORDER BY position DESC LIMIT 1;
    IF NEW.position < last_position THEN  -- it was given its position before it had the lock
        NEW.position := nextval('events_position_seq');
    END IF;
    SELECT stream_hash INTO last_stream_hash FROM events
    WHERE originator_id = NEW.originator_id AND originator_version = NEW.originator_version - 1;
    NEW.stream_hash := chain_stream(
        coalesce(last_stream_hash, no_hash()), NEW.position, NEW.originator_id,
        NEW.originator_version, NEW.tenant_id, NEW.recorded_at, NEW.topic, NEW.state
    );
    NEW.log_hash := chain_log(coalesce(last_log_hash, no_hash()), NEW.stream_hash);
    RETURN NEW;
END
$$;

-- Appends many events of many saves in one statement, and tells who listens. A save whose stream
-- has moved on, or is another tenant's, is left out, whole, and its positions are NULL.
-- `saves` numbers the save of each event, `places` its stream in `streams`.
CREATE FUNCTION append_events(
    saves bigint[], places bigint[], versions bigint[], topics text[], states bytea[],
    tenants uuid[], streams uuid[]
) RETURNS bigint[]
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
-- Plans are made once and kept: planning anew takes longer than all the rest, and a plan from when
-- the table was empty must not read all of it later.
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS $$
DECLARE
    many CONSTANT integer := cardinality(versions);
    log_head bytea;
    stream_heads bytea[];
    head_versions bigint[];
    checked bigint[];
    owners uuid[];
    positions bigint[] := array_fill(NULL::bigint, ARRAY[many]);
    moments timestamptz[] := array_fill(NULL::timestamptz, ARRAY[many]);
    stream_hashes bytea[] := array_fill(NULL::bytea, ARRAY[many]);
    log_hashes bytea[] := array_fill(NULL::bytea, ARRAY[many]);
    first integer := 1;
    past integer;
    place bigint;
    fits boolean;
BEGIN
    PERFORM lock_appends();
    SELECT log_hash INTO log_head FROM events ORDER BY position DESC LIMIT 1;
    log_head := coalesce(log_head, no_hash());
    SELECT array_agg(coalesce(newest.stream_hash, no_hash()) ORDER BY number),
           array_agg(coalesce(newest.originator_version, 0) ORDER BY number),
           array_agg(newest.tenant_id ORDER BY number)
    INTO stream_heads, head_versions, owners
    FROM unnest(streams) WITH ORDINALITY AS asked (stream, number)
    LEFT JOIN LATERAL (
        SELECT originator_version, stream_hash, tenant_id FROM events WHERE originator_id = stream
        ORDER BY originator_version DESC LIMIT 1
    ) AS newest ON true;
    WHILE first <= many LOOP
        fits := true;
        checked := head_versions;
        past := first;
        WHILE past <= many AND saves[past] = saves[first] LOOP
            place := places[past];
            fits := fits AND versions[past] = checked[place] + 1
                AND coalesce(owners[place] = tenants[past], true);
            checked[place] := versions[past];
            past := past + 1;
        END LOOP;
        IF fits THEN
            head_versions := checked;
            FOR i IN first .. past - 1 LOOP
                place := places[i];
                owners[place] := tenants[i];
                positions[i] := nextval('events_position_seq');
                moments[i] := clock_timestamp();
                stream_heads[place] := chain_stream(
                    stream_heads[place], positions[i], streams[place], versions[i], tenants[i],
                    moments[i], topics[i], states[i]
                );
                log_head := chain_log(log_head, stream_heads[place]);
                stream_hashes[i] := stream_heads[place];
                log_hashes[i] := log_head;
            END LOOP;
        END IF;
        first := past;
    END LOOP;
    INSERT INTO events (position, originator_id, originator_version, topic, state, tenant_id,
                        recorded_at, stream_hash, log_hash)
    OVERRIDING SYSTEM VALUE
    SELECT e.position, streams[e.place], e.version, e.topic, e.state, e.tenant, e.moment,
           e.stream_hash, e.log_hash
    FROM unnest(positions, places, versions, topics, states, tenants, moments, stream_hashes,
                log_hashes)
         AS e (position, place, version, topic, state, tenant, moment, stream_hash, log_hash)
    WHERE e.position IS NOT NULL;
    PERFORM pg_notify('edgewise_events', tenant || ' ' || max(position))
    FROM unnest(tenants, positions) AS told (tenant, position)
    WHERE position IS NOT NULL GROUP BY tenant;
    RETURN positions;
END
$$;
REVOKE ALL ON FUNCTION append_events FROM PUBLIC;
