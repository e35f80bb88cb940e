"""Nobody gets in without a certificate of our CA that names one identity of our trust domain."""

import asyncio
import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import grpc
import pytest
from kefu.errors import ServiceUnavailable
from kefu.intent.v1.intent_pb2 import ClassifyRequest
from kefu.intent.v1.intent_pb2_grpc import IntentServiceStub

from services.local.ca import Authority, Leaf, spiffe_id
from services.mesh.tls import KeyPair, TlsInvalid
from tests.support.certificates import leaf_of_a_leaf, rsa_leaf
from tests.support.contract import everything
from tests.support.mesh import error_of, serve, wired, write_leaf

REQUEST = ClassifyRequest(tenant="tenants/shop", text="你好")
GOOD = spiffe_id("test-session")


def expired(authority: Authority) -> Leaf:
    """A leaf whose life ended yesterday."""
    begin = datetime.now(UTC) - timedelta(days=3)
    return authority.issue("test-session", valid_from=begin, life=timedelta(days=2))


def not_yet_valid(authority: Authority) -> Leaf:
    """A leaf whose life begins tomorrow."""
    return authority.issue("test-session", valid_from=datetime.now(UTC) + timedelta(days=1))


@pytest.mark.parametrize(
    "leaf",
    [
        pytest.param(lambda _: Authority.create().issue("test-session"), id="another CA"),
        pytest.param(expired, id="expired"),
        pytest.param(not_yet_valid, id="not yet valid"),
        pytest.param(lambda ca: leaf_of_a_leaf(ca, "test-session"), id="signed by a leaf"),
    ],
)
async def test_a_certificate_that_tls_refuses(leaf: Callable[[Authority], Leaf]) -> None:
    """The handshake fails: no call begins."""
    async with serve("intent", wired(*everything())) as server:
        stub = IntentServiceStub(
            server.channel(write_leaf(server.folder, "bad", leaf(server.authority)))
        )
        error = await error_of(stub.Classify(REQUEST, timeout=5))
        assert isinstance(error, ServiceUnavailable)
        assert server.spooled() == []


async def test_no_certificate() -> None:
    """A client that trusts us and shows nothing is not let in."""
    async with serve("intent", wired(*everything())) as server:
        trusting = grpc.ssl_channel_credentials(server.authority.certificate_pem)
        async with grpc.aio.secure_channel(server.address, trusting) as channel:
            error = await error_of(IntentServiceStub(channel).Classify(REQUEST, timeout=5))
    assert isinstance(error, ServiceUnavailable)


async def test_no_tls() -> None:
    """There is no plaintext port."""
    async with (
        serve("intent", wired(*everything())) as server,
        grpc.aio.insecure_channel(server.address) as channel,
    ):
        error = await error_of(IntentServiceStub(channel).Classify(REQUEST, timeout=5))
    assert isinstance(error, ServiceUnavailable)


@pytest.mark.parametrize(
    ("uris", "problem"),
    [
        ([], "no SPIFFE URI"),
        ([GOOD, spiffe_id("operator")], "2 URIs"),
        ([GOOD, "urn:uuid:5f0d3c52-8d3b-4f4e-9e3a-0d1c5b6a7f80"], "2 URIs"),
        ([spiffe_id("test-session", trust_domain="evil.example")], "wrong trust domain"),
        (["https://kefu.local/ns/kefu/sa/test-session"], "not a SPIFFE URI"),
        (["spiffe://kefu.local/test-session"], "not a SPIFFE URI"),
        ([GOOD + "/more"], "not a SPIFFE URI"),
        ([GOOD + "?x=1"], "not a SPIFFE URI"),
        (["spiffe://kefu.local:443/ns/kefu/sa/test-session"], "not a SPIFFE URI"),
    ],
)
async def test_a_certificate_without_one_identity(uris: list[str], problem: str) -> None:
    """TLS lets it through, we do not, and the attempt is on record."""
    async with serve("intent", wired(*everything())) as server:
        leaf = server.authority.issue("test-session", uris=uris)
        stub = IntentServiceStub(server.channel(write_leaf(server.folder, "bad", leaf)))
        error = await error_of(stub.Classify(REQUEST, timeout=5))
        [event] = server.spooled()
    assert (error.code.name, error.reason) == ("UNAUTHENTICATED", "CALLER_UNIDENTIFIED")
    assert problem in error.metadata["problem"]
    assert (event.identity, event.reason) == ("", "CALLER_UNIDENTIFIED")


async def test_a_role_in_a_header_is_worth_nothing() -> None:
    """Identity comes from the certificate, whatever else a caller says of itself."""
    async with serve("intent", wired(*everything())) as server:
        stub = server.stub(IntentServiceStub, role="auditor")
        boast = (("x-role", "session"), ("x-forwarded-client-cert", f"URI={GOOD}"))
        error = await error_of(stub.Classify(REQUEST, timeout=5, metadata=boast))
    assert error.reason == "METHOD_NOT_ALLOWED"


async def s_client(address: str, keys: KeyPair, *options: str) -> tuple[int, str]:
    """Exit status and output of a handshake by openssl, which knows nothing of our settings."""
    process = await asyncio.create_subprocess_exec(
        "openssl", "s_client", "-connect", address, "-alpn", "h2", "-verify_return_error",
        "-CAfile", str(keys.ca_file), "-cert", str(keys.cert_file), "-key", str(keys.key_file),
        *options,
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    output, _ = await asyncio.wait_for(process.communicate(), 10)
    return process.returncode or 0, output.decode(errors="replace")


@pytest.mark.skipif(not shutil.which("openssl"), reason="no openssl command here (2026-11)")
@pytest.mark.parametrize(
    ("options", "version"),
    [(["-tls1_3"], "TLSv1.3"), (["-tls1_2"], ""), (["-tls1_1", "-cipher", "ALL:@SECLEVEL=0"], "")],
)
async def test_tls_versions_as_openssl_sees_them(options: list[str], version: str) -> None:
    """TLS 1.3 with a client certificate connects; TLS 1.2 and 1.1 find no way in."""
    async with serve("intent", wired(*everything())) as server:
        status, output = await s_client(server.address, server.keys("test-session"), *options)
    if version:
        assert status == 0, output
        assert f"New, {version}" in output
        assert "ALPN protocol: h2" in output
    else:
        assert status != 0
        assert "New, (NONE)" in output or "handshake failure" in output, output


async def test_a_server_with_an_rsa_leaf_does_not_start() -> None:
    """With RSA, TLS 1.2 would find a cipher suite: the server's own probe stops the start."""
    with pytest.raises(TlsInvalid, match=r"accepts TLS 1\.2; use an ECDSA certificate"):
        async with serve("intent", wired(*everything()), leaf=rsa_leaf):
            pass


async def test_a_server_without_its_files_says_which(tmp_path: Path) -> None:
    """Every missing file at once."""
    missing = {name: tmp_path / name for name in ("cert_file", "key_file", "ca_file")}
    with pytest.raises(TlsInvalid, match=r"cert_file.*key_file.*ca_file"):
        async with serve("intent", wired(), **missing):
            pass


async def test_a_key_of_another_certificate_is_noticed() -> None:
    """A mixed-up pair is said before anything listens."""
    stray = Authority.create().issue("intent").key

    def mixed_up(authority: Authority, name: str) -> Leaf:
        return Leaf(authority.issue(name).certificate, stray)

    with pytest.raises(TlsInvalid, match=r"intent\.pem"):
        async with serve("intent", wired(), leaf=mixed_up):
            pass
