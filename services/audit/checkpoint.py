"""Signed statements about a chain: "at sequence n its hash was h", Ed25519 (RFC 8032).

Two purposes, signed apart so that neither can stand in for the other: a *checkpoint* states where
a chain ends, an *anchor* states what the last record was that retention removed. Whoever can edit
the database but lacks the key can neither cut the tail nor the beginning off a chain unnoticed.
What the key alone cannot show is a database put back to an older, genuinely signed state; for
that an auditor keeps a checkpoint elsewhere and verifies against it.
"""

import os
import stat
import tempfile
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from kefu.errors import KefuError

from services.audit.chain import jcs, rfc3339


class Purpose(StrEnum):
    """What a signed statement may be used for."""

    CHECKPOINT = "checkpoint"
    """The chain reached this record."""
    ANCHOR = "anchor"
    """Records up to and including this one were removed by retention."""


@dataclass(frozen=True, slots=True)
class Statement:
    """Where a chain stood."""

    purpose: Purpose
    chain: str
    sequence: int
    """Sequence of the record that the statement names."""
    hash: bytes
    """That record's hash, 32 bytes."""
    time: datetime
    """That record's `recorded_at`."""

    def message(self) -> bytes:
        """Return the bytes that are signed: a line naming the purpose, then RFC 8785 JSON."""
        body: dict[str, object] = {
            "chain": self.chain,
            "hash": self.hash.hex(),
            "sequence": self.sequence,
            "time": rfc3339(self.time),
        }
        return f"kefu.audit.v1.{self.purpose}\n".encode() + jcs(body)


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A statement with its signature."""

    statement: Statement
    signature: bytes
    """Ed25519, 64 bytes."""
    public_key: bytes
    """Raw Ed25519 public key that made the signature, 32 bytes. Says who claims to have signed;
    trust comes from comparing it with a key obtained otherwise."""

    def is_signed_by(self, public_key: bytes) -> bool:
        """Tell whether the holder of `public_key` (raw, 32 bytes) signed the statement."""
        if self.public_key != public_key:
            return False
        try:
            key = Ed25519PublicKey.from_public_bytes(public_key)
            key.verify(self.signature, self.statement.message())
        except (InvalidSignature, ValueError):
            return False
        return True


class Signer:
    """Signs statements with the service's private key."""

    def __init__(self, key: Ed25519PrivateKey) -> None:
        """Sign with `key`."""
        self._key = key
        self.public_key = key.public_key().public_bytes_raw()
        """Raw Ed25519 public key, 32 bytes."""

    def sign(self, statement: Statement) -> Checkpoint:
        """Return the statement, signed."""
        return Checkpoint(statement, self._key.sign(statement.message()), self.public_key)


class KeyFileUnusable(KefuError):
    """The signing key's file cannot be used; the message says why and what to do."""

    summary = "the signing key's file cannot be used"


def load_signer(path: Path) -> Signer:
    """Return the signer of the key in `path` (PKCS#8 PEM), made with mode 0600 if missing.

    Replicas that start together and share the folder all end up with the same key: the file
    appears complete or not at all, and the first one wins.

    Raises:
        KeyFileUnusable: the file cannot be made or read, other users can read it, or it holds no
            Ed25519 key.
    """
    try:
        if not path.exists():
            _create(path)
        mode, content = path.stat().st_mode, path.read_bytes()
    except OSError as error:
        raise KeyFileUnusable(f"{path}: {error.strerror}") from error
    if stat.S_IMODE(mode) & (stat.S_IROTH | stat.S_IWOTH):
        raise KeyFileUnusable(f"{path} is open to every user; run: chmod o-rw {path}")
    try:
        key = serialization.load_pem_private_key(content, password=None)
    except (ValueError, TypeError) as error:
        raise KeyFileUnusable(f"{path} holds no readable private key") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise KeyFileUnusable(f"{path} holds a key of another kind than Ed25519")
    return Signer(key)


def _create(path: Path) -> None:
    pem = Ed25519PrivateKey.generate().private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    # mkstemp makes the file 0600; link() then refuses to replace a key made meanwhile.
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=".key-")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(pem)
            file.flush()
            os.fsync(file.fileno())
        os.link(name, path)
    except FileExistsError:
        return
    finally:
        os.unlink(name)
