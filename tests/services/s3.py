"""A private SeaweedFS as the S3 server: unlike imitations it checks signatures."""

import os
from dataclasses import asdict, dataclass
from datetime import timedelta
from pathlib import Path

import httpx
import obstore
from obstore.exceptions import BaseError
from obstore.store import S3Store

from tests.patience import PATIENCE
from tests.services.daemon import LOOKS_FOR, Daemon, free_port


@dataclass(frozen=True, slots=True)
class S3Access:
    """What a client must know; the bucket exists."""

    endpoint: str
    access_key: str
    secret_key: str
    bucket: str = "edgewise"
    region: str = "us-east-1"

    @classmethod
    def from_environment(cls) -> "S3Access | None":
        """The server of TEST_S3_ENDPOINT, with TEST_S3_ACCESS_KEY, _SECRET_KEY, _BUCKET."""
        endpoint = os.environ.get("TEST_S3_ENDPOINT")
        if not endpoint:
            return None
        key, secret, bucket, region = (
            os.environ.get(f"TEST_S3_{name}", default)
            for name, default in (
                ("ACCESS_KEY", "key"),
                ("SECRET_KEY", "secret"),
                ("BUCKET", "edgewise"),
                ("REGION", "us-east-1"),
            )
        )
        return cls(endpoint, key, secret, bucket, region)

    @property
    def environment(self) -> dict[str, str]:
        """What a process of Edgewise reads."""
        return {f"S3_{name.upper()}": value for name, value in asdict(self).items()}

    def store(self, timeout: str = f"{PATIENCE:g}s") -> S3Store:
        return S3Store(
            self.bucket,
            endpoint=self.endpoint,
            region=self.region,
            access_key_id=self.access_key,
            secret_access_key=self.secret_key,
            virtual_hosted_style_request=False,
            client_options={"allow_http": True, "timeout": timeout},
            retry_config={"max_retries": 0},
        )


Bucket = S3Access  # what tests/e2e calls it


class OwnS3(Daemon):
    """A server with one bucket, reached by `access`."""

    def __init__(self, folder: Path, weed: Path) -> None:
        names = ("master", "volume", "filer", "s3")
        ports = {name: free_port() for name in names}
        flags = [f"-{name}.port={port}" for name, port in ports.items()]
        flags += [f"-{name}.port.grpc={free_port()}" for name in names]
        # These two listen on fixed ports otherwise, and a second server on the machine dies of it.
        flags += ["-s3.port.iceberg=0", "-s3.port.lance=0"]
        local = [f"-dir={folder}", "-ip=127.0.0.1", "-ip.bind=127.0.0.1", "-s3"]
        small = ["-volume.max=20", "-master.volumeSizeLimitMB=256"]
        # A master alone waits that long after a restart until it elects itself; 10 s untold.
        small += ["-master.electionTimeout=1s"]
        self.access = S3Access(f"http://127.0.0.1:{ports['s3']}", "key", "secret")
        keys = {"AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret"}
        super().__init__(folder, [weed, "server", *local, *small, *flags], self._answers, keys)

    def _answers(self) -> bool:
        """Whether it takes an object: it answers long before it has a volume to write to."""
        store = self.access.store(timeout=f"{LOOKS_FOR:g}s")
        try:
            # S3 makes a bucket by PUT on its root, which a presigned URL for the empty key names.
            bucket = obstore.sign(store, "PUT", "", timedelta(minutes=5))
            # Certificates are not looked at, which takes longer to prepare than to ask.
            if httpx.put(bucket, timeout=LOOKS_FOR, verify=False).status_code not in (200, 409):
                return False
            obstore.put(store, "ready", b"yes", use_multipart=False)
        except (httpx.HTTPError, OSError, BaseError):
            return False
        return True
