"""`edgewise events verify|checkpoint|key`, and the signed export: proof, for operator and auditor.

They go to the installation itself and not through its API, as `edgewise migrate` does: who proves
the log must see all of it. An export is verified from the file alone, anywhere. Nothing is signed
that does not verify.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import typer

from interfaces.cli import show
from interfaces.cli.ids import uuid_of
from interfaces.cli.plain import in_json
from interfaces.cli.proof_files import given_key, kept_checkpoint, opened, replacing
from interfaces.cli.refused import CommandRefused
from interfaces.cli.session import JsonOption

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import (
        Ed25519PrivateKey,
        Ed25519PublicKey,
    )

    from application.audit.chain import ChainedEvent
    from application.audit.checkpoint import Checkpoint
    from application.audit.verification import Verification
    from interfaces.settings import Settings

MOST_TOLD = 1_000
SHOWN_EVERY = 500


def verify(
    checkpoint: Annotated[
        list[Path] | None,
        typer.Option(metavar="FILE", help="A checkpoint kept from earlier; may be repeated."),
    ] = None,
    export: Annotated[
        Path | None, typer.Option(metavar="FILE", help="A signed export: needs no server.")
    ] = None,
    key: Annotated[
        str | None,
        typer.Option(metavar="KEY", help="The public key, or a file with it; needed by --export."),
    ] = None,
    json: JsonOption = False,
) -> None:
    """Find events that were changed, removed or swapped. Exit code 1 when there are any."""
    if export is not None and key is None:
        raise typer.BadParameter("--export needs --key: the public key of who made the export.")
    with _said_clearly():
        public = _own_key().public_key() if key is None else given_key(key)
        checkpoints = [kept_checkpoint(path, public) for path in checkpoint or ()]
        if export is None:
            verification = _verify_log(checkpoints)
        else:
            verification = _verify_export(export, public, checkpoints)
    _report(verification, as_json=json)


def checkpoint(
    to: Annotated[Path | None, typer.Option(metavar="FILE", help="Else standard output.")] = None,
    tenant: Annotated[str | None, typer.Option(help="Of this tenant alone.")] = None,
    json: JsonOption = False,
) -> None:
    """Verify the log and sign what it is now. Keep the file where the database is not."""
    with _said_clearly():
        signed = _signed(tenant, lambda event: None, as_json=json)
        if to is None:
            show.data(signed)
            return
        with replacing(to) as file:
            file.write(in_json(signed) + "\n")
    _done(json, {"file": str(to), **signed}, f"Signed up to position {signed['position']:,}: {to}")


def key(json: JsonOption = False) -> None:
    """Print the public key by which checkpoints and exports are verified."""
    from application.audit.checkpoint import key_id, public_text

    with _said_clearly():
        public = _own_key().public_key()
    _done(json, {"key": public_text(public), "id": key_id(public)}, public_text(public))


def write_export(to: Path, tenant: str | None, *, as_json: bool) -> None:
    """`edgewise events export --to`."""
    from application.audit.export_file import exported

    with _said_clearly(), replacing(to) as file:

        def write(plain: dict[str, Any]) -> None:
            file.write(in_json(plain) + "\n")

        signed = _signed(
            tenant, lambda event: write(exported(event)), header=write, as_json=as_json
        )
        write(signed)
    told = {"file": str(to), "events": signed["count"], **signed}
    _done(
        as_json, told, f"{signed['count']:,} events to {to}, signed with the key {signed['key']}."
    )


def _signed(
    tenant: str | None,
    each: Callable[["ChainedEvent"], None],
    header: Callable[[dict[str, Any]], None] = lambda plain: None,
    *,
    as_json: bool,
) -> dict[str, Any]:
    """The signed checkpoint of the log, or of a tenant's, once all its events were looked at."""
    from application.audit.export_file import Exporting
    from application.audit.verification import Verification
    from interfaces.bootstrap.operating import checkpoint_key, operating

    settings, tenant_id = _settings(), _tenant(tenant)
    with operating(settings) as installation:
        chain, verification = installation.chain(tenant_id), Verification()
        exporting = Exporting(tenant_id, datetime.now(UTC))
        header(exporting.header)
        for event in _with_progress(map(exporting.take, chain.events()), chain.end):
            verification.look(event)
            each(event)
    if verification.findings():
        show.note("The log does not verify: nothing is signed.")
        _report(verification, as_json=as_json)
    return exporting.checkpoint.signed(checkpoint_key(settings))


def _verify_log(checkpoints: Sequence["Checkpoint"]) -> "Verification":
    from application.audit.verification import Verification
    from interfaces.bootstrap.operating import operating

    verification = Verification(checkpoints)
    with operating(_settings()) as installation:
        chain = installation.chain()
        for event in _with_progress(chain.events(), chain.end):
            verification.look(event)
    return verification


def _verify_export(
    path: Path, public: "Ed25519PublicKey", checkpoints: Sequence["Checkpoint"]
) -> "Verification":
    """Against its own checkpoint too, which stands at its end: it is read twice."""
    from application.audit.checkpoint import read_checkpoint
    from application.audit.export_file import ExportReading, last_object
    from application.audit.verification import Verification

    with opened(path) as file:
        own = read_checkpoint(last_object(file), public)
    with opened(path) as file:
        reading = ExportReading(file)
        if own.tenant_id != reading.tenant_id:
            raise CommandRefused("INVALID", "The checkpoint is of another tenant than the export.")
        verification = Verification([own, *checkpoints])
        for event in _with_progress(reading.events(), own.position):
            verification.look(event)
    return verification


def _with_progress(events: Iterable["ChainedEvent"], end: int) -> Iterator["ChainedEvent"]:
    with show.progress() as bars:
        task = bars.add_task("events", total=max(end, 1), message="")
        for count, event in enumerate(events, 1):
            yield event
            if count % SHOWN_EVERY == 0:
                bars.update(task, completed=event.position, message=f"{count:,}")
        bars.update(task, completed=max(end, 1))


def _report(verification: "Verification", *, as_json: bool) -> None:
    """Says what was found, and ends with exit code 1 when anything was."""
    findings = verification.findings()
    told = {
        "ok": not findings,
        "events": verification.count,
        "streams": verification.streams,
        "position": verification.position,
        "hash": verification.hash.hex(),
        "findings": [finding.as_json() for finding in findings[:MOST_TOLD]],
        "odd": verification.odd,
    }
    if as_json:
        show.data(told)
    elif not findings:
        show.line(
            f"As they were recorded: {verification.count:,} events of {verification.streams:,} "
            f"streams, up to position {verification.position}."
        )
    else:
        for finding in findings[:MOST_TOLD]:
            where = f"{finding.stream}/{finding.version}  " if finding.stream else ""
            show.line(
                f"[red]{finding.flaw.value:<9}[/red]  position {finding.position}  {where}"
                f"{show.text(finding.message)}"
            )
        show.note(f"{len(findings):,} findings; {verification.odd:,} events do not fit.")
    if findings:
        raise typer.Exit(1)


@contextmanager
def _said_clearly() -> Iterator[None]:
    """What can be wrong with files, keys and settings becomes a refusal."""
    from application.audit.chain import NoChain
    from application.audit.checkpoint import BadCheckpoint
    from application.audit.export_file import BadExport
    from interfaces.only_one import AlreadyRunning
    from interfaces.settings import BadSetting

    try:
        yield
    except (BadCheckpoint, BadExport, BadSetting) as error:
        raise CommandRefused("INVALID", str(error)) from error
    except (NoChain, AlreadyRunning) as error:
        raise CommandRefused("CONFLICT", str(error)) from error


def _settings() -> "Settings":
    from interfaces.settings import read_settings

    return read_settings()


def _own_key() -> "Ed25519PrivateKey":
    from interfaces.bootstrap.operating import checkpoint_key

    return checkpoint_key(_settings())


def _tenant(given: str | None) -> UUID | None:
    if given is None:
        return None
    try:
        return UUID(uuid_of(given))
    except ValueError as error:
        message = f"“{given}” is no id of a tenant. `edgewise quota --json` and the API show it."
        raise CommandRefused("INVALID", message, "tenant") from error


def _done(as_json: bool, value: Any, words: str) -> None:
    if as_json:
        show.data(value)
    else:
        show.line(show.text(words))
