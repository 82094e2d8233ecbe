"""The council's identity provider, spoken to in OpenID Connect: authorisation code, PKCE (S256), state, nonce, issuer.

Authlib makes the address and checks the claims; joserfc checks the signature. Raises RefusedError: AWAY when the
provider can't be reached, RAN_OUT for the answer of another one, NOT_BELIEVED for anything that fails a later check.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, NamedTuple

import structlog
from authlib.common.urls import add_params_to_uri
from authlib.oauth2.client import OAuth2Client
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import InvalidKeyIdError, JoseError
from joserfc.jws import JWSRegistry
from starlette.datastructures import QueryParams

from shared.sign_in.client import Client
from shared.sign_in.handshakes import Handshake
from shared.sign_in.refusals import Refusal, RefusedError
from shared.sign_in.wire import Wire

log = structlog.get_logger(__name__)

ALGORITHMS: Final = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512")
"""Public keys only: with a shared secret, or none at all, others could sign."""
LEEWAY_SECONDS: Final = 60


class Identity(NamedTuple):
    """What the provider said of a person, checked."""

    claims: dict[str, Any]
    id_token: str
    access_token: str


@dataclass(frozen=True, slots=True)
class Strength:
    """How somebody has to have signed in: with one of these `acr` (a second factor, say), and `max_age` seconds ago at
    most.
    """

    acr: tuple[str, ...] = ()
    max_age: int | None = None

    @property
    def asked(self) -> dict[str, str]:
        """For the authorisation request."""
        asked = {"acr_values": " ".join(self.acr)} if self.acr else {}
        return asked if self.max_age is None else asked | {"max_age": str(self.max_age)}

    def check(self, claims: Mapping[str, Any], *, at: datetime) -> None:
        """Raises ValueError: a provider may answer less than was asked for."""
        if self.acr and claims.get("acr") not in self.acr:
            raise ValueError("acr")
        if self.max_age is not None:
            since = claims.get("auth_time")
            if not isinstance(since, int) or at.timestamp() - since > self.max_age + LEEWAY_SECONDS:
                raise ValueError("auth_time")


ANY_STRENGTH: Final = Strength()


class Provider:
    """One provider, and what it knows us by."""

    def __init__(self, wire: Wire, client: Client, strength: Strength = ANY_STRENGTH) -> None:
        self._wire, self.client, self._strength = wire, client, strength

    async def address(self, handshake: Handshake, *, redirect_uri: str) -> str:
        """Where to send a person to sign in."""
        client = OAuth2Client(None, self.client.id, scope=self.client.scopes, code_challenge_method="S256")
        url, _ = client.create_authorization_url(
            await self._wire.told("authorization_endpoint"),
            state=handshake.state,
            nonce=handshake.nonce,
            code_verifier=handshake.verifier,
            redirect_uri=redirect_uri,
            **self._strength.asked,
        )
        return str(url)

    async def redeem(self, answer: QueryParams, handshake: Handshake, *, redirect_uri: str, at: datetime) -> Identity:
        """Who came back with this answer; an error in it raises STOPPED or PROVIDER."""
        await self._expect_own_name(answer.getlist("iss"))
        error, code = answer.get("error"), answer.get("code")
        if error is not None or not code:
            raise RefusedError(Refusal.STOPPED if error == "access_denied" else Refusal.PROVIDER)
        tokens = await self._exchange(code, handshake.verifier, redirect_uri=redirect_uri, at=at)
        id_token, access_token = tokens.get("id_token"), tokens.get("access_token")
        if not isinstance(id_token, str) or not isinstance(access_token, str):
            raise RefusedError(Refusal.NOT_BELIEVED)
        try:
            claims = await self._check(id_token, access_token, nonce=handshake.nonce, at=at)
            self._strength.check(claims, at=at)
        except (JoseError, ValueError, TypeError, KeyError) as error:
            log.warning("an ID token is not believed", cause=type(error).__name__)
            raise RefusedError(Refusal.NOT_BELIEVED) from None
        return Identity(claims, id_token, access_token)

    async def more_claims(self, known: Identity) -> dict[str, Any]:
        """Its claims with those of the user info endpoint, where CIS2 keeps roles; of the very same person only."""
        url = (await self._wire.metadata()).get("userinfo_endpoint")
        if not url:
            return known.claims
        found = await self._wire.get(url, token=known.access_token)
        if found.get("sub") != known.claims["sub"]:
            raise RefusedError(Refusal.NOT_BELIEVED)
        return found | known.claims

    async def farewell(self, id_token: str, *, back: str) -> str | None:
        """Where to end the session at the provider as well; None when it has no such place or does not answer."""
        try:
            url = (await self._wire.metadata()).get("end_session_endpoint")
        except RefusedError:
            return None
        asked = {"id_token_hint": id_token, "post_logout_redirect_uri": back, "client_id": self.client.id}
        return str(add_params_to_uri(url, list(asked.items()))) if url else None

    async def _expect_own_name(self, named: list[str]) -> None:
        """A code of one provider is never sent to another (mix-up, RFC 9207)."""
        is_promised = (await self._wire.metadata()).get("authorization_response_iss_parameter_supported") is True
        if (named or is_promised) and named != [await self._wire.told("issuer")]:
            raise RefusedError(Refusal.RAN_OUT)

    async def issuer(self) -> str:
        """Raises RefusedError."""
        return await self._wire.told("issuer")

    async def signed_by_it(self, text: str) -> jwt.Token:
        """A token with a signature of its keys; raises JoseError and ValueError otherwise."""
        registry = JWSRegistry(algorithms=ALGORITHMS, strict_check_header=False)
        try:
            return jwt.decode(text, await self._wire.keys(), registry=registry)
        except InvalidKeyIdError:  # the provider has changed its keys
            return jwt.decode(text, await self._wire.keys(are_new=True), registry=registry)

    async def _exchange(self, code: str, verifier: str, *, redirect_uri: str, at: datetime) -> dict[str, Any]:
        url = await self._wire.told("token_endpoint")
        asked = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": redirect_uri,
            "code_verifier": verifier,
        }
        headers, body = self.client.prove(asked, url=url, metadata=await self._wire.metadata(), at=at)
        return await self._wire.post(url, headers=headers, body=body)

    async def _check(self, id_token: str, access_token: str, *, nonce: str, at: datetime) -> dict[str, Any]:
        token = await self.signed_by_it(id_token)
        wanted = {"iss": await self.issuer(), "aud": self.client.id, "nonce": nonce}
        claims = CodeIDToken(
            token.claims,
            token.header,
            {name: {"essential": True, "value": value} for name, value in wanted.items()}
            | {"sub": {"essential": True}},
            {"nonce": nonce, "client_id": self.client.id, "access_token": access_token},
        )
        claims.validate(now=int(at.timestamp()), leeway=LEEWAY_SECONDS)
        return dict(claims)
