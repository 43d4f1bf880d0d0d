"""OpenID Connect: authorization code flow with PKCE, by discovery.

An id token counts when it is signed with a key that the provider publishes, by an asymmetric
algorithm that is named here, and names this issuer, this client, this nonce and a time that has
not passed. Keys are kept until a token is signed with another: then they are read once more.
"""

import time
from dataclasses import dataclass
from threading import Lock
from typing import Any
from urllib.parse import urlsplit

import httpx
from authlib.common.urls import add_params_to_uri
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import BadSignatureError, InvalidKeyIdError, JoseError
from joserfc.jwk import KeySet
from joserfc.jws import JWSRegistry

from application.ports.identity_provider import Claims, Flow, NotProven, ProviderAway
from domain.user import Identity

ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512",
              "EdDSA"]  # fmt: skip
LEEWAY = 60
DISCOVERY_LASTS = 3600.0
KEYS_AGAIN = 5.0
SCOPE = "openid email profile"
_NEEDED = ("authorization_endpoint", "token_endpoint", "jwks_uri")


@dataclass(frozen=True, slots=True)
class Client:
    """What the provider knows this installation as."""

    issuer: str
    client_id: str
    client_secret: str
    name: str = "OpenID"


class OidcProvider:
    """Implements `application.ports.identity_provider.IdentityProvider`."""

    def __init__(self, client: Client, timeout: float = 5.0) -> None:
        self._client, self._timeout = client, timeout
        self.name = client.name
        self._lock = Lock()
        self._metadata: tuple[float, dict[str, Any]] | None = None
        self._keys: tuple[float, KeySet] | None = None

    def begin(self, flow: Flow, redirect_uri: str) -> str:
        parameters = {
            "response_type": "code",
            "client_id": self._client.client_id,
            "redirect_uri": redirect_uri,
            "scope": SCOPE,
            "state": flow.state,
            "nonce": flow.nonce,
            "code_challenge": create_s256_code_challenge(flow.verifier),
            "code_challenge_method": "S256",
        }
        endpoint: str = self._discovered()["authorization_endpoint"]
        return str(add_params_to_uri(endpoint, list(parameters.items())))

    def finish(self, flow: Flow, code: str, redirect_uri: str) -> Claims:
        token = self._redeemed(flow, code, redirect_uri)
        if not isinstance(token.get("id_token"), str):
            raise NotProven(self.name, "the provider gave no id token")
        claims = self._validated(token, flow)
        email, name = claims.get("email"), claims.get("name")
        return Claims(
            Identity(self._client.issuer, str(claims["sub"])),
            email if isinstance(email, str) else None,
            claims.get("email_verified") is True,
            name if isinstance(name, str) else None,
        )

    def _redeemed(self, flow: Flow, code: str, redirect_uri: str) -> dict[str, Any]:
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": redirect_uri,
            "code_verifier": flow.verifier,
        }
        status, answer = self._asked(
            "POST",
            self._discovered()["token_endpoint"],
            data=form,
            auth=httpx.BasicAuth(self._client.client_id, self._client.client_secret),
        )
        if status != 200:
            raise NotProven(self.name, f"the code was refused: {str(answer.get('error'))[:100]}")
        return answer

    def _validated(self, token: dict[str, Any], flow: Flow) -> CodeIDToken:
        registry = JWSRegistry(algorithms=ALGORITHMS, strict_check_header=False)
        try:
            try:
                decoded = jwt.decode(token["id_token"], self._key_set(), registry=registry)
            except (InvalidKeyIdError, BadSignatureError):
                keys = self._key_set(anew=True)
                decoded = jwt.decode(token["id_token"], keys, registry=registry)
            claims = CodeIDToken(
                decoded.claims,
                decoded.header,
                {
                    "iss": {"essential": True, "value": self._client.issuer},
                    "aud": {"essential": True, "value": self._client.client_id},
                    "nonce": {"essential": True, "value": flow.nonce},
                },
                {
                    "nonce": flow.nonce,
                    "client_id": self._client.client_id,
                    "access_token": token.get("access_token"),
                },
            )
            claims.validate(leeway=LEEWAY)
        except (JoseError, ValueError, TypeError) as error:
            raise NotProven(self.name, f"the id token is not valid: {error}") from error
        if not isinstance(claims.get("sub"), str) or not claims["sub"]:
            raise NotProven(self.name, "the id token names nobody")
        return claims

    def _discovered(self) -> dict[str, Any]:
        with self._lock:
            if self._metadata and time.monotonic() - self._metadata[0] < DISCOVERY_LASTS:
                return self._metadata[1]
        issuer = self._client.issuer
        url = f"{issuer.rstrip('/')}/.well-known/openid-configuration"
        status, found = self._asked("GET", url)
        safe = urlsplit(issuer).scheme
        complete = all(urlsplit(str(found.get(name))).scheme in (safe, "https") for name in _NEEDED)
        if status != 200 or found.get("issuer") != issuer or not complete:
            raise ProviderAway(self.name)
        with self._lock:
            self._metadata = (time.monotonic(), found)
        return found

    def _key_set(self, *, anew: bool = False) -> KeySet:
        with self._lock:
            kept = self._keys
        if kept is not None and (not anew or time.monotonic() - kept[0] < KEYS_AGAIN):
            return kept[1]
        status, found = self._asked("GET", self._discovered()["jwks_uri"])
        if status != 200:
            raise ProviderAway(self.name)
        keys = KeySet.import_key_set(found)  # type: ignore[arg-type]
        with self._lock:
            self._keys = (time.monotonic(), keys)
        return keys

    def _asked(self, method: str, url: str, **rest: Any) -> tuple[int, dict[str, Any]]:
        """The status and the JSON object of an answer. Raises ProviderAway."""
        try:
            answer = httpx.request(method, url, timeout=self._timeout, **rest)
            found = answer.json()
        except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
            raise ProviderAway(self.name) from error
        if answer.status_code >= 500 or not isinstance(found, dict):
            raise ProviderAway(self.name)
        return answer.status_code, found
