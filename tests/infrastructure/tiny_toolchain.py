"""A toolchain of one small package, and a package index that serves it when it is let."""

import base64
import hashlib
import threading
import zipfile
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from infrastructure.toolchains.catalog import Toolchain

NAME = "tinytool"


def wheel(folder: Path, version: str = "1.0") -> Path:
    """A wheel with one module, `tinytool`, that knows its version."""
    folder.mkdir(parents=True, exist_ok=True)
    info = f"{NAME}-{version}.dist-info"
    files = {
        f"{NAME}.py": f'VERSION = "{version}"\n',
        f"{info}/METADATA": metadata(version),
        f"{info}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(f"{name},sha256={_digest(text)},{len(text)}\n" for name, text in files.items())
    path = folder / f"{NAME}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in {**files, f"{info}/RECORD": f"{record}{info}/RECORD,,\n"}.items():
            archive.writestr(name, text)
    return path


def metadata(version: str) -> str:
    return f"Metadata-Version: 2.1\nName: {NAME}\nVersion: {version}\n"


def toolchain(folder: Path, made: Path, sha256: str | None = None) -> Toolchain:
    """One whose lock file, in `folder`, pins this wheel, by another hash where one is given."""
    folder.mkdir(parents=True, exist_ok=True)
    version = made.name.split("-")[1]
    digest = sha256 or hashlib.sha256(made.read_bytes()).hexdigest()
    (folder / "tiny.in").write_text(f"# for tests\n{NAME}>=1\n")
    (folder / "tiny.lock").write_text(f"{NAME}=={version} \\\n    --hash=sha256:{digest}\n")
    return Toolchain("tiny", "What tests need.", locks=folder)


def _digest(text: str) -> str:
    raw = hashlib.sha256(text.encode()).digest()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


@dataclass
class Index:
    """A package index of one wheel. A download is answered once `let` is set."""

    wheel: Path
    asked: threading.Event = field(default_factory=threading.Event)
    let: threading.Event = field(default_factory=threading.Event)
    downloads: int = 0

    def __enter__(self) -> "Index":
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.let.set()
        self._server.shutdown()
        self._server.server_close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}/simple/"

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        index = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                name = index.wheel.name
                if self.path.endswith(".whl"):
                    index.downloads += 1
                    index.asked.set()
                    index.let.wait()
                    self._answer(index.wheel.read_bytes(), "application/octet-stream")
                elif self.path.endswith(".metadata"):
                    self._answer(metadata(name.split("-")[1]).encode(), "text/plain")
                elif self.path.rstrip("/").endswith(NAME):
                    page = f'<a href="/{name}" data-core-metadata="true">{name}</a>'
                    self._answer(page.encode(), "text/html")
                else:
                    self.send_error(404)

            def _answer(self, body: bytes, kind: str) -> None:
                self.send_response(200)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None: ...

        return Handler
