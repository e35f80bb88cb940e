"""The throwaway certificate authority of one machine, and the leaves it issues.

Every leaf carries exactly one SPIFFE URI: that is the identity the mesh reads. Keys are ECDSA
P-256; the mesh offers no cipher suite that an RSA leaf could use (SPIFFE X.509-SVID, RFC 5280).
A real deployment brings certificates of its own authority and does not use this module.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

TRUST_DOMAIN = "kefu.local"
"""SPIFFE trust domain of the one-machine default."""

CA_LIFE = timedelta(days=365)
"""Life of the authority: a laptop's experiment, not a company's root."""

LEAF_LIFE = timedelta(days=30)
"""Life of a leaf: `kefu up` renews it, so a copy that got lost is soon worthless."""

RENEW_BEFORE = timedelta(days=10)
"""A leaf with less life than this is issued anew: a mesh may stay up for a week."""

CLOCK_SKEW = timedelta(minutes=5)
"""Leaves begin this long ago, so that a machine whose clock is behind accepts them."""


@dataclass(frozen=True, slots=True)
class Leaf:
    """A certificate and its private key.

    Attributes:
        certificate: PEM.
        key: PEM, PKCS #8, not encrypted.
    """

    certificate: bytes
    key: bytes


def spiffe_id(name: str, trust_domain: str = TRUST_DOMAIN) -> str:
    """Return the identity of a service or client, `spiffe://<domain>/ns/kefu/sa/<name>`."""
    return f"spiffe://{trust_domain}/ns/kefu/sa/{name}"


@dataclass(frozen=True, slots=True)
class Authority:
    """A certificate authority whose key this process holds."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    @classmethod
    def create(cls) -> "Authority":
        """Make a new authority with a new key."""
        key = ec.generate_private_key(ec.SECP256R1())
        name = _name("Kefu throwaway CA")
        now = datetime.now(UTC)
        certificate = (
            _builder(name, name, key, now - CLOCK_SKEW, now + CA_LIFE)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_usage(sign_certificates=True), critical=True)
            .sign(key, hashes.SHA256())
        )
        return cls(certificate, key)

    @classmethod
    def load(cls, certificate: bytes, key: bytes) -> "Authority":
        """Read an authority back from the PEM of `certificate_pem` and `key_pem`."""
        private = serialization.load_pem_private_key(key, password=None)
        if not isinstance(private, ec.EllipticCurvePrivateKey):
            raise ValueError("the authority's key is not an ECDSA key")
        return cls(x509.load_pem_x509_certificate(certificate), private)

    @property
    def certificate_pem(self) -> bytes:
        """The authority's certificate, PEM."""
        return self.certificate.public_bytes(serialization.Encoding.PEM)

    @property
    def key_pem(self) -> bytes:
        """The authority's private key, PEM."""
        return _key_pem(self.key)

    def issue(
        self,
        name: str,
        *,
        uris: Sequence[str] | None = None,
        valid_from: datetime | None = None,
        life: timedelta = LEAF_LIFE,
    ) -> Leaf:
        """Issue a leaf that both ends of a connection can show.

        Args:
            name: service or client; also a DNS name beside `localhost` and 127.0.0.1.
            uris: URI names; the one SPIFFE id of `name` when None. Tests ask for bad ones.
            valid_from: begin of its life; now, less the clock skew, when None.
            life: how long it is valid.
        """
        key = ec.generate_private_key(ec.SECP256R1())
        begin = valid_from or datetime.now(UTC) - CLOCK_SKEW
        names: list[x509.GeneralName] = [
            x509.UniformResourceIdentifier(uri)
            for uri in ([spiffe_id(name)] if uris is None else uris)
        ]
        names += [
            x509.DNSName("localhost"),
            x509.DNSName(name),
            x509.IPAddress(ip_address("127.0.0.1")),
        ]
        both_ends = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
        certificate = (
            _builder(_name(name), self.certificate.subject, key, begin, begin + life)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage(sign_certificates=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage(both_ends), critical=False)
            .add_extension(x509.SubjectAlternativeName(names), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key()),
                critical=False,
            )
            .sign(self.key, hashes.SHA256())
        )
        return Leaf(certificate.public_bytes(serialization.Encoding.PEM), _key_pem(key))

    def should_renew(self, certificate: bytes) -> bool:
        """Say whether a leaf is near its end, or was issued by another authority."""
        leaf = x509.load_pem_x509_certificate(certificate)
        try:
            leaf.verify_directly_issued_by(self.certificate)
        except (InvalidSignature, ValueError):
            return True
        return _ends_within(leaf, RENEW_BEFORE)

    @property
    def expiring(self) -> bool:
        """Whether a leaf issued today would outlive the authority."""
        return _ends_within(self.certificate, LEAF_LIFE)


def _ends_within(certificate: x509.Certificate, span: timedelta) -> bool:
    return certificate.not_valid_after_utc - datetime.now(UTC) < span


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePrivateKey,
    begin: datetime,
    end: datetime,
) -> x509.CertificateBuilder:
    """Fill in what the authority's certificate and a leaf have in common."""
    public = key.public_key()
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(begin)
        .not_valid_after(end)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
    )


def _usage(*, sign_certificates: bool) -> x509.KeyUsage:
    """Key usage of the authority (signs certificates) or of a leaf (signs handshakes)."""
    return x509.KeyUsage(
        digital_signature=not sign_certificates,
        key_cert_sign=sign_certificates,
        crl_sign=sign_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _key_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
