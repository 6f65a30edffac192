"""A stored OCSP answer (RFC 6960): what the authority said about a certificate, and when.

Fetched by the registrar when the key act came in, kept as evidence, read here offline.
"""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import new as new_hash
from typing import TYPE_CHECKING

from datalib.errors import Refused
from datalib.trust import certificates

if TYPE_CHECKING:
    from cryptography import x509
    from cryptography.x509.ocsp import OCSPResponse, OCSPSingleResponse

#: In bytes.
MAX_ANSWER = 1 << 20
_SKEW = 300  # seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What was said: ``good``, ``revoked`` or ``unknown``, and for which time; seconds since 1970.

    ``verified`` is false if the answer's signature could not be checked here, or nobody with the right to it made it.
    """

    status: str
    time: int
    next: int | None
    revoked: int | None
    verified: bool

    def covers(self, time: int) -> bool:
        """Tell whether the answer says something about a time: that of the answer, any before, or before the next."""
        return time <= max(self.time + _SKEW, self.next or 0)


def read(
    data: bytes, certificate: "x509.Certificate", pool: "Sequence[x509.Certificate]", where: str = "OCSP"
) -> Answer | None:
    """Read an answer about a certificate; ``None`` if it is about others. ``pool`` holds who may have issued it.

    Raises ``Refused("E-ENROL-OCSP")`` if it is no answer.
    """
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.x509 import ocsp

    if len(data) > MAX_ANSWER:
        raise Refused("E-ENROL-OCSP", where, f"larger than {MAX_ANSWER} bytes")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # odd serial numbers are the issuer's matter
            response = ocsp.load_der_ocsp_response(data)
            if response.response_status is not ocsp.OCSPResponseStatus.SUCCESSFUL:
                raise Refused("E-ENROL-OCSP", where, f"the answer is {response.response_status.name.lower()}")
            for single in response.responses:
                if _is_about(single, certificate):
                    return _answer(single, response, certificate, pool)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise Refused("E-ENROL-OCSP", where, f"not an OCSP answer: {str(error)[:80]}") from error
    return None


def _answer(
    single: "OCSPSingleResponse",
    response: "OCSPResponse",
    certificate: "x509.Certificate",
    pool: "Sequence[x509.Certificate]",
) -> Answer:
    time, later, revoked = single.this_update_utc, single.next_update_utc, single.revocation_time_utc
    issuers = [each for each in pool if certificates.issued_by(certificate, each)]
    return Answer(
        status=single.certificate_status.name.lower(),
        time=_seconds(time),
        next=None if later is None else _seconds(later),
        revoked=None if revoked is None else _seconds(revoked),
        verified=any(_is_signed(response, issuer, _seconds(time)) for issuer in issuers),
    )


def _seconds(moment: datetime) -> int:
    return int(moment.timestamp())


def _is_about(single: "OCSPSingleResponse", certificate: "x509.Certificate") -> bool:
    """Tell whether an answer names this certificate: its number, and its issuer by the hash of the name.

    The issuer's key is known too once the answer's signature is verified with it.
    """
    named = new_hash(single.hash_algorithm.name, certificate.issuer.public_bytes()).digest()
    return single.serial_number == certificate.serial_number and single.issuer_name_hash == named


def _is_signed(response: "OCSPResponse", issuer: "x509.Certificate", at: int) -> bool:
    """Tell whether the issuer signed the answer, or somebody whom it has certified for that (RFC 6960 §4.2.2.2)."""
    from cryptography.exceptions import UnsupportedAlgorithm

    try:
        digest = response.signature_hash_algorithm
    except UnsupportedAlgorithm:
        return False
    if digest is None or digest.name in {"md5", "sha1"}:
        return False
    signers = [issuer, *(each for each in response.certificates if _is_responder(each, issuer, at))]
    return any(certificates.verify(each, response.signature, response.tbs_response_bytes, digest) for each in signers)


def _is_responder(certificate: "x509.Certificate", issuer: "x509.Certificate", at: int) -> bool:
    from cryptography import x509
    from cryptography.x509.oid import ExtendedKeyUsageOID

    try:
        usage = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except (ValueError, x509.ExtensionNotFound, x509.DuplicateExtension, x509.UnsupportedGeneralNameType):
        return False
    start, until = _seconds(certificate.not_valid_before_utc), _seconds(certificate.not_valid_after_utc)
    can = ExtendedKeyUsageOID.OCSP_SIGNING in usage and start <= at < until
    return can and bool(certificates.issued_by(certificate, issuer))
