"""The whole schema: every feature's part, the limits, and how errors are told."""

import strawberry
from graphql import GraphQLError
from strawberry.schema.config import StrawberryConfig
from strawberry.types import ExecutionContext

from interfaces.graphql.admission import Admission
from interfaces.graphql.artifact import ArtifactQuery
from interfaces.graphql.caching import Documents
from interfaces.graphql.dataset import DatasetMutation, DatasetQuery
from interfaces.graphql.device import DeviceQuery
from interfaces.graphql.device_claim import DeviceClaimMutation, DeviceClaimQuery
from interfaces.graphql.device_command import DeviceCommandQuery
from interfaces.graphql.device_group import DeviceGroupMutation, DeviceGroupQuery
from interfaces.graphql.device_model import DeviceModelMutation
from interfaces.graphql.device_mutation import DeviceMutation
from interfaces.graphql.device_profile import DeviceProfileMutation, DeviceProfileQuery
from interfaces.graphql.device_subscription import DeviceSubscription
from interfaces.graphql.device_twin_diff import DeviceTwinDiffQuery
from interfaces.graphql.errors import PublicErrors, log_errors
from interfaces.graphql.event import EventQuery
from interfaces.graphql.executor import PlainFieldsInline
from interfaces.graphql.job import JobQuery
from interfaces.graphql.job_mutation import JobMutation
from interfaces.graphql.job_subscription import JobSubscription
from interfaces.graphql.member import MemberQuery
from interfaces.graphql.member_mutation import MemberMutation
from interfaces.graphql.model import ModelQuery
from interfaces.graphql.model_mutation import ModelMutation
from interfaces.graphql.models_optimize import ModelsOptimizeMutation
from interfaces.graphql.node_query import NodeQuery
from interfaces.graphql.optimization_pass import OptimizationPassQuery
from interfaces.graphql.optimization_recommendation import OptimizationRecommendationQuery
from interfaces.graphql.quota import QuotaQuery
from interfaces.graphql.rollout import RolloutQuery
from interfaces.graphql.rollout_mutation import RolloutMutation
from interfaces.graphql.rollout_preview import RolloutPreviewQuery
from interfaces.graphql.rollout_replay import RolloutReplayQuery
from interfaces.graphql.rollout_subscription import RolloutSubscription
from interfaces.graphql.scalars import BIG_INT, BigInt
from interfaces.graphql.scorer import ScorerQuery
from interfaces.graphql.subscription import LogSubscription
from interfaces.graphql.system import SystemQuery
from interfaces.graphql.tenant import TenantQuery
from interfaces.graphql.tenant_mutation import TenantMutation
from interfaces.graphql.toolchain import ToolchainQuery
from interfaces.graphql.trusted import Trusted
from interfaces.graphql.update import UpdateQuery
from interfaces.graphql.why import WhyQuery
from interfaces.graphql.worker import WorkerQuery


@strawberry.type
class Query(
    TenantQuery,
    MemberQuery,
    NodeQuery,
    ModelQuery,
    ArtifactQuery,
    DatasetQuery,
    DeviceProfileQuery,
    DeviceQuery,
    DeviceCommandQuery,
    DeviceTwinDiffQuery,
    DeviceClaimQuery,
    DeviceGroupQuery,
    RolloutQuery,
    RolloutPreviewQuery,
    RolloutReplayQuery,
    UpdateQuery,
    JobQuery,
    QuotaQuery,
    OptimizationPassQuery,
    ScorerQuery,
    OptimizationRecommendationQuery,
    EventQuery,
    WhyQuery,
    SystemQuery,
    WorkerQuery,
    ToolchainQuery,
):
    """Reading."""


@strawberry.type
class Mutation(
    ModelMutation,
    DatasetMutation,
    DeviceProfileMutation,
    DeviceClaimMutation,
    DeviceMutation,
    DeviceModelMutation,
    DeviceGroupMutation,
    RolloutMutation,
    JobMutation,
    ModelsOptimizeMutation,
    TenantMutation,
    MemberMutation,
):
    """One intent each, the object first in its name."""


@strawberry.type
class Subscription(LogSubscription, JobSubscription, DeviceSubscription, RolloutSubscription):
    """What happens, by position."""


class _Schema(strawberry.Schema):
    def process_errors(
        self, errors: list[GraphQLError], execution_context: ExecutionContext | None = None
    ) -> None:
        log_errors(errors, execution_context)


def make_schema(introspection: bool = True, trusted: Trusted | None = None) -> strawberry.Schema:
    """The schema, ready to be served with an `interfaces.graphql.context.Context`."""
    documents, allowed = Documents(introspection), trusted or Trusted()
    return _Schema(
        query=Query,
        mutation=Mutation,
        subscription=Subscription,
        config=StrawberryConfig(scalar_map={BigInt: BIG_INT}),
        extensions=[PublicErrors, lambda: Admission(documents, allowed)],
        execution_context_class=PlainFieldsInline,
    )
