"""Who calls: the SPIFFE URI of a verified certificate, read in this one place.

Source: SPIFFE ID and X.509-SVID standards (a certificate has exactly one URI SAN).
"""

import re
from collections.abc import Sequence
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


def spiffe_identity(certificate_uris: Sequence[str], trust_domain: str) -> str:
    """The one SPIFFE URI of a certificate that TLS has already verified.

    Args:
        certificate_uris: all URIs of the leaf, of whatever scheme.
        trust_domain: the domain that the URI must belong to.

    Raises:
        CallerUnidentified: no URI, several, one that is no SPIFFE id, or of another domain.
    """
    if len(certificate_uris) != 1:
        problem = f"{len(certificate_uris)} URIs" if certificate_uris else "no SPIFFE URI"
        raise CallerUnidentified(problem=problem)
    match = _SPIFFE.fullmatch(certificate_uris[0])
    if match is None:
        raise CallerUnidentified(problem="not a SPIFFE URI of the form /ns/<ns>/sa/<name>")
    if match["domain"] != trust_domain:
        raise CallerUnidentified(problem="wrong trust domain")
    return certificate_uris[0]
