"""The directory in which one machine's mesh keeps everything it has.

```
mesh.json                        addresses and states (see `services.local.status`)
lock                             held while a mesh runs on this home; holds its process id
ca/ca.pem, ca/ca.key             the throwaway certificate authority
certs/<service>.{pem,key}        what each service shows to the others
clients/<name>/{cert,key,ca}.pem what another system needs to call; `operator` is the CLI's own
audit/signing.key                what the audit service signs its heads with
audit/<chain>.checkpoint         the head that `kefu audit verify` found last
policy.yaml                      who may call what: the project's policy and this home's bindings
bindings.yaml                    the bindings that `kefu certs issue` added
tenants/<tenant>/actions.yaml    where the systems are that carry out a tenant's operations
logs/<process>.log               what each process wrote
spool/<service>/                 audit records on their way
postgres/, valkey/               the embedded servers
```
"""

import os
import re
from dataclasses import dataclass
from pathlib import Path

from services.local.problem import Problem

DEFAULT = Path(".kefu")
"""Where `kefu up` keeps its data unless told otherwise, relative to the working directory."""

NAME = re.compile(r"[a-z][a-z0-9-]{0,62}")
"""Names of services and clients: they become file names, DNS names and parts of SPIFFE ids."""

DIRECTORIES = (
    "audit",
    "ca",
    "certs",
    "clients",
    "logs",
    "postgres",
    "spool",
    "tenants",
    "valkey",
)
"""Directories that every home has."""


@dataclass(frozen=True, slots=True)
class Home:
    """Paths of one home; nothing is read or made until asked.

    Attributes:
        root: absolute path of the directory.
    """

    root: Path

    @classmethod
    def at(cls, path: Path) -> "Home":
        """Return the home at a path that may be relative."""
        return cls(path.expanduser().resolve())

    def create(self) -> None:
        """Make the directories, readable by this user alone.

        Raises:
            Problem: the place cannot be written.
        """
        try:
            self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
            for name in DIRECTORIES:
                (self.root / name).mkdir(mode=0o700, exist_ok=True)
        except OSError as error:
            raise Problem(
                f"{self.root} cannot be used as home ({error.strerror})",
                "choose another directory with --home",
            ) from error

    @property
    def mesh_file(self) -> Path:
        """Addresses and states of the running mesh."""
        return self.root / "mesh.json"

    @property
    def lock_file(self) -> Path:
        """Locked by the supervisor that runs on this home."""
        return self.root / "lock"

    @property
    def ca_file(self) -> Path:
        """Certificate of the throwaway authority."""
        return self.root / "ca" / "ca.pem"

    @property
    def ca_key_file(self) -> Path:
        """Private key of the throwaway authority."""
        return self.root / "ca" / "ca.key"

    @property
    def policy_file(self) -> Path:
        """The policy that the services of this home enforce."""
        return self.root / "policy.yaml"

    @property
    def bindings_file(self) -> Path:
        """Bindings of the clients that were issued here."""
        return self.root / "bindings.yaml"

    @property
    def postgres(self) -> Path:
        """Directory of the embedded PostgreSQL."""
        return self.root / "postgres"

    @property
    def valkey(self) -> Path:
        """Directory of the embedded Valkey."""
        return self.root / "valkey"

    @property
    def tenants(self) -> Path:
        """Directory with each tenant's action servers, `<tenant>/actions.yaml`."""
        return self.root / "tenants"

    @property
    def signing_key_file(self) -> Path:
        """The audit service's private key; made by that service."""
        return self.root / "audit" / "signing.key"

    def checkpoint_file(self, chain: str) -> Path:
        """The head of an audit chain that was verified last."""
        return self.root / "audit" / f"{chain}.checkpoint"

    def cert_file(self, service: str) -> Path:
        """Certificate of a service, PEM."""
        return self.root / "certs" / f"{service}.pem"

    def key_file(self, service: str) -> Path:
        """Private key of a service, PEM."""
        return self.root / "certs" / f"{service}.key"

    def client(self, name: str) -> Path:
        """Directory of a client's `cert.pem`, `key.pem` and `ca.pem`."""
        return self.root / "clients" / name

    def log(self, process: str) -> Path:
        """Log of a process, by its name in `mesh.json`."""
        return self.root / "logs" / f"{process}.log"

    def spool(self, service: str) -> Path:
        """Directory in which a service keeps audit records until they are delivered."""
        return self.root / "spool" / service


def write(path: Path, content: bytes, mode: int = 0o600) -> None:
    """Replace a file in one step, so that nobody ever reads half of it.

    Args:
        path: the file; its directory is made with mode 0700 if missing.
        content: the new bytes.
        mode: permission bits; the default lets only this user read.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    with open(descriptor, "wb") as file:
        file.write(content)
    unfinished.replace(path)


def checked_name(name: str) -> str:
    """Return a client's name unchanged.

    Raises:
        Problem: it could not be part of a path and of a SPIFFE id.
    """
    if not NAME.fullmatch(name):
        raise Problem(
            f"{name!r} is not a usable name",
            "take lower-case letters, digits and hyphens, a letter first, at most 63",
        )
    return name
