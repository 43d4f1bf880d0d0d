"""`edgewise-edge`: what may be said, and which function does it."""

import argparse
import os
import sys
from pathlib import Path

from edge.cli import asking, recording, showing, starting
from edge.home import DEFAULT, HomeError
from edge.identity.join import JoinRefused
from edge.link.https import Unreachable
from edge.version import VERSION

FAILED = 1


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(
        prog="edgewise-edge",
        description="The Edgewise agent: joins a platform, reports, obeys, and runs models.",
        epilog="Start with: edgewise-edge join CODE --server URL, then edgewise-edge run.",
    )
    made.add_argument("--version", action="version", version=f"edgewise-edge {VERSION}")
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument(
        "--home",
        default=os.environ.get("EDGEWISE_EDGE_HOME", DEFAULT),
        help="the agent's folder: key, certificate, events (EDGEWISE_EDGE_HOME; %(default)s)",
    )
    commands = made.add_subparsers(title="commands", required=True, metavar="COMMAND")

    join = commands.add_parser("join", parents=[common], help="become a device of a platform")
    join.add_argument("code", metavar="CODE", help="one-time claim code: edgewise device claim")
    join.add_argument("--server", required=True, metavar="URL", help="the platform's URL")
    join.add_argument(
        "--authorities", type=Path, metavar="FILE",
        help="PEM to trust for this call, where the platform's certificate is not publicly trusted",
    )  # fmt: skip
    join.set_defaults(do=starting.join)

    run = commands.add_parser("run", parents=[common], help="run the agent until it is stopped")
    run.set_defaults(do=starting.run)

    status = commands.add_parser("status", parents=[common], help="what the running agent does")
    status.add_argument("--json", action="store_true", help="for scripts")
    status.set_defaults(do=showing.status)

    config = commands.add_parser(
        "config", parents=[common], help="the settings in effect, and where each came from"
    )
    config.add_argument("--json", action="store_true", help="for scripts")
    config.set_defaults(do=showing.config)

    infer = commands.add_parser("infer", parents=[common], help="run the model on inputs")
    infer.add_argument("file", type=Path, metavar="FILE.npz", help="arrays named like the inputs")
    infer.add_argument("--repeat", type=int, default=1, metavar="N", help="run it N times")
    infer.add_argument("-o", "--output", type=Path, metavar="FILE.npz", help="keep the outputs")
    infer.add_argument("--json", action="store_true", help="the figures, for scripts")
    infer.set_defaults(do=asking.infer)

    log = commands.add_parser(
        "log", parents=[common], help="log an event; returns when it is durable"
    )
    log.add_argument("kind", metavar="KIND", nargs="?", help="such as door.opened")
    log.add_argument("fields", nargs="*", metavar="key=value", help="values are JSON, else text")
    log.add_argument(
        "--priority", default="normal", choices=("low", "normal", "high", "critical"),
        help="what is sent first and kept longest (%(default)s)",
    )  # fmt: skip
    log.add_argument(
        "--stdin", action="store_true",
        help='many: a line of JSON each, {"kind": …, …}, from standard input',
    )  # fmt: skip
    log.set_defaults(do=recording.log_event)

    sync = commands.add_parser("sync", parents=[common], help="HYBRID mode: send everything now")
    sync.set_defaults(do=asking.sync)
    return made


def main(arguments: list[str] | None = None) -> int:
    """The exit status: 0, or 1 with one line on stderr."""
    given = parser().parse_args(arguments)
    try:
        done: int = given.do(given)
    except (HomeError, JoinRefused, Unreachable, asking.NotDone) as error:
        print(f"edgewise-edge: {error}", file=sys.stderr)  # noqa: T201
        return FAILED
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        return FAILED
    return done


if __name__ == "__main__":
    sys.exit(main())
