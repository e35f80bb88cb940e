"""Certificates that no honest part of the mesh would show."""

from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

from services.local.ca import Authority, Leaf, spiffe_id


def rsa_leaf(authority: Authority, name: str) -> Leaf:
    """A leaf of the right CA and identity whose key is RSA, with which TLS 1.2 would work."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    begin = datetime.now(UTC) - timedelta(minutes=5)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
        .issuer_name(authority.certificate.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begin)
        .not_valid_after(begin + timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName(
                [x509.UniformResourceIdentifier(spiffe_id(name)), x509.DNSName("localhost")]
            ),
            critical=False,
        )
        .sign(authority.key, hashes.SHA256())
    )
    return Leaf(certificate.public_bytes(serialization.Encoding.PEM), _pem(key))


def leaf_of_a_leaf(authority: Authority, name: str) -> Leaf:
    """A leaf that another leaf signed, though only the CA may, sent with its would-be issuer."""
    issuer = authority.issue("issuer", uris=[])
    key = serialization.load_pem_private_key(issuer.key, password=None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    forger = Authority(x509.load_pem_x509_certificate(issuer.certificate), key)
    forged = forger.issue(name)
    return Leaf(forged.certificate + issuer.certificate, forged.key)


def _pem(key: rsa.RSAPrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
