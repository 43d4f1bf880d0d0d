"""The whole schema: every feature's part, the limits, and how errors are told."""

import strawberry
from graphql import GraphQLError
from strawberry.schema.config import StrawberryConfig
from strawberry.types import ExecutionContext

from interfaces.graphql.artifact import ArtifactQuery
from interfaces.graphql.caching import ParsedOnce, ValidatedOnce
from interfaces.graphql.dataset import DatasetMutation, DatasetQuery
from interfaces.graphql.device_profile import DeviceProfileMutation, DeviceProfileQuery
from interfaces.graphql.errors import PublicErrors, log_errors
from interfaces.graphql.event import EventQuery
from interfaces.graphql.job import JobQuery
from interfaces.graphql.job_mutation import JobMutation
from interfaces.graphql.job_subscription import JobSubscription
from interfaces.graphql.limits import Limits
from interfaces.graphql.model import ModelQuery
from interfaces.graphql.model_mutation import ModelMutation
from interfaces.graphql.node_query import NodeQuery
from interfaces.graphql.quota import QuotaQuery
from interfaces.graphql.scalars import BIG_INT, BigInt
from interfaces.graphql.subscription import LogSubscription
from interfaces.graphql.system import SystemQuery
from interfaces.graphql.tenant import TenantQuery
from interfaces.graphql.tenant_mutation import TenantMutation


@strawberry.type
class Query(
    TenantQuery,
    NodeQuery,
    ModelQuery,
    ArtifactQuery,
    DatasetQuery,
    DeviceProfileQuery,
    JobQuery,
    QuotaQuery,
    EventQuery,
    SystemQuery,
):
    """Reading."""


@strawberry.type
class Mutation(ModelMutation, DatasetMutation, DeviceProfileMutation, JobMutation, TenantMutation):
    """One intent each, the object first in its name."""


@strawberry.type
class Subscription(LogSubscription, JobSubscription):
    """What happens, by position."""


class _Schema(strawberry.Schema):
    def process_errors(
        self, errors: list[GraphQLError], execution_context: ExecutionContext | None = None
    ) -> None:
        log_errors(errors, execution_context)


def make_schema() -> strawberry.Schema:
    """The schema, ready to be served with an `interfaces.graphql.context.Context`."""
    return _Schema(
        query=Query,
        mutation=Mutation,
        subscription=Subscription,
        config=StrawberryConfig(scalar_map={BigInt: BIG_INT}),
        extensions=[PublicErrors, Limits, ParsedOnce, ValidatedOnce],
    )
