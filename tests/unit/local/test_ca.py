"""The throwaway authority: leaves that the mesh accepts, and bad ones for the tests of the mesh."""

from datetime import UTC, datetime, timedelta
from ipaddress import ip_address

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID

from services.local.ca import CLOCK_SKEW, LEAF_LIFE, RENEW_BEFORE, Authority, spiffe_id


@pytest.fixture(scope="module")
def authority() -> Authority:
    """One authority for all tests of this module."""
    return Authority.create()


def parsed(pem: bytes) -> x509.Certificate:
    """Read a PEM certificate."""
    return x509.load_pem_x509_certificate(pem)


def names(pem: bytes) -> x509.SubjectAlternativeName:
    """Return the alternative names of a certificate."""
    return parsed(pem).extensions.get_extension_for_class(x509.SubjectAlternativeName).value


def test_a_leaf_has_exactly_one_spiffe_uri(authority: Authority) -> None:
    """The identity that the policy speaks of, in the SPIFFE form."""
    leaf = authority.issue("session")
    uris = names(leaf.certificate).get_values_for_type(x509.UniformResourceIdentifier)
    assert uris == ["spiffe://kefu.local/ns/kefu/sa/session"] == [spiffe_id("session")]


def test_a_leaf_is_good_for_both_ends_of_a_local_connection(authority: Authority) -> None:
    """A service answers as `localhost`, 127.0.0.1 and its own name, and calls others."""
    leaf = authority.issue("session")
    found = names(leaf.certificate)
    assert found.get_values_for_type(x509.DNSName) == ["localhost", "session"]
    assert found.get_values_for_type(x509.IPAddress) == [ip_address("127.0.0.1")]
    usage = parsed(leaf.certificate).extensions.get_extension_for_class(x509.ExtendedKeyUsage)
    assert set(usage.value) == {ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH}


def test_keys_are_ecdsa_p256(authority: Authority) -> None:
    """An RSA leaf would silently let TLS 1.2 in again."""
    key = parsed(authority.issue("session").certificate).public_key()
    assert isinstance(key, ec.EllipticCurvePublicKey)
    assert key.curve.name == "secp256r1"


def test_a_leaf_cannot_sign_others(authority: Authority) -> None:
    """A stolen leaf is one identity, not all of them."""
    constraints = parsed(authority.issue("session").certificate).extensions
    assert not constraints.get_extension_for_class(x509.BasicConstraints).value.ca


def test_a_leaf_is_signed_by_its_authority_alone(authority: Authority) -> None:
    """Another throwaway authority on the same machine is a stranger."""
    leaf = parsed(authority.issue("session").certificate)
    leaf.verify_directly_issued_by(authority.certificate)
    assert Authority.create().should_renew(authority.issue("session").certificate)


def test_a_leaf_lives_thirty_days_from_just_before_now(authority: Authority) -> None:
    """A machine whose clock is a little behind accepts it at once."""
    leaf = parsed(authority.issue("session").certificate)
    assert leaf.not_valid_after_utc - leaf.not_valid_before_utc == LEAF_LIFE
    assert leaf.not_valid_before_utc <= datetime.now(UTC) - CLOCK_SKEW + timedelta(seconds=2)


@pytest.mark.parametrize(
    ("left", "due"),
    [(RENEW_BEFORE * 2, False), (RENEW_BEFORE / 2, True), (-CLOCK_SKEW, True)],
    ids=["fresh", "near its end", "over"],
)
def test_a_leaf_is_renewed_before_it_ends(authority: Authority, left: timedelta, due: bool) -> None:
    """`kefu up` leaves enough life for a week of running."""
    begin = datetime.now(UTC) + left - LEAF_LIFE
    assert authority.should_renew(authority.issue("x", valid_from=begin).certificate) is due


def test_an_authority_is_read_back_from_its_files(authority: Authority) -> None:
    """What was issued before a restart stays valid after it."""
    again = Authority.load(authority.certificate_pem, authority.key_pem)
    assert not again.should_renew(authority.issue("session").certificate)
    assert not again.expiring


@pytest.mark.parametrize(
    "uris",
    [[], [spiffe_id("a"), spiffe_id("b")], [spiffe_id("a", "evil.example")], ["https://a.example"]],
    ids=["no URI", "two URIs", "another trust domain", "not SPIFFE"],
)
def test_tests_of_the_mesh_get_certificates_that_it_must_refuse(
    authority: Authority, uris: list[str]
) -> None:
    """The bad identities are signed as well as the good ones; only the URIs are wrong."""
    leaf = authority.issue("a", uris=uris)
    found = names(leaf.certificate).get_values_for_type(x509.UniformResourceIdentifier)
    assert found == uris


def test_an_expired_leaf_can_be_made(authority: Authority) -> None:
    """For the test that an expired certificate does not get in."""
    leaf = authority.issue(
        "a", valid_from=datetime.now(UTC) - timedelta(days=2), life=timedelta(days=1)
    )
    assert parsed(leaf.certificate).not_valid_after_utc < datetime.now(UTC)
