"""On whose behalf: a signed token beside the certificate, recorded in the audit."""

import time
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from kefu.errors import EndUserTokenInvalid
from kefu.intent.v1.intent_pb2 import ClassifyRequest
from kefu.intent.v1.intent_pb2_grpc import IntentServiceStub

from tests.support.contract import everything
from tests.support.mesh import error_of, serve, wired

REQUEST = ClassifyRequest(tenant="tenants/shop", text="你好")
KEY = ec.generate_private_key(ec.SECP256R1())


def public_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    """What the server is given."""
    return key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )


def token(key: Any = KEY, algorithm: str = "ES256", **claims: Any) -> str:
    """A token that is good unless told otherwise; a claim of None is left out."""
    good = {"sub": "customer-42", "exp": int(time.time()) + 60}
    kept = {name: value for name, value in (good | claims).items() if value is not None}
    return jwt.encode(kept, key, algorithm=algorithm)


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    """The public key of the system that signs tokens."""
    path = tmp_path / "end-user.pem"
    path.write_bytes(public_pem(KEY))
    return path


async def test_the_end_user_is_on_record(key_file: Path) -> None:
    """Beside the caller's identity, never in its place."""
    async with serve("intent", wired(*everything()), end_user_key_file=key_file) as server:
        stub = server.stub(IntentServiceStub, role="session")
        await stub.Classify(REQUEST, timeout=5, metadata=(("kefu-end-user", token()),))
        await stub.Classify(REQUEST, timeout=5)
        with_token, without = server.spooled()
    assert with_token.identity.endswith("/sa/test-session")
    assert (with_token.end_user, without.end_user) == ("customer-42", "")


@pytest.mark.parametrize(
    "sent",
    [
        pytest.param(token(exp=1), id="expired"),
        pytest.param(token(exp=None), id="without an end"),
        pytest.param(token(sub=None), id="without a name"),
        pytest.param(token(sub=42), id="a name that is no text"),
        pytest.param(token(nbf=int(time.time()) + 600), id="not yet"),
        pytest.param(token(aud="somebody-else"), id="for somebody else"),
        pytest.param(token(ec.generate_private_key(ec.SECP256R1())), id="another key"),
        pytest.param(token(ed25519.Ed25519PrivateKey.generate(), "EdDSA"), id="another algorithm"),
        pytest.param(token("s" * 32, "HS256"), id="a shared secret"),
        pytest.param(token(None, "none"), id="no signature"),
        pytest.param("a.b.c", id="no token"),
        pytest.param("", id="empty"),
    ],
)
async def test_a_token_that_cannot_be_trusted(key_file: Path, sent: str) -> None:
    """Refused and recorded, whatever is wrong with it; the caller's own right does not help."""
    async with serve("intent", wired(*everything()), end_user_key_file=key_file) as server:
        stub = server.stub(IntentServiceStub, role="session")
        error = await error_of(
            stub.Classify(REQUEST, timeout=5, metadata=(("kefu-end-user", sent),))
        )
        [event] = server.spooled()
    assert type(error) is EndUserTokenInvalid
    assert error.metadata["problem"]
    assert (event.outcome, event.end_user) == ("UNAUTHENTICATED", "")


async def test_a_server_without_a_key_takes_no_token() -> None:
    """It could not tell a good one from a bad one, and says so."""
    async with serve("intent", wired(*everything())) as server:
        stub = server.stub(IntentServiceStub, role="session")
        error = await error_of(
            stub.Classify(REQUEST, timeout=5, metadata=(("kefu-end-user", token()),))
        )
    assert type(error) is EndUserTokenInvalid
    assert "no key" in error.metadata["problem"]
