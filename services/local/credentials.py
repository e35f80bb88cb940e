"""The certificates of a home: made at the first `kefu up`, renewed by a later one."""

from pathlib import Path

from services.local import home as home_module
from services.local.ca import Authority, Leaf
from services.local.home import Home

OPERATOR = "operator"
"""The client that the `kefu` command itself uses."""


def authority(home: Home) -> Authority:
    """Return the home's authority; a new one where there is none or it nears its end."""
    if home.ca_file.exists() and home.ca_key_file.exists():
        known = Authority.load(home.ca_file.read_bytes(), home.ca_key_file.read_bytes())
        if not known.expiring:
            return known
    new = Authority.create()
    home_module.write(home.ca_key_file, new.key_pem)
    home_module.write(home.ca_file, new.certificate_pem, 0o644)
    return new


def renew(home: Home, services: list[str]) -> None:
    """See to it that every service, the operator and every issued client has a good certificate."""
    signer = authority(home)
    for name in services:
        if _wants_new(signer, home.cert_file(name), home.key_file(name)):
            _save(signer.issue(name), home.cert_file(name), home.key_file(name))
    issued = {each.name for each in (home.root / "clients").iterdir()}
    for name in sorted(issued | {OPERATOR}):
        write_client(signer, name, home.client(name), only_if_due=True)


def write_client(
    signer: Authority, name: str, directory: Path, *, only_if_due: bool = False
) -> None:
    """Write `cert.pem`, `key.pem` and `ca.pem` of a client into a directory.

    Args:
        signer: the authority that issues.
        name: the client's name, the last part of its SPIFFE id.
        directory: where to; made if missing.
        only_if_due: keep a certificate that is good for a while yet.
    """
    certificate, key = directory / "cert.pem", directory / "key.pem"
    if not only_if_due or _wants_new(signer, certificate, key):
        _save(signer.issue(name), certificate, key)
        home_module.write(directory / "ca.pem", signer.certificate_pem, 0o644)


def _wants_new(signer: Authority, certificate: Path, key: Path) -> bool:
    there = certificate.exists() and key.exists()
    return not there or signer.should_renew(certificate.read_bytes())


def _save(leaf: Leaf, certificate: Path, key: Path) -> None:
    home_module.write(key, leaf.key)
    home_module.write(certificate, leaf.certificate, 0o644)
