"""A small OpenID provider for development and tests: one click signs in as one of the invented people.

It asks for no password, so it listens on 127.0.0.1 only and is no part of the production image. Otherwise it is as
strict as a real one: registered addresses, codes that work once and for a minute, PKCE, signed ID tokens.
"""

import base64
import hashlib
import hmac
import os
import secrets
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode, urlsplit

from deploy.local import identity_pages as pages
from deploy.local.answers import Answer, as_json, to
from deploy.local.console import LocalError

PORT_VARIABLE: Final = "PIR_IDENTITY_PORT"
DEFAULT_PORT: Final = 8005
CODE_SECONDS: Final = 60
TOKEN_SECONDS: Final = 300
LARGEST_BODY: Final = 64 * 1024

Fields = dict[str, str]


def port_from_environment(environ: Mapping[str, str] = os.environ) -> int:
    """Return the port that PIR_IDENTITY_PORT says, or 8005."""
    text = environ.get(PORT_VARIABLE) or str(DEFAULT_PORT)
    if not text.isdecimal() or not 0 < int(text) <= 65_535:  # noqa: PLR2004  the highest there is
        raise LocalError(f"{PORT_VARIABLE}={text} is not a port")
    return int(text)


@dataclass(frozen=True)
class Grant:
    """What a code stands for: who clicked, for whom, and until when."""

    role: str
    asked: Fields
    until: float


class IdentityProvider:
    """Serves from `start` to `stop` in a daemon thread; `staff` is the part of that name of the credentials.

    `port` 0 takes a free one. Return addresses and addresses after signing out must be on the list or on its hosts.
    """

    def __init__(
        self,
        staff: Mapping[str, Mapping[str, str]],
        client_id: str,
        client_secret: str,
        redirect_uris: Sequence[str],
        *,
        port: int = 0,
    ) -> None:
        self.staff, self.client_id, self.client_secret = staff, client_id, client_secret
        self.redirect_uris = tuple(redirect_uris)
        self.routes: dict[tuple[str, str], Callable[[Fields, str], Answer]] = {
            ("GET", "/.well-known/openid-configuration"): lambda *_: as_json(self.metadata()),
            ("GET", "/authorize"): lambda asked, _: self._ask(asked),
            ("POST", "/authorize"): lambda asked, _: self._choose(asked),
            ("POST", "/token"): self._token,
            ("GET", "/jwks"): lambda *_: as_json({"keys": [self._key.as_dict(private=False)]}),
            ("GET", "/end-session"): lambda asked, _: self._end_session(asked),
            ("GET", "/style.css"): lambda *_: pages.style(),
        }
        self._port = port
        self._grants: dict[str, Grant] = {}
        self._server: ThreadingHTTPServer | None = None
        self._key: Any = None

    @property
    def url(self) -> str:
        """Where it answers, and its issuer."""
        return f"http://127.0.0.1:{self._port}"

    def environment(self, public_url: str) -> dict[str, str]:
        """Return what tells a service, seen by browsers at `public_url`, that staff sign in here."""
        return {
            "PIR_PUBLIC_URL": public_url,
            "PIR_OIDC_METADATA_URL": f"{self.url}/.well-known/openid-configuration",
            "PIR_OIDC_CLIENT_ID": self.client_id,
            "PIR_OIDC_CLIENT_SECRET": self.client_secret,
        }

    def start(self) -> None:
        """Listen, and answer from now on. Raises LocalError when the port is taken."""
        try:
            self._server = ThreadingHTTPServer(("127.0.0.1", self._port), _handler(self))
        except OSError as error:
            raise LocalError(f"port {self._port} (sign-in) is taken: free it, or set {PORT_VARIABLE}") from error
        self._server.daemon_threads = True
        self._port = self._server.server_address[1]
        threading.Thread(target=self._serve, args=(self._server,), name="identity-provider", daemon=True).start()

    def stop(self) -> None:
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def metadata(self) -> dict[str, Any]:
        """The discovery document."""
        return {
            "issuer": self.url,
            "authorization_endpoint": f"{self.url}/authorize",
            "token_endpoint": f"{self.url}/token",
            "jwks_uri": f"{self.url}/jwks",
            "end_session_endpoint": f"{self.url}/end-session",
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["ES256"],
            "code_challenge_methods_supported": ["S256"],
            "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
            "authorization_response_iss_parameter_supported": True,
        }

    def own_name(self) -> Fields:
        """How it names itself in the answers that browsers carry back (RFC 9207)."""
        return {"iss": self.url}

    def claims(self, grant: Grant) -> dict[str, Any]:
        """The claims of the ID token."""
        person, now = self.staff[grant.role], int(time.time())
        return {
            "iss": self.url,
            "aud": self.client_id,
            "sub": person["id"],
            "name": person["name"],
            "roles": [grant.role],
            "nonce": grant.asked.get("nonce"),
            "iat": now,
            "exp": now + TOKEN_SECONDS,
        }

    def _serve(self, server: ThreadingHTTPServer) -> None:
        from joserfc.jwk import ECKey  # noqa: PLC0415  0.1 s that the start of everything need not wait for

        self._key = ECKey.generate_key("P-256", {"use": "sig", "alg": "ES256"}, auto_kid=True)
        server.serve_forever(poll_interval=0.1)

    def _ask(self, asked: Fields) -> Answer:
        problem = self._problem(asked)
        return pages.refusal(problem) if problem else pages.choice(self.staff, asked, self.redirect_uris)

    def _choose(self, asked: Fields) -> Answer:
        role = asked.pop("role", "")
        if problem := self._problem(asked):
            return pages.refusal(problem)
        if role not in self.staff:
            return self._back(asked, error="access_denied")
        code = secrets.token_urlsafe(24)
        self._grants[code] = Grant(role, asked, time.monotonic() + CODE_SECONDS)
        return self._back(asked, code=code)

    def _problem(self, asked: Fields) -> str:
        """What is wrong with an authorisation request, in words; nothing when it is fine."""
        if asked.get("client_id") != self.client_id or asked.get("redirect_uri") not in self.redirect_uris:
            return "This service and its address are not registered here."
        if asked.get("response_type") != "code" or "openid" not in asked.get("scope", "").split():
            return "Only the authorisation code flow of OpenID Connect is spoken here."
        if asked.get("code_challenge_method") != "S256" or not asked.get("code_challenge"):
            return "A code challenge (PKCE, S256) is needed."
        return ""

    def _back(self, asked: Fields, **said: str) -> Answer:
        said |= self.own_name() | {"state": asked.get("state", "")}
        return to(f"{asked['redirect_uri']}?{urlencode(said)}")

    def _token(self, asked: Fields, authorization: str) -> Answer:
        if not self.is_client(asked, authorization):
            return as_json({"error": "invalid_client"}, 401)
        grant = self._grants.pop(asked.get("code", ""), None)  # whatever comes of it, once
        if (
            grant is None
            or time.monotonic() > grant.until
            or asked.get("grant_type") != "authorization_code"
            or asked.get("redirect_uri") != grant.asked["redirect_uri"]
            or _challenge_of(asked.get("code_verifier", "")) != grant.asked["code_challenge"]
        ):
            return as_json({"error": "invalid_grant"}, 400)
        return as_json(self.tokens(grant))

    def tokens(self, grant: Grant) -> dict[str, Any]:
        """The answer of the token endpoint."""
        from joserfc import jwt  # noqa: PLC0415  as above

        header = {"alg": "ES256", "kid": self._key.kid}
        return {
            "access_token": secrets.token_urlsafe(24),
            "token_type": "Bearer",
            "expires_in": TOKEN_SECONDS,
            "id_token": jwt.encode(header, self.claims(grant), self._key),
        }

    def is_client(self, asked: Fields, authorization: str) -> bool:
        """Whether a call of the token endpoint comes from the client, by its secret."""
        sent = f"{asked.get('client_id', '')}:{asked.get('client_secret', '')}".encode()
        if authorization.startswith("Basic "):
            try:
                sent = base64.b64decode(authorization.removeprefix("Basic "))
            except ValueError:
                return False
        return hmac.compare_digest(sent, f"{self.client_id}:{self.client_secret}".encode())

    def _end_session(self, asked: Fields) -> Answer:
        """There is no session here to end: back to where the person came from, if it is known."""
        back = asked.get("post_logout_redirect_uri", "")
        known = {urlsplit(uri)[:2] for uri in self.redirect_uris}
        return to(back) if urlsplit(back)[:2] in known else pages.signed_out()


def _challenge_of(verifier: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


def _handler(provider: IdentityProvider) -> type[BaseHTTPRequestHandler]:
    class IdentityRequests(BaseHTTPRequestHandler):
        timeout = 10

        def do_GET(self) -> None:
            self._answer(urlsplit(self.path).query)

        def do_POST(self) -> None:
            length = self.headers.get("Content-Length", "")
            if not length.isdecimal() or int(length[:9]) > LARGEST_BODY:
                Answer(413, "text/plain", b"too large").send(self)
                return
            self._answer(self.rfile.read(int(length)).decode("utf-8", "replace"))

        def _answer(self, text: str) -> None:
            route = provider.routes.get((self.command, urlsplit(self.path).path))
            if route is None or self.headers.get("Host") != urlsplit(provider.url).netloc:
                Answer(404, "text/plain", b"nothing here").send(self)  # another Host: not meant for this machine
                return
            asked = dict(parse_qsl(text, keep_blank_values=True))
            route(asked, self.headers.get("Authorization", "")).send(self)

        def log_message(self, *_: object) -> None:
            """Addresses hold codes: nothing is written down."""

    return IdentityRequests
