-- The number of the message at which a device's present connection began. Every gateway hears every
-- state: the end of an earlier connection that comes late to one of them ends nothing.
ALTER TABLE device_sessions ADD COLUMN since bigint NOT NULL DEFAULT 0;
