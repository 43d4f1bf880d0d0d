"""`edgewise trust …`: the keys that sign what devices install. For the operator, on a machine that
has the installation's settings and its keys: they go past the API, as `edgewise migrate` does.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import typer

from interfaces.cli import show
from interfaces.cli.moment import time_of
from interfaces.cli.plain import count
from interfaces.cli.refused import CommandRefused
from interfaces.cli.session import JsonOption

if TYPE_CHECKING:
    from application.ports.trusted_targets import TrustState
    from interfaces.bootstrap import Installation

app = typer.Typer(
    no_args_is_help=True,
    help="The keys that sign what devices install: show, rotate. For operators.",
)

TenantOption = Annotated[
    str | None, typer.Option("--tenant", help="One organization's id; else all that have any.")
]
KeyOption = Annotated[
    str | None,
    typer.Option(
        "--key", help="Where the new key is, as hsm:2?label=…; else it is made in a file."
    ),
]


def register(main: typer.Typer) -> None:
    """Adds the group to the command line."""
    main.add_typer(app, name="trust")


@app.command("show")
def show_them(tenant: TenantOption = None, json: JsonOption = False) -> None:
    """Show each repository's roles: version, until when it holds, and who signs it."""
    with _installation() as installation:
        repositories = installation.targets
        _print([repositories.state(each) for each in _tenants(installation, tenant)], json)


@app.command("rotate-root")
def rotate_root(
    tenant: TenantOption = None, key: KeyOption = None, json: JsonOption = False
) -> None:
    """A new root key, in a root that is signed by the old one and the new one."""
    _rotate(True, tenant, key, json)


@app.command("rotate-keys")
def rotate_keys(
    tenant: TenantOption = None, key: KeyOption = None, json: JsonOption = False
) -> None:
    """A new key for targets, snapshot and timestamp; they are signed anew at once."""
    _rotate(False, tenant, key, json)


@app.command()
def withdraw(
    tenant: Annotated[str, typer.Option("--tenant", help="The organization's id.")],
    sha256: Annotated[
        list[str] | None, typer.Option("--sha256", help="Of the file; may be given again.")
    ] = None,
    before: Annotated[
        str | None,
        typer.Option("--before", help="All published before, as 2026-01-31 or “90d ago”."),
    ] = None,
    json: JsonOption = False,
) -> None:
    """Take files back: devices that have not installed them refuse them from now on."""
    if not sha256 and before is None:
        raise CommandRefused("USAGE", "Say which: --sha256 or --before.", "sha256")
    moment = None if before is None else time_of(before, "before")
    with _installation() as installation:
        (chosen,) = _tenants(installation, tenant)
        gone = installation.targets.withdraw(chosen, sha256 or (), moment)
    if json:
        show.data({"withdrawn": gone})
    else:
        show.line(f"{count(gone)} files are no targets any more.")


def _rotate(root: bool, tenant: str | None, key: str | None, json: bool) -> None:
    from application.commands.trust import rotate_target_keys

    with _installation() as installation:
        platform, upkeep = installation.platform, installation.targets
        done = [
            rotate_target_keys(platform, upkeep, each, root, key)
            for each in _tenants(installation, tenant)
        ]
        _print(done, json)


def _tenants(installation: "Installation", tenant: str | None) -> list[UUID]:
    known = list(installation.targets.tenants())
    if tenant is None:
        return known
    try:
        chosen = UUID(tenant)
    except ValueError:
        chosen = None
    if chosen not in known:
        raise CommandRefused(
            "NOT_FOUND",
            f"The tenant {tenant} has signed nothing yet: `edgewise trust show` lists those that "
            "have.",
            "tenant",
        )
    return [chosen]


def _print(states: "Iterable[TrustState]", json: bool) -> None:
    if json:
        show.data({"repositories": [_plain(state) for state in states]})
        return
    columns = ("Tenant", "Role", ">Version", "Holds until", "Signed by")
    show.table(
        columns,
        [row for state in states for row in _rows(state)],
        empty="Nothing is signed yet: it begins with the first device that joins.",
    )


def _rows(state: "TrustState") -> Iterator[tuple[str, ...]]:
    for one in state.roles:
        keys = ", ".join(f"{id[:12]} {state.keys.get(id, '(not here)')}" for id in one.key_ids)
        name = f"{one.role} ({count(state.targets)})" if one.role == "targets" else str(one.role)
        until = f"{one.expires_at:%Y-%m-%d %H:%M} UTC"
        yield (str(state.tenant_id), name, count(one.version), until, show.text(keys))


def _plain(state: "TrustState") -> dict[str, Any]:
    return {
        "tenant": str(state.tenant_id),
        "targets": state.targets,
        "roles": [
            {
                "role": str(one.role),
                "version": one.version,
                "expiresAt": one.expires_at.isoformat(),
                "keyIds": list(one.key_ids),
            }
            for one in state.roles
        ],
        "keys": [{"id": id, "uri": uri} for id, uri in state.keys.items()],
    }


@contextmanager
def _installation() -> "Iterator[Installation]":
    from domain.refusal import Refusal
    from interfaces.bootstrap.operating import operating
    from interfaces.only_one import AlreadyRunning
    from interfaces.settings import BadSetting, read_settings

    try:
        with operating(read_settings()) as installation:
            yield installation
    except (BadSetting, AlreadyRunning) as bad:
        raise CommandRefused("INVALID", str(bad)) from bad
    except Refusal as refusal:
        raise CommandRefused(refusal.code.value, refusal.message, refusal.field) from refusal
