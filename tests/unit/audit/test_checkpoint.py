"""Signed statements, and the key file they are signed with."""

import stat
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from services.audit.checkpoint import KeyFileUnusable, Purpose, Statement, load_signer
from tests.support.audit_records import NOON, SHOP, SIGNER, STRANGER

STATEMENT = Statement(Purpose.CHECKPOINT, SHOP, 42, bytes(range(32)), NOON)


def test_an_outsider_can_check_a_signature_from_the_documentation_alone() -> None:
    """Ed25519 over a line with the purpose, then JSON as RFC 8785 writes it."""
    signed = SIGNER.sign(STATEMENT)
    message = (
        b"kefu.audit.v1.checkpoint\n"
        b'{"chain":"tenants/shop","hash":"' + bytes(range(32)).hex().encode() + b'",'
        b'"sequence":42,"time":"2026-03-14T12:00:00.250000Z"}'
    )
    Ed25519PublicKey.from_public_bytes(signed.public_key).verify(signed.signature, message)


@pytest.mark.parametrize(
    "changed",
    [
        replace(STATEMENT, purpose=Purpose.ANCHOR),
        replace(STATEMENT, chain="tenants/bank"),
        replace(STATEMENT, sequence=41),
        replace(STATEMENT, hash=bytes(32)),
        replace(STATEMENT, time=NOON + timedelta(microseconds=1)),
    ],
)
def test_a_signature_covers_every_field(changed: Statement) -> None:
    """Nothing of a statement can change under its signature."""
    signed = SIGNER.sign(STATEMENT)
    assert signed.is_signed_by(SIGNER.public_key)
    assert not replace(signed, statement=changed).is_signed_by(SIGNER.public_key)


def test_trust_comes_from_the_key_one_knows_not_from_the_key_inside() -> None:
    """A stranger's signature is perfect under the stranger's own key, and worth nothing."""
    forged = STRANGER.sign(STATEMENT)
    assert not forged.is_signed_by(SIGNER.public_key)
    assert not replace(forged, public_key=SIGNER.public_key).is_signed_by(SIGNER.public_key)


@pytest.mark.parametrize("length", [0, 31, 33])
def test_a_key_of_a_wrong_length_signs_nothing(length: int) -> None:
    """Garbage from outside is a no, not a crash."""
    signed = replace(SIGNER.sign(STATEMENT), public_key=bytes(length))
    assert not signed.is_signed_by(bytes(length))


def test_the_key_is_made_once_and_for_its_owner_only(tmp_path: Path) -> None:
    """The first start makes the key with mode 0600; later starts sign with the same."""
    path = tmp_path / "keys" / "audit.pem"
    first, second = load_signer(path), load_signer(path)
    assert first.public_key == second.public_key
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(path.parent.iterdir()) == [path]


def test_replicas_that_start_together_share_one_key(tmp_path: Path) -> None:
    """Whoever loses the race signs with the winner's key."""
    path = tmp_path / "audit.pem"
    with ThreadPoolExecutor(8) as threads:
        signers = list(threads.map(load_signer, [path] * 8))
    assert len({signer.public_key for signer in signers}) == 1
    assert list(tmp_path.iterdir()) == [path]


def test_a_key_that_everybody_can_read_is_refused(tmp_path: Path) -> None:
    """The message says which command helps."""
    path = tmp_path / "audit.pem"
    load_signer(path)
    path.chmod(0o644)
    with pytest.raises(KeyFileUnusable, match="chmod o-rw"):
        load_signer(path)


def test_a_file_without_an_ed25519_key_is_refused(tmp_path: Path) -> None:
    """Neither garbage nor a key of another kind can sign."""
    path = tmp_path / "audit.pem"
    path.write_text("not a key")
    path.chmod(0o600)
    with pytest.raises(KeyFileUnusable, match="no readable private key"):
        load_signer(path)
    path.write_bytes(
        ec.generate_private_key(ec.SECP256R1()).private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    with pytest.raises(KeyFileUnusable, match="another kind"):
        load_signer(path)
