"""`edgewise`: the command line. What it does to a server goes through the public API alone.

Exit codes: 0 done, 1 refused or failed, 2 wrongly called, 130 broken off with Ctrl-C. An error is
one line on standard error, or with `--json` one object `{"error": …}` on standard output.
"""

import importlib.util
import os
import sys
from collections.abc import Sequence
from importlib import import_module

import typer

from interfaces.cli import (
    artifact,
    blobs,
    dataset,
    device,
    events,
    job,
    key,
    member,
    model,
    profile,
    projections,
    rollout,
    show,
    tenant,
    toolchains,
    trust,
)
from interfaces.cli.optimize import benchmark, optimize
from interfaces.cli.passes import passes
from interfaces.cli.plain import plain
from interfaces.cli.push import push
from interfaces.cli.quota import quota
from interfaces.cli.refused import CommandRefused
from interfaces.cli.scorer import scorers
from interfaces.cli.system import login, logout, status
from interfaces.cli.why import why
from interfaces.cli.worker import workers

OPERATOR = ("interfaces.cli.user", "interfaces.cli.processes")

app = typer.Typer(
    name="edgewise",
    help="Take a trained model to a measured, optimized artifact, and see every step.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    # Rich help takes as long to import as all the rest.
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command()(push)
app.command()(optimize)
app.command()(benchmark)
app.command()(passes)
app.command()(scorers)
for name, group in (
    ("model", model.app),
    ("artifact", artifact.app),
    ("dataset", dataset.app),
    ("job", job.app),
    ("device", device.app),
    ("rollout", rollout.app),
    ("profile", profile.app),
    ("events", events.app),
    ("blobs", blobs.app),
):
    app.add_typer(group, name=name)
app.command()(why)
app.command()(quota)
app.command()(status)
app.command()(workers)
app.command()(login)
app.command()(logout)
app.add_typer(key.app, name="key")
app.add_typer(member.app, name="member")
app.add_typer(tenant.app, name="tenant")
projections.register(app)
toolchains.register(app)
trust.register(app)
for operator in OPERATOR:
    if importlib.util.find_spec(operator):
        import_module(operator).register(app)


@app.command()
def version() -> None:
    """Print the version."""
    from importlib.metadata import version as installed

    typer.echo(installed("edgewise"))


def run(arguments: Sequence[str] | None = None) -> int:
    """Carries out one command line; gives the exit code."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    try:
        code = app(given, prog_name="edgewise", standalone_mode=False)
        return code if isinstance(code, int) else 0
    except CommandRefused as refused:
        return _fail(refused, given, 1)
    except typer.TyperException as wrong:
        # Asking for nothing shows the help; that has been printed.
        message = wrong.format_message()
        if type(wrong).__name__ == "NoArgsIsHelpError":
            typer.echo(message)
            return 2
        return _fail(CommandRefused("USAGE", message), given, wrong.exit_code)
    except (KeyboardInterrupt, typer.Abort):
        return 130
    except BrokenPipeError:
        # The reader of our output went away; Python would say so again at its exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1


def _fail(refused: CommandRefused, given: Sequence[str], code: int) -> int:
    if "--json" in given:
        show.data(refused.as_json())
    else:
        typer.echo(plain(refused.as_line()), err=True)
    return code


def main() -> None:
    """The entry point."""
    sys.exit(run())


if __name__ == "__main__":
    main()
