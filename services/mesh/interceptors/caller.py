"""Finds out who calls: the certificate's identity and, where sent, the signed end user."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import jwt
from kefu.errors import EndUserTokenInvalid, KefuError

from services.mesh.calls import Call, Middleware
from services.mesh.identity import Caller, spiffe_identity
from services.mesh.names import END_USER_KEY

_ALGORITHMS = ["ES256", "EdDSA", "RS256"]


class CallerIdentity(Middleware):
    """Sets `call.caller`, or `call.refusal` where the caller cannot be identified.

    A refusal is raised by the authorise step, so that the audit step between them records it.

    Args:
        trust_domain: SPIFFE trust domain that callers must belong to.
        end_user_key: PEM public key that signs end-user tokens (JWT: `sub`, `exp`); None: none are
            accepted.
    """

    name = "caller"

    def __init__(self, trust_domain: str, end_user_key: str | None) -> None:
        self._trust_domain = trust_domain
        self._end_user_key = end_user_key

    @asynccontextmanager
    async def around(self, call: Call) -> AsyncIterator[None]:
        """Identify, never raise."""
        try:
            identity = spiffe_identity(call.certificate_uris, self._trust_domain)
            call.caller = Caller(identity)
            token = call.metadata.get(END_USER_KEY)
            if token is not None:
                call.caller = Caller(identity, end_user=self._end_user(token))
        except KefuError as refusal:
            call.refusal = refusal
        yield

    def _end_user(self, token: str) -> str:
        if self._end_user_key is None:
            raise EndUserTokenInvalid(problem="this server has no key for end-user tokens")
        try:
            claims = jwt.decode(
                token, self._end_user_key, _ALGORITHMS, options={"require": ["exp", "sub"]}
            )
        except (jwt.PyJWTError, TypeError, ValueError) as error:
            # A token whose algorithm does not fit our key is an error of the key, not of the token.
            raise EndUserTokenInvalid(problem=type(error).__name__) from None
        return str(claims["sub"])[:256]
