"""Who calls: the SPIFFE URI of a verified certificate, read in this one place.

Source: SPIFFE ID and X.509-SVID standards (a certificate has exactly one URI SAN).
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from kefu.errors import CallerUnidentified

_SPIFFE = re.compile(r"spiffe://(?P<domain>[a-z0-9._-]+)/ns/[a-z0-9-]+/sa/[a-z0-9-]+")


@dataclass(frozen=True, slots=True)
class Caller:
    """An identified caller and what the policy gave it.

    Attributes:
        identity: SPIFFE URI, `spiffe://<trust domain>/ns/<namespace>/sa/<name>`.
        end_user: the customer on whose behalf, from a signed token; empty where none was sent.
    """

    identity: str
    end_user: str = field(default="", kw_only=True)


def spiffe_identity(subject_alternative_names: Iterable[str], trust_domain: str) -> str:
    """The one SPIFFE URI of a certificate that TLS has already verified.

    Args:
        subject_alternative_names: all SANs of the leaf, of every kind.
        trust_domain: the domain that the URI must belong to.

    Raises:
        CallerUnidentified: no URI, several, one that is no SPIFFE id, or of another domain.
    """
    uris = [name for name in subject_alternative_names if "://" in name]
    if len(uris) != 1:
        problem = "no SPIFFE URI" if not uris else f"{len(uris)} URIs"
        raise CallerUnidentified(problem=problem)
    match = _SPIFFE.fullmatch(uris[0])
    if match is None:
        raise CallerUnidentified(problem="not a SPIFFE URI of the form /ns/<ns>/sa/<name>")
    if match["domain"] != trust_domain:
        raise CallerUnidentified(problem="wrong trust domain")
    return uris[0]
