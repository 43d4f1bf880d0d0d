-- Users stand outside tenants. What is personal about them is here and nowhere else: events know
-- a user by id. Operational, not projections. The application role reaches none of these tables.
CREATE TABLE users (
    id             uuid PRIMARY KEY,
    email          text        NOT NULL,
    email_key      text        NOT NULL UNIQUE,
    name           text        NOT NULL,
    password_hash  text,
    created_at     timestamptz NOT NULL
);

-- A user of an identity provider is one user here, for good.
CREATE TABLE user_identities (
    issuer     text        NOT NULL,
    subject    text        NOT NULL,
    user_id    uuid        NOT NULL REFERENCES users ON DELETE CASCADE,
    linked_at  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (issuer, subject)
);
CREATE INDEX user_identities_by_user ON user_identities (user_id);

-- Whom an open invitation was sent to, and the hash of the secret in its link. Gone once it ends.
CREATE TABLE invitees (
    invitation_id  uuid PRIMARY KEY,
    tenant_id      uuid        NOT NULL,
    email          text        NOT NULL,
    email_key      text        NOT NULL,
    sha256         text        NOT NULL UNIQUE,
    expires_at     timestamptz NOT NULL
);
CREATE INDEX invitees_by_email ON invitees (email_key);

-- Somebody is signed in, until `expires_at` at the latest. `sha256` is that of the cookie.
CREATE TABLE sessions (
    id          uuid PRIMARY KEY,
    sha256      text        NOT NULL UNIQUE,
    user_id     uuid        NOT NULL REFERENCES users ON DELETE CASCADE,
    acting_in   uuid,
    started_at  timestamptz NOT NULL,
    seen_at     timestamptz NOT NULL,
    expires_at  timestamptz NOT NULL,
    agent       text        NOT NULL,
    address     text        NOT NULL
);
CREATE INDEX sessions_by_user ON sessions (user_id);

-- When each key (an account, an address) will have paid for its tries; not kept after that.
CREATE TABLE throttles (
    key      text PRIMARY KEY,
    paid_at  timestamptz NOT NULL
);

-- A sign-in that is away at the identity provider. Taken once, by the browser that began it.
CREATE TABLE oidc_flows (
    state_sha256    text PRIMARY KEY,
    browser_sha256  text        NOT NULL,
    nonce           text        NOT NULL,
    verifier        text        NOT NULL,
    invitation      text,
    linking         uuid,
    expires_at      timestamptz NOT NULL
);

-- The read table of application/views/invitation.py.
CREATE TABLE invitations (
    id           uuid PRIMARY KEY,
    tenant_id    uuid        NOT NULL,
    role         text        NOT NULL,
    status       text        NOT NULL,
    expires_at   timestamptz NOT NULL,
    invited_at   timestamptz NOT NULL,
    invited_by   text        NOT NULL,
    accepted_by  uuid,
    position     bigint      NOT NULL,
    changed      bigint      NOT NULL
);
CREATE INDEX invitations_by_tenant ON invitations (tenant_id, position DESC);
CREATE INDEX tenant_members_by_user ON tenant_members (user_id);

-- Whoever holds a connection open for a member hears of it when the member's role has changed or
-- is gone; put on tenant_members by infrastructure/postgres/migrate.py.
CREATE FUNCTION tell_of_access() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' OR NEW.role <> OLD.role THEN
        PERFORM pg_notify('edgewise_access', 'user ' || OLD.user_id || ' ' || OLD.tenant_id);
    END IF;
    RETURN NULL;
END
$$;
