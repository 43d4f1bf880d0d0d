"""`edgewise user …`: what the operator does to users, on the machine of the installation.

These commands go to the database and not through the API: whoever may read the installation's
secret is its operator. A password is asked for, or read from standard input; there is none by
default.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, NoReturn
from uuid import UUID

import typer

from interfaces.cli import choices, show
from interfaces.cli.refused import CommandRefused

if TYPE_CHECKING:
    from application.platform import Platform
    from domain.user import User

app = typer.Typer(no_args_is_help=True, help="Users (on the installation's machine).")

Email = Annotated[str, typer.Argument(help="The e-mail address.")]
FromInput = Annotated[
    bool, typer.Option("--password-stdin", help="Read the password from standard input.")
]


def register(main: typer.Typer) -> None:
    """Adds the group to the command line."""
    main.add_typer(app, name="user")


@app.command("create")
def create(
    email: Email,
    name: Annotated[str | None, typer.Option(help="How they are called.")] = None,
    role: Annotated[
        choices.Role, typer.Option(case_sensitive=False, help="What they may do.")
    ] = choices.Role.OWNER,
    tenant: Annotated[
        str | None, typer.Option(help="The organization's id; else the first one, `default`.")
    ] = None,
    password_stdin: FromInput = False,
) -> None:
    """Make a user who signs in by password, and a member; the first owner is made so."""
    with _platform() as platform:
        from application.commands.user import add_user, join_by_operator, require_tenant
        from domain.principal import Role
        from interfaces.first_key import FIRST_TENANT

        tenant_id = FIRST_TENANT if tenant is None else _uuid(tenant)
        require_tenant(platform, tenant_id)
        password = _password(password_stdin)
        user = add_user(
            platform, email=email, name=name or email.partition("@")[0], password=password
        )
        join_by_operator(platform, user.id, tenant_id, Role(role.value))
        show.line(f"[bold]{show.text(user.email)}[/bold] is {role.value.lower()}: {user.id}")


@app.command("password")
def password(email: Email, password_stdin: FromInput = False) -> None:
    """Set another password, for whoever forgot it; ends all their sessions."""
    with _platform() as platform:
        from application.commands.user import set_password

        user = _user(platform, email)
        set_password(platform, user, _password(password_stdin))
        ended = platform.people.sessions.end(user.id)
        show.line(f"The password of {show.text(user.email)} is set; {ended} sessions ended.")


@app.command("erase")
def erase(
    email: Email,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Remove a user and all that is personal about them. Events keep the id."""
    with _platform() as platform:
        from application.commands.user import erase_user

        user = _user(platform, email)
        if not yes:
            typer.confirm(f"Erase {user.email} for good?", abort=True)
        erase_user(platform, user.id)
        show.line(f"{show.text(user.email)} is erased; events know {user.id} alone.")


@contextmanager
def _platform() -> Iterator["Platform"]:
    """The installation, and its embedded PostgreSQL for as long as this takes."""
    from psycopg.errors import UndefinedTable

    from domain.refusal import Refusal
    from interfaces.bootstrap import Installation, embedded, stop_embedded
    from interfaces.settings import BadSetting, read_settings

    try:
        settings = read_settings()
    except BadSetting as bad:
        raise CommandRefused("INVALID", str(bad)) from bad
    running = settings.database_url is not None or embedded(settings).pid is not None
    installation = Installation.of(settings)
    try:
        yield installation.platform
    except UndefinedTable as error:
        words = "The database has no schema yet. Run `edgewise up` or `edgewise migrate` first."
        raise CommandRefused("INVALID_STATE", words) from error
    except Refusal as refusal:
        raise CommandRefused(refusal.code.value, refusal.message, refusal.field) from refusal
    finally:
        installation.close()
        if not running:
            stop_embedded(settings)


def _user(platform: "Platform", email: str) -> "User":
    user = platform.people.table.by_email(email)
    if user is None:
        _refuse("NOT_FOUND", f"No user has the address {email}.", "email")
    return user


def _password(from_input: bool) -> str:
    if from_input:
        return sys.stdin.readline().rstrip("\n")
    if not sys.stdin.isatty():
        _refuse("INVALID", "There is no terminal to ask. Give --password-stdin.", "password")
    asked: str = typer.prompt("Password", hide_input=True, confirmation_prompt=True)
    return asked


def _uuid(text: str) -> UUID:
    from interfaces.cli.ids import uuid_of

    try:
        return UUID(uuid_of(text))
    except ValueError:
        _refuse("INVALID", f"“{text}” is no id of an organization.", "tenant")


def _refuse(code: str, message: str, field: str) -> NoReturn:
    raise CommandRefused(code, message, field)
