"""`tuf.ngclient` as this device needs it: bytes by the given callable, the platform's time instead
of the system's clock, files that survive a power cut, and each refusal by its name.

TUF does not name the repository in its metadata. Ours do (TENANT_FIELD, which is signed with them),
and what names another tenant than the pinned root does is refused, whoever signed it.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tuf.api import exceptions
from tuf.api.metadata import Metadata, Root, Signed, Snapshot, Targets
from tuf.ngclient import FetcherInterface, Updater, UpdaterConfig
from tuf.ngclient._internal.trusted_metadata_set import TrustedMetadataSet
from tuf.ngclient.config import EnvelopeType

from edge.home import replace_file
from edge.protocol.updates import TENANT_FIELD, Problem
from edge.update.trust import LONGEST_ROOT, Fetch, NotServed, TargetFacts, Untrusted

LIMITS = UpdaterConfig(
    root_max_length=LONGEST_ROOT,
    timestamp_max_length=16_384,
    snapshot_max_length=65_536,
    targets_max_length=2_000_000,
    max_delegations=0,
    prefix_targets_with_hash=False,
)
"""In bytes. What endless data costs is no more than that."""

_BASE = "tuf://platform/"


class TrustedClient:
    """One look at the repository. `now` in seconds since 1970. Raises Untrusted."""

    def __init__(self, folder: Path, pinned: bytes, fetch: Fetch, now: float) -> None:
        with _named():
            self._updater = _Updater(folder, pinned, fetch, datetime.fromtimestamp(now, UTC))

    def refresh(self) -> None:
        """Raises Untrusted."""
        with _named():
            self._updater.refresh()

    def facts(self, target: str) -> TargetFacts:
        """Raises Untrusted."""
        with _named():
            found = self._updater.get_targetinfo(target)
        if found is None or "sha256" not in found.hashes:
            raise Untrusted(Problem.UNKNOWN_TARGET, f"the platform has not published {target}")
        return TargetFacts(found.hashes["sha256"], found.length)


def checked_root(root: bytes) -> None:
    """Raises Untrusted for what is no root of a tenant that signs itself."""
    with _named():
        if len(root) > LONGEST_ROOT:
            raise exceptions.DownloadLengthMismatchError(f"a root of {len(root):,} bytes")
        _TrustedSet(root, datetime.fromtimestamp(0, UTC))


def unreadable(folder: Path) -> list[Path]:
    """Files of metadata that no crash of ours leaves: a power cut or a bad disk did."""
    kept = [*folder.glob("*.json"), *(folder / "root_history").glob("*.json")]
    return [file for file in kept if not file.is_symlink() and not _readable(file)]


def _readable(file: Path) -> bool:
    try:
        Metadata.from_bytes(file.read_bytes())
    except (exceptions.RepositoryError, ValueError):
        return False
    return True


class _Refused(exceptions.RepositoryError):
    """By TUF's rules, or for another tenant; `problem` is its name here."""

    def __init__(self, problem: Problem, why: str) -> None:
        super().__init__(why)
        self.problem = problem


class _Updater(Updater):
    def __init__(self, folder: Path, pinned: bytes, fetch: Fetch, now: datetime) -> None:
        super().__init__(
            str(folder), _BASE, fetcher=_Fetcher(fetch), config=LIMITS, bootstrap=pinned
        )
        self._trusted_set = _TrustedSet(pinned, now)

    def _persist_file(self, filename: str, data: bytes) -> None:
        """As the whole agent does, durable: a power cut must not take the memory of versions."""
        file = Path(filename)
        if not file.exists() or file.read_bytes() != data:
            replace_file(file, data)

    def _update_root_symlink(self) -> None:
        """Nothing reads it: we begin with the pinned root."""


class _TrustedSet(TrustedMetadataSet):
    """With the time given, and errors that say what they mean."""

    def __init__(self, root: bytes, now: datetime) -> None:
        self._tenant: object = None
        super().__init__(root, EnvelopeType.METADATA)
        self.reference_time = now

    def _add(self, role: str, signed: Signed, delegator: str) -> None:
        tenant = signed.unrecognized_fields.get(TENANT_FIELD)
        if tenant is None or self._tenant not in (None, tenant):
            raise _Refused(
                Problem.WRONG_SIGNATURE, f"{role}.json is not of this device's tenant ({tenant})"
            )
        self._tenant = tenant
        super()._add(role, signed, delegator)

    def update_root(self, data: bytes) -> Root:
        try:
            return super().update_root(data)
        except exceptions.BadVersionNumberError as error:
            older = _version(data) <= self.root.version
            problem = Problem.OLDER_METADATA if older else Problem.MIX_AND_MATCH
            raise _Refused(problem, str(error)) from error

    def update_snapshot(self, data: bytes, trusted: bool | None = False) -> Snapshot:
        try:
            return super().update_snapshot(data, trusted)
        except exceptions.BadVersionNumberError as error:
            # Its signature holds: either it is not the one of the timestamp, or it takes back
            # what an earlier one said.
            other = _version(data) != self.timestamp.snapshot_meta.version
            problem = Problem.MIX_AND_MATCH if other else Problem.OLDER_METADATA
            raise _Refused(problem, str(error)) from error
        except exceptions.LengthOrHashMismatchError as error:
            raise self._other("snapshot", data, error) from error

    def update_delegated_targets(self, data: bytes, role_name: str, delegator_name: str) -> Targets:
        try:
            return super().update_delegated_targets(data, role_name, delegator_name)
        except exceptions.BadVersionNumberError as error:
            raise _Refused(Problem.MIX_AND_MATCH, str(error)) from error
        except exceptions.LengthOrHashMismatchError as error:
            raise self._other(role_name, data, error) from error

    def _other(self, role: str, data: bytes, error: Exception) -> _Refused:
        """Not what the metadata above it names: signed, but of another time, or no metadata of
        ours at all."""
        problem = Problem.WRONG_HASH
        try:
            found = Metadata[Any].from_bytes(data)
            self.root.verify_delegate(role, found.signed_bytes, found.signatures)
            problem = Problem.MIX_AND_MATCH
        except (exceptions.RepositoryError, ValueError):
            pass
        return _Refused(problem, f"{role}.json: {error}")


class _Fetcher(FetcherInterface):
    """Whatever goes wrong is a DownloadError, as ngclient expects."""

    def __init__(self, fetch: Fetch) -> None:
        self._given = fetch

    def _fetch(self, url: str) -> Iterator[bytes]:
        yield self.download_bytes(url, LIMITS.targets_max_length)

    def download_bytes(self, url: str, max_length: int) -> bytes:
        name = url.removeprefix(_BASE)
        try:
            content = self._given(name, max_length)
        except NotServed as error:
            raise exceptions.DownloadHTTPError(f"the platform has no {name}", 404) from error
        except Exception as error:
            raise exceptions.DownloadError(f"{name}: {error}") from error
        if len(content) > max_length:
            raise exceptions.DownloadLengthMismatchError(
                f"{name} is longer than the {max_length:,} bytes that it may have"
            )
        return content


def _version(data: bytes) -> int:
    version: int = Metadata[Any].from_bytes(data).signed.version
    return version


_NAMES: tuple[tuple[type[Exception], Problem], ...] = (
    (exceptions.UnsignedMetadataError, Problem.WRONG_SIGNATURE),
    (exceptions.ExpiredMetadataError, Problem.EXPIRED_METADATA),
    (exceptions.BadVersionNumberError, Problem.OLDER_METADATA),
    (exceptions.DownloadLengthMismatchError, Problem.WRONG_SIZE),
    (exceptions.DownloadError, Problem.UNREACHABLE),
    (exceptions.RepositoryError, Problem.WRONG_SIGNATURE),
)
"""The first that fits. What cannot even be read was not signed by anybody trusted here."""


@contextmanager
def _named() -> Iterator[None]:
    """Turns what ngclient raises into Untrusted."""
    try:
        yield
    except _Refused as error:
        raise Untrusted(error.problem, str(error)) from error
    except (exceptions.RepositoryError, exceptions.DownloadError) as error:
        problem = next(problem for kind, problem in _NAMES if isinstance(error, kind))
        raise Untrusted(problem, str(error)) from error
