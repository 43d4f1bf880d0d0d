"""A rollout's past, judged by another stop rule."""

from datetime import datetime

import strawberry

from application.rollouts.replaying import past_of_rollout
from application.views.rollout import RolloutRow
from domain.refusal import not_found
from domain.rollout_replay import Replay, replay
from interfaces.graphql.context import Info
from interfaces.graphql.fields import field
from interfaces.graphql.node import parsed_id
from interfaces.graphql.reading import Moment, moment_of, stream_at, waited
from interfaces.graphql.rollout_evidence import StopRuleFinding
from interfaces.graphql.rollout_input import StopRuleInput


@strawberry.type(
    description="`finding` is of the moment at which the rule stops, else of the end; `exposed` are"
    " the devices that had been offered the release by then. `stopsAt` and `spared` (outcomes that"
    " would not have come any more) are null where it does not stop."
)
class RolloutReplay:
    outcomes: int
    failures: int
    finding: StopRuleFinding
    stops_at: datetime | None
    exposed: int
    spared: int | None

    @classmethod
    def of(cls, found: Replay) -> "RolloutReplay":
        return cls(
            outcomes=found.outcomes,
            failures=found.failures,
            finding=StopRuleFinding.of(found.finding),
            stops_at=found.stops_at,
            exposed=found.exposed,
            spared=found.spared,
        )


@strawberry.type
class RolloutReplayQuery:
    @field(
        "Where another stop rule would have stopped a rollout, by the outcomes that it had. Those"
        " that it never had, because it stopped sooner, are unknown."
    )
    async def rollout_replay(
        self,
        info: Info,
        rollout_id: strawberry.ID,
        rule: StopRuleInput,
        as_of: Moment | None = None,
    ) -> RolloutReplay:
        id, judged_by = parsed_id("Rollout", rollout_id, "rolloutId"), rule.rule().checked("rule")
        until = await moment_of(info, as_of)
        if until is None:
            until = await info.context.present.reads.head()
        await waited(info, until, "rollouts", "updates")
        if await (await stream_at(info, id, as_of)).one(RolloutRow, id) is None:
            raise not_found("rollout", "rolloutId")
        past = await past_of_rollout(info.context.present.reads, id, until)
        return RolloutReplay.of(replay(judged_by, past))
