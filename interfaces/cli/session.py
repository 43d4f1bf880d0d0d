"""What every command that asks a server has in common: where it is, who asks, how to answer.

`connected` gives a command the options `--json`, `--server` and `--token`, and hands it a Session
as its first argument, which is closed when the command ends.
"""

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Annotated, Any, Concatenate, ParamSpec

import typer

from interfaces.cli import show
from interfaces.cli.client import Client
from interfaces.cli.connection import find_server

P = ParamSpec("P")

JsonOption = Annotated[bool, typer.Option("--json", help="Answer with JSON, for scripts.")]
ServerOption = Annotated[
    str | None,
    typer.Option(
        envvar="EDGEWISE_SERVER",
        metavar="URL",
        help="The server to ask; else the local installation or the last login.",
    ),
]
TokenOption = Annotated[
    str | None,
    typer.Option(
        envvar="EDGEWISE_TOKEN",
        metavar="KEY",
        help="The API key; else the one stored for that server.",
        show_envvar=True,
    ),
]


@dataclass
class Session:
    """One command: its client, and whether it answers in JSON."""

    client: Client
    json: bool

    def answer(self, value: Any, human: Callable[[], None]) -> None:
        """The JSON value, or what a person reads."""
        if self.json:
            show.data(value)
        else:
            human()

    def done(self, value: Any, markup: str) -> None:
        """`answer` for commands with one line to say."""
        self.answer(value, lambda: show.line(markup))

    def note(self, markup: str) -> None:
        """Said on standard error, and not at all with --json."""
        if not self.json:
            show.note(markup)


def connected(function: Callable[Concatenate[Session, P], None]) -> Callable[..., None]:
    """Makes `function(session, …)` a command of Typer."""

    @wraps(function)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        given: Any = kwargs
        json, server, token = (given.pop(name) for name in ("json", "server", "token"))
        with Client(find_server(server, token)) as client:
            function(Session(client, json), *args, **kwargs)

    # Typer reads the signature: the command's own parameters, then the common ones.
    signature = inspect.signature(function)
    own = list(signature.parameters.values())[1:]
    run.__signature__ = signature.replace(parameters=[*own, *_COMMON])  # type: ignore[attr-defined]
    return run


def _common(name: str, annotation: Any, default: object) -> inspect.Parameter:
    return inspect.Parameter(
        name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation
    )


_COMMON = (
    _common("json", JsonOption, False),
    _common("server", ServerOption, None),
    _common("token", TokenOption, None),
)
