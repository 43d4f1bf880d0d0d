"""Everything a test can reach."""

from dataclasses import dataclass

from infrastructure.following.follower import Follower
from infrastructure.postgres.database import Database
from interfaces.graphql.context import Context
from tests.interfaces.graphql.client import Client


@dataclass
class World:
    """The platform, an owner's client in each of two tenants, and one of the operator's."""

    database: Database
    context: Context
    ours: Client
    theirs: Client
    operator: Client
    followers: dict[str, Follower]
