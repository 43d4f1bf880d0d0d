"""The files of devices: the model that is desired of one, and the logs that it was asked for."""

import hashlib
import tempfile
from pathlib import Path
from uuid import UUID

from application.commands.command import Request, cause_of
from application.commands.device import device_of
from application.platform import Platform
from application.ports.downloads import DownloadGrant
from domain.blob import BlobRef
from domain.cause import acting
from domain.device import Device
from domain.principal import device as device_principal
from domain.refusal import Refusal, RefusalCode, not_found
from edge.protocol.commands import CommandKind
from edge.protocol.topics import Address


def granted_artifact(platform: Platform, address: Address, artifact_id: UUID) -> DownloadGrant:
    """The artifact, if it is the one that is desired of this device. Raises
    Refusal(NOT_FOUND)."""
    model = _device(platform, address).desired.get("model")
    if not isinstance(model, dict) or model.get("artifact") != str(artifact_id):
        raise not_found("artifact")
    name, sha256 = str(model.get("name") or artifact_id), str(model.get("sha256"))
    return DownloadGrant(address.tenant, sha256, name, "application/octet-stream", platform.now())


def keep_log(platform: Platform, address: Address, command_id: UUID, content: bytes) -> BlobRef:
    """Stores what a command asked for; once more the same changes nothing. Raises
    Refusal(INVALID_STATE) where no such command waits for it."""
    sent = _device(platform, address).commands.get(str(command_id))
    if sent is None or sent.kind != CommandKind.COLLECT_LOGS:
        raise Refusal(
            RefusalCode.INVALID_STATE,
            "Nobody waits for these logs: the command is answered or over.",
        )
    sha256 = hashlib.sha256(content).hexdigest()
    with (
        tempfile.NamedTemporaryFile(dir=platform.scratch, prefix="log-") as file,
        platform.holds.holding(address.tenant, sha256),
    ):
        file.write(content)
        file.flush()
        return platform.blobs.put_file(address.tenant, Path(file.name))


def _device(platform: Platform, address: Address) -> Device:
    with acting(cause_of(Request(device_principal(address.tenant, address.device)))):
        return device_of(platform, address.device)
