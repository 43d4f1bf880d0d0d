"""A subscriber that comes back after every cut with its last position."""

import random
import threading
from collections.abc import Sequence

from interfaces.cli.connection import Server
from interfaces.cli.refused import CommandRefused, ServerAway
from interfaces.cli.subscription import follow
from tests.chaos.ledger import Ledger
from tests.chaos.load import PASSING

EVENTS = """subscription($after: BigInt) {
  eventsAppended(after: $after) { position } }"""


class Watcher(threading.Thread):
    """Writes down every position it is told, in the order in which it is told them."""

    def __init__(self, urls: Sequence[str], token: str, ledger: Ledger) -> None:
        super().__init__(name="watcher", daemon=True)
        self._urls, self._token, self._ledger = urls, token, ledger
        self.stopping = threading.Event()

    def run(self) -> None:
        seen = self._ledger.positions
        while not self.stopping.is_set():
            server = Server(random.choice(self._urls), self._token)
            try:
                # Raw: what `follow` would drop as told twice must be seen here.
                for value in follow(
                    server,
                    EVENTS,
                    {},
                    position_of=lambda _: None,
                    after=seen[-1] if seen else 0,
                    most_tries=1,
                ):
                    seen.append(int(value["position"]))
                    if self.stopping.is_set():
                        return
            except ServerAway:
                self.stopping.wait(0.2)
            except CommandRefused as refused:
                if refused.code not in PASSING:
                    self._ledger.found_wrong(f"watcher: {refused}")
                    return
                self.stopping.wait(0.2)
