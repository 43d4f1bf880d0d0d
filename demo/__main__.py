"""`python -m demo`: starts a platform, sends two real models through it, has three devices run one
of them, rolls it out to them and then a broken build that stops itself, and shows what comes out.

`--once` stops by itself, else it stays until Ctrl-C. `--json` prints one JSON object with the same
facts on standard output and nothing else. The exit code is 0 only when everything was done.
"""

import argparse
import signal
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

from demo import digits, pretrained, report, rollouts
from demo.fleet import Report, fleet, print_fleet
from demo.journey import Journey, Outcome, Subject
from demo.platform import NotStarted, Running, running
from demo.rollouts import RolledOut
from interfaces.cli import show
from interfaces.cli.client import Client
from interfaces.cli.plain import plain
from interfaces.cli.refused import CommandRefused

SUBJECTS = ("digits", "magika")
FOLDER = Path(".edgewise") / "demo"


def main(arguments: Sequence[str] | None = None) -> int:
    given = _parsed(arguments)
    # `timeout` and `make` end us by SIGTERM: the platform must not be left behind.
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        _demonstrate(given)
    except NotStarted as error:
        return _failed(str(error), one_line=False)
    except CommandRefused as refused:
        return _failed(refused.as_line().removeprefix("error: "))
    except KeyboardInterrupt:
        return 130
    return 0


def _parsed(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="demo", description=__doc__.split("\n")[0])
    parser.add_argument("--once", action="store_true", help="stop when everything was shown")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--only", choices=SUBJECTS, help="one of the two models")
    parser.add_argument("--folder", type=Path, default=FOLDER, help="where the platform's data is")
    return parser.parse_args(arguments)


def _demonstrate(given: argparse.Namespace) -> None:
    began = time.monotonic()
    subjects = _subjects(given)
    _say(given, "Starting the platform …")
    with running(given.folder / "platform") as platform:
        _say(given, f"It was ready after {platform.seconds:.1f} s.\n")
        with Client(platform.server) as client:
            outcomes = [_shown(given, Journey(client, given.json), one) for one in subjects]
            _say(given, "Three devices join …")
            with fleet(client, given.folder / "devices", outcomes[0]) as reports:
                if not given.json:
                    print_fleet(reports)
                rolled_out = _rolled_out(given, client, outcomes[0])
                if given.json:
                    seconds = time.monotonic() - began
                    show.data(_facts(platform, outcomes, reports, rolled_out, seconds))
                else:
                    _print_access(platform)
                if not given.once:
                    _stay(given)


def _subjects(given: argparse.Namespace) -> list[Subject]:
    makers = {"digits": _digits, "magika": _magika}
    return [makers[name](given) for name in SUBJECTS if given.only in (None, name)]


def _digits(given: argparse.Namespace) -> Subject:
    began = time.monotonic()
    files = digits.prepare(given.folder / "models")
    _say(
        given,
        f"Trained a network on scikit-learn's digits in {time.monotonic() - began:.1f} s: "
        f"{files.accuracy:.2%} of held-out images right.",
    )
    return Subject(
        "digits",
        "a small convolutional network, trained just now on scikit-learn's digits; accuracy is on "
        "held-out images",
        files.model,
        files.calibration,
        files.evaluation,
    )


def _magika(given: argparse.Namespace) -> Subject:
    files = pretrained.prepare(given.folder / "models")
    return Subject(
        "magika",
        "Google's file-type detector from the package magika; accuracy is on "
        f"{files.evaluation_rows} files of this installation, by what their names promise",
        files.model,
        files.calibration,
        files.evaluation,
    )


def _shown(given: argparse.Namespace, journey: Journey, subject: Subject) -> Outcome:
    if given.json:
        return journey.go(subject)
    show.line(f"[bold]{subject.name}[/bold]: {subject.about}")
    outcome = journey.go(subject)
    report.print_source(outcome)
    report.print_outcome(outcome)
    return outcome


def _rolled_out(given: argparse.Namespace, client: Client, outcome: Outcome) -> list[RolledOut]:
    tell = (lambda step: None) if given.json else rollouts.print_step
    _say(given, "\nThe choice goes out, one device first …")
    ended = [rollouts.good(client, outcome, tell)]
    if not given.json:
        rollouts.print_rolled_out(ended[0])
    _say(given, "\nA build that is broken on purpose goes out …")
    ended.append(rollouts.broken(client, outcome, given.folder / "models", tell))
    if not given.json:
        rollouts.print_rolled_out(ended[1])
    return ended


def _facts(
    platform: Running,
    outcomes: Sequence[Outcome],
    fleet: Sequence[Report],
    rolled_out: Sequence[RolledOut],
    seconds: float,
) -> dict[str, Any]:
    return {
        "api": f"{platform.server.url}/graphql",
        "token": platform.server.token,
        "data": str(platform.folder),
        "readySeconds": round(platform.seconds, 2),
        "seconds": round(seconds, 2),
        "models": [report.as_json(outcome) for outcome in outcomes],
        "devices": [{**asdict(one), "evidence": "MEASURED"} for one in fleet],
        "rollouts": [one.facts() for one in rolled_out],
    }


def _print_access(platform: Running) -> None:
    show.facts(
        [
            ("API", f"{platform.server.url}/graphql"),
            ("Token", show.text(platform.server.token)),
            ("Data", show.text(platform.folder)),
            ("Try", f"EDGEWISE_HOME={show.text(platform.folder)} edgewise model show digits"),
            ("", f"EDGEWISE_HOME={show.text(platform.folder)} edgewise device list --watch"),
        ]
    )


def _stay(given: argparse.Namespace) -> None:
    try:
        _say(given, "\nPress Ctrl-C to stop.")
        while True:
            time.sleep(3600)
    except KeyboardInterrupt:
        _say(given, "Stopping …")


def _say(given: argparse.Namespace, words: str) -> None:
    if not given.json:
        show.note(words)


def _failed(words: str, *, one_line: bool = True) -> int:
    sys.stderr.write(f"The demo failed: {plain(words, one_line=one_line)}\n")
    return 1


def _interrupt(number: int, frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
