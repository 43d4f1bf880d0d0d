"""A tenant: an organization with a plan, flags, members and API keys.

A key's secret is shown once and never stored: events keep its sha256. A key acts with the role
it was issued for, and never again once revoked. The installation's own tenant issues `platform`
keys, which open tenants and set their plans.
"""

from dataclasses import dataclass, field, replace
from datetime import datetime
from uuid import UUID

from domain.aggregate import Aggregate, CreatedEvent
from domain.flag import Flag
from domain.naming import checked_name
from domain.plan import LIMITS, Limits, Plan
from domain.principal import Role
from domain.refusal import Refusal, RefusalCode, not_found

MOST_KEYS = 100
MOST_MEMBERS = 1_000


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key by its label, role and sha256 (hexadecimal); the secret itself is nowhere."""

    id: UUID
    label: str
    role: Role
    sha256: str
    platform: bool = False
    revoked_at: datetime | None = None


class Tenant(Aggregate):
    """An organization."""

    TOPIC = "tenant"
    name: str = field(init=False)
    plan: Plan = field(init=False)
    flags: dict[str, bool] = field(init=False, default_factory=dict)
    members: dict[str, Role] = field(init=False, default_factory=dict)
    keys: dict[str, ApiKey] = field(init=False, default_factory=dict)

    class Event(Aggregate.Event):
        pass

    class Registered(Event, CreatedEvent):
        TOPIC = "tenant.registered"
        name: str
        plan: Plan

        def apply(self, aggregate: "Tenant") -> None:
            aggregate.name = self.name
            aggregate.plan = self.plan

    class PlanChanged(Event):
        TOPIC = "tenant.plan-changed"
        plan: Plan

        def apply(self, aggregate: "Tenant") -> None:
            aggregate.plan = self.plan

    class FlagSet(Event):
        """`enabled` None hands the flag back to the environment."""

        TOPIC = "tenant.flag-set"
        flag: Flag
        enabled: bool | None

        def apply(self, aggregate: "Tenant") -> None:
            if self.enabled is None:
                aggregate.flags.pop(self.flag, None)
            else:
                aggregate.flags[self.flag] = self.enabled

    class MemberJoined(Event):
        TOPIC = "tenant.member-joined"
        user_id: UUID
        role: Role

        def apply(self, aggregate: "Tenant") -> None:
            aggregate.members[str(self.user_id)] = self.role

    class MemberRoleChanged(Event):
        TOPIC = "tenant.member-role-changed"
        user_id: UUID
        role: Role

        def apply(self, aggregate: "Tenant") -> None:
            aggregate.members[str(self.user_id)] = self.role

    class MemberLeft(Event):
        TOPIC = "tenant.member-left"
        user_id: UUID

        def apply(self, aggregate: "Tenant") -> None:
            del aggregate.members[str(self.user_id)]

    class ApiKeyIssued(Event):
        TOPIC = "tenant.api-key-issued"
        key_id: UUID
        label: str
        role: Role
        sha256: str
        platform: bool

        def apply(self, aggregate: "Tenant") -> None:
            aggregate.keys[str(self.key_id)] = ApiKey(
                self.key_id, self.label, self.role, self.sha256, self.platform
            )

    class ApiKeyRevoked(Event):
        TOPIC = "tenant.api-key-revoked"
        key_id: UUID

        def apply(self, aggregate: "Tenant") -> None:
            key = aggregate.keys[str(self.key_id)]
            aggregate.keys[str(self.key_id)] = replace(key, revoked_at=self.timestamp)

    class TargetKeysRotated(Event):
        """`use` is `root` or `online`; `root_version` is of the root that names the new key."""

        TOPIC = "tenant.target-keys-rotated"
        use: str
        key_id: str
        root_version: int

        def apply(self, aggregate: "Tenant") -> None:
            """The repository itself is what remembers it."""

    @classmethod
    def register(cls, tenant_id: UUID, name: str, plan: Plan, request_hash: str) -> "Tenant":
        return cls._create(
            cls.Registered,
            id=tenant_id,
            request_hash=request_hash,
            name=checked_name(name),
            plan=plan,
        )

    @property
    def limits(self) -> Limits:
        return LIMITS[self.plan]

    def change_plan(self, plan: Plan) -> None:
        if plan is not self.plan:
            self.trigger_event(Tenant.PlanChanged, plan=plan)

    def set_flag(self, flag: Flag, enabled: bool | None) -> None:
        if self.flags.get(flag) is not enabled:
            self.trigger_event(Tenant.FlagSet, flag=flag, enabled=enabled)

    def add_member(self, user_id: UUID, role: Role) -> None:
        """Raises Refusal(INVALID_STATE) for a member who has another role, and when the tenant
        is full."""
        has = self.members.get(str(user_id))
        if has is role:
            return
        if has is not None:
            raise Refusal(
                RefusalCode.INVALID_STATE,
                f"This user is a member already, with the role {has}. Change the role instead.",
            )
        if len(self.members) >= MOST_MEMBERS:
            raise Refusal(
                RefusalCode.INVALID_STATE,
                f"The organization has {MOST_MEMBERS:,} members already. Remove one first.",
            )
        self.trigger_event(Tenant.MemberJoined, user_id=user_id, role=role)

    def change_role(self, user_id: UUID, role: Role) -> None:
        """Raises Refusal(NOT_FOUND), and Refusal(INVALID_STATE) for the last owner."""
        has = self.members.get(str(user_id))
        if has is None:
            raise not_found("member", "userId")
        if has is not role:
            self._require_another_owner(has)
            self.trigger_event(Tenant.MemberRoleChanged, user_id=user_id, role=role)

    def remove_member(self, user_id: UUID) -> None:
        """Raises Refusal(INVALID_STATE) for the last owner."""
        has = self.members.get(str(user_id))
        if has is not None:
            self._require_another_owner(has)
            self.trigger_event(Tenant.MemberLeft, user_id=user_id)

    def _require_another_owner(self, has: Role) -> None:
        if has is Role.OWNER and list(self.members.values()).count(Role.OWNER) == 1:
            raise Refusal(
                RefusalCode.INVALID_STATE,
                "This is the last owner. Make somebody else an owner first.",
                "userId",
            )

    def issue_key(
        self, key_id: UUID, label: str, role: Role, sha256: str, platform: bool = False
    ) -> None:
        """Adds a key by its hash; the same key again changes nothing. At most 100 keys may be in
        force. Raises Refusal(IDEMPOTENCY_MISMATCH) for the same id with another label or role."""
        label = checked_name(label, "label")
        known = self.keys.get(str(key_id))
        if known is not None:
            if (known.label, known.role) != (label, role):
                raise Refusal(
                    RefusalCode.IDEMPOTENCY_MISMATCH,
                    "This idempotency key was used before with another input. Use a new key.",
                    "idempotencyKey",
                )
            return
        if sum(key.revoked_at is None for key in self.keys.values()) >= MOST_KEYS:
            raise Refusal(
                RefusalCode.INVALID_STATE,
                f"{MOST_KEYS} keys are in force already. Revoke one first.",
            )
        self.trigger_event(
            Tenant.ApiKeyIssued,
            key_id=key_id,
            label=label,
            role=role,
            sha256=sha256,
            platform=platform,
        )

    def revoke_key(self, key_id: UUID) -> None:
        key = self.keys.get(str(key_id))
        if key is None:
            raise not_found("API key")
        if key.revoked_at is None:
            self.trigger_event(Tenant.ApiKeyRevoked, key_id=key_id)

    def rotated_target_keys(self, use: str, key_id: str, root_version: int) -> None:
        """What signs the tenant's targets has been replaced (`application.commands.trust`)."""
        self.trigger_event(
            Tenant.TargetKeysRotated, use=use, key_id=key_id, root_version=root_version
        )
