"""Two slots, A and B, of which one is switched to: `current` is a link to it.

    slots/a/{component}/{path}     the files of a release; `.golden/` and `.manifest` beside them
    slots/current → a              replaced in one rename: the one slot or the other, never neither
    slots/incoming/{sha256}        what was fetched and checked for the next release

A slot is built under another name, made durable, renamed into the place of the one that does not
run, read back and hashed as a whole, and only then switched to. Files that did not change are
linked. Nothing in a slot is ever written again.
"""

import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from edge.home import HomeError, reason, sync_folder
from edge.link.download import holds
from edge.protocol.updates import Offer, OfferedComponent, OfferedFile
from edge.update.sealed import Damaged, seal, unsealed

NAMES = ("a", "b")
MANIFEST = ".manifest"
GOLDEN = ".golden"


@dataclass(frozen=True, slots=True)
class Manifest:
    """What is in a slot, and the counter of the offer that brought it."""

    release: str
    counter: int
    components: tuple[OfferedComponent, ...]
    files: tuple[OfferedFile, ...]
    min_cosine: float

    @classmethod
    def of(cls, offer: Offer) -> "Manifest":
        assert offer.release is not None
        files = tuple(replace(file, delta=None) for file in offer.files)
        return cls(offer.release, offer.counter, offer.components, files, offer.min_cosine)

    @classmethod
    def read(cls, path: Path) -> "Manifest":
        """Raises FileNotFoundError, Damaged."""
        kept = unsealed(path)
        try:
            files = tuple(OfferedFile(**{**one, "delta": None}) for one in kept["files"])
            components = tuple(OfferedComponent(**one) for one in kept["components"])
            return cls(
                str(kept["release"]),
                int(kept["counter"]),
                components,
                files,
                float(kept["min_cosine"]),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise Damaged(f"{path} is no manifest: {error}") from None

    def document(self) -> dict[str, Any]:
        """JSON."""
        return asdict(self)

    @property
    def configuration(self) -> Mapping[str, Any]:
        """All settings that it brings."""
        merged: dict[str, Any] = {}
        for one in self.components:
            merged |= one.configuration or {}
        return merged


@dataclass(frozen=True, slots=True)
class Slot:
    """One that has a manifest which can be read."""

    folder: Path
    manifest: Manifest

    def path(self, file: OfferedFile) -> Path:
        return self.folder / (file.component or GOLDEN) / file.path

    def of(self, component: str) -> Sequence[OfferedFile]:
        return [file for file in self.manifest.files if file.component == component]

    def sound(self) -> bool:
        """Whether each of its files is what the manifest says: all of them are read."""
        try:
            files = self.manifest.files
            return all(holds(self.path(file), file.sha256, file.bytes) for file in files)
        except OSError:
            return False


class Slots:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.incoming = folder / "incoming"
        self._link = folder / "current"

    def current(self) -> Slot | None:
        """None where none is switched to, or its manifest cannot be read."""
        name = self._name()
        return self._slot(name) if name else None

    def other(self) -> Slot | None:
        return self._slot(self._other_name())

    def having(self, sha256: str) -> Path | None:
        """A file with this content, by the manifests."""
        for slot in (self.current(), self.other()):
            for file in slot.manifest.files if slot else ():
                if slot and file.sha256 == sha256:
                    return slot.path(file)
        return None

    def counter(self) -> int:
        """The highest of the offers that are in the slots."""
        found = (self._slot(name) for name in NAMES)
        return max((one.manifest.counter for one in found if one), default=0)

    def mend(self) -> bool:
        """Whether the slot that is switched to was damaged; the other one is switched to then, if
        it is sound, else none. Raises HomeError."""
        name = self._name()
        if name is None:
            return False
        current = self._slot(name)
        if current and current.sound():
            return False
        if not self.switch_to_other(None):
            self.take_away()
        return True

    def prepare(self, offer: Offer) -> Slot:
        """Builds the release beside the slots from what came in. Raises HomeError."""
        manifest = Manifest.of(offer)
        if (there := self._slot("new")) and there.manifest == manifest:
            return there
        new = self.folder / "new"
        try:
            shutil.rmtree(new, ignore_errors=True)
            self._build(new, manifest)
        except OSError as error:
            raise HomeError(f"The slot cannot be made: {reason(error)}") from None
        return Slot(new, manifest)

    def install(self, offer: Offer) -> None:
        """Puts what was prepared into the other slot, and switches to it. Raises HomeError,
        Damaged."""
        other = self.other()
        if other is None or other.manifest != Manifest.of(offer):
            new, name = self.prepare(offer).folder, self._other_name()
            try:
                self._remove(name)
                os.rename(new, self.folder / name)
                sync_folder(self.folder)
            except OSError as error:
                raise HomeError(f"The slot cannot be made: {reason(error)}") from None
        if not self.switch_to_other(offer.release):
            raise Damaged("what was installed does not read back as it was written")

    def _build(self, new: Path, manifest: Manifest) -> None:
        slot = Slot(new, manifest)
        folders = {new}
        for file in manifest.files:
            path = slot.path(file)
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            os.link(self.incoming / file.sha256, path)
            folders |= {one for one in path.parents if one.is_relative_to(new)}
        new.mkdir(exist_ok=True, mode=0o700)
        seal(new / MANIFEST, manifest.document())
        for folder in folders:
            sync_folder(folder)

    def switch_to_other(self, release: str | None) -> bool:
        """Whether that could be done: the other slot is sound, and has `release` where one is
        named. Raises HomeError."""
        other = self.other()
        if other is None or (release is not None and other.manifest.release != release):
            return False
        if not other.sound():
            return False
        try:
            self._point_to(other.folder.name)
        except OSError as error:
            raise HomeError(f"The slot cannot be switched: {reason(error)}") from None
        return True

    def take_away(self) -> None:
        """Nothing is switched to. Raises HomeError."""
        try:
            self._link.unlink(missing_ok=True)
            sync_folder(self.folder)
        except OSError as error:
            raise HomeError(f"The slot cannot be switched off: {reason(error)}") from None

    def clean_up(self, keep_other: bool) -> None:
        """What is not needed goes; what cannot be removed now goes the next time."""
        shutil.rmtree(self.incoming, ignore_errors=True)
        shutil.rmtree(self.folder / "new", ignore_errors=True)
        if not keep_other:
            self._remove(self._other_name())
            if self._name() is None:
                self._remove(NAMES[1])

    def drop_other(self) -> None:
        """For its room. Its files go only after nothing can switch to it any more."""
        self._remove(self._other_name())

    def _remove(self, name: str) -> None:
        """The manifest first: what is half removed is no slot."""
        folder = self.folder / name
        if folder.exists():
            (folder / MANIFEST).unlink(missing_ok=True)
            sync_folder(folder)
            shutil.rmtree(folder, ignore_errors=True)

    def _point_to(self, name: str) -> None:
        new = self.folder / ".current-new"
        new.unlink(missing_ok=True)
        os.symlink(name, new)
        os.replace(new, self._link)
        sync_folder(self.folder)

    def _name(self) -> str | None:
        try:
            name = os.readlink(self._link)
        except OSError:
            return None
        return name if name in NAMES else None

    def _other_name(self) -> str:
        """Where none is switched to: the first."""
        return NAMES[1] if self._name() == NAMES[0] else NAMES[0]

    def _slot(self, name: str) -> Slot | None:
        folder = self.folder / name
        try:
            return Slot(folder, Manifest.read(folder / MANIFEST))
        except (FileNotFoundError, Damaged):
            return None
