"""Feature flags through OpenFeature: a tenant's own setting, else the environment's, else on."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from openfeature.api import get_client, set_provider
from openfeature.evaluation_context import EvaluationContext
from openfeature.exception import TypeMismatchError
from openfeature.flag_evaluation import FlagResolutionDetails, Reason
from openfeature.provider import AbstractProvider, Metadata

from domain.flag import Flag
from infrastructure.postgres.database import Database

_SETTING = "SELECT enabled FROM tenant_flags WHERE flag = %s"


class EdgewiseProvider(AbstractProvider):
    """Resolves boolean flags for the tenant named by the targeting key."""

    def __init__(self, database: Database, environment: Mapping[str, bool]) -> None:
        super().__init__()
        self._database, self._environment = database, environment

    def get_metadata(self) -> Metadata:
        return Metadata(name="edgewise")

    def resolve_boolean_details(
        self,
        flag_key: str,
        default_value: bool,
        evaluation_context: EvaluationContext | None = None,
    ) -> FlagResolutionDetails[bool]:
        key = evaluation_context.targeting_key if evaluation_context else None
        if key:
            with self._database.tenant(UUID(key)) as connection:
                row = connection.execute(_SETTING, (flag_key,)).fetchone()
            if row is not None:
                return FlagResolutionDetails(row["enabled"], reason=Reason.TARGETING_MATCH)
        if flag_key in self._environment:
            return FlagResolutionDetails(self._environment[flag_key], reason=Reason.STATIC)
        return FlagResolutionDetails(default_value, reason=Reason.DEFAULT)

    def resolve_string_details(
        self, flag_key: str, default_value: str, evaluation_context: Any = None
    ) -> FlagResolutionDetails[str]:
        raise TypeMismatchError("every flag of Edgewise is boolean")

    def resolve_integer_details(
        self, flag_key: str, default_value: int, evaluation_context: Any = None
    ) -> FlagResolutionDetails[int]:
        raise TypeMismatchError("every flag of Edgewise is boolean")

    def resolve_float_details(
        self, flag_key: str, default_value: float, evaluation_context: Any = None
    ) -> FlagResolutionDetails[float]:
        raise TypeMismatchError("every flag of Edgewise is boolean")

    def resolve_object_details(
        self,
        flag_key: str,
        default_value: Sequence[Any] | Mapping[str, Any],
        evaluation_context: Any = None,
    ) -> FlagResolutionDetails[Any]:
        raise TypeMismatchError("every flag of Edgewise is boolean")


class OpenFeatureFlags:
    """Implements `application.ports.flags.Flags`."""

    def __init__(self, provider: EdgewiseProvider, domain: str = "edgewise") -> None:
        set_provider(provider, domain)
        self._client = get_client(domain)

    def enabled(self, flag: Flag, tenant_id: UUID) -> bool:
        context = EvaluationContext(targeting_key=str(tenant_id))
        return self._client.get_boolean_value(flag, True, context)
