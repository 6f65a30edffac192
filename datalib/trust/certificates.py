"""What a certificate of the national certification authority says, and whether it leads to a root that was given.

The object identifiers are those that such certificates carry; no official list of them was at hand. A role is what the
certificate said when it was issued, not the authority that the person has today. X.509: RFC 5280.
"""

import re
import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from datalib.errors import Refused

if TYPE_CHECKING:
    from cryptography import x509
    from cryptography.hazmat.primitives.hashes import HashAlgorithm

#: In bytes; real ones have one or two thousand.
MAX_CERTIFICATE = 64 * 1024
#: Certificates from the person's to the root, both included.
MAX_CHAIN = 6
#: Bits of an RSA key that is believed.
MIN_RSA = 2048

ROLES = {
    "1.2.398.3.3.4.1.1": "individual",
    "1.2.398.3.3.4.1.1.1": "system",
    "1.2.398.3.3.4.1.2": "organisation",
    "1.2.398.3.3.4.1.2.1": "head",
    "1.2.398.3.3.4.1.2.2": "signatory",
    "1.2.398.3.3.4.1.2.3": "financial",
    "1.2.398.3.3.4.1.2.4": "personnel",
    "1.2.398.3.3.4.1.2.5": "employee",
    "1.2.398.3.3.4.1.2.6": "system",
}
#: Policies under which certificates for logging in are issued, to organisations and to individuals.
_LOGIN_POLICIES = ("1.2.398.3.3.2.2", "1.2.398.3.3.2.4")

_IIN = re.compile(r"IIN([0-9]{12})")
_BIN = re.compile(r"BIN([0-9]{12})")


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What a certificate says. Times in seconds since 1970; ``serial`` in hex; texts are empty where it says nothing.

    ``bins`` and ``iins`` are the numbers in the subject, ``signs`` whether the key may sign documents.
    """

    name: str
    organisation: str
    bins: tuple[str, ...]
    iins: tuple[str, ...]
    roles: tuple[str, ...]
    signs: bool
    start: int
    until: int
    serial: str
    issuer: str
    algorithm: str

    def to_dict(self) -> dict[str, Any]:
        """Give the JSON value; numbers of persons as the certificate has them."""
        from datalib.formats import format_time

        return {
            "name": self.name,
            "organisation": self.organisation,
            "bin": list(self.bins),
            "iin": list(self.iins),
            "roles": list(self.roles),
            "signs": self.signs,
            "from": format_time(self.start),
            "until": format_time(self.until),
            "serial": self.serial,
            "issuer": self.issuer,
            "algorithm": self.algorithm,
        }


class Path(StrEnum):
    """What is known of the way from a certificate to a root."""

    VERIFIED = "verified"
    NO_ROOT = "no-root"
    NO_ISSUER = "no-issuer"
    UNSUPPORTED = "algorithm"


def load(data: bytes, where: str) -> "x509.Certificate":
    """Read one certificate, PEM or DER; ``Refused("E-ENROL-CERT")`` if it is none."""
    from cryptography import x509

    if len(data) > MAX_CERTIFICATE:
        raise Refused("E-ENROL-CERT", where, f"larger than {MAX_CERTIFICATE} bytes")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # old certificates have odd serial numbers, which is their issuer's matter
            pem = data.lstrip().startswith(b"-----BEGIN")
            found = x509.load_pem_x509_certificate(data) if pem else x509.load_der_x509_certificate(data)
            _ = found.subject, found.issuer  # are read only now, and whoever looks for a path relies on them
            return found
    except (ValueError, x509.InvalidVersion) as error:
        raise Refused("E-ENROL-CERT", where, "not a certificate") from error


def facts(certificate: "x509.Certificate", where: str = "certificate") -> Facts:
    """Read what a certificate says; ``Refused("E-ENROL-CERT")`` where it cannot be read."""
    from cryptography import x509
    from cryptography.x509.oid import NameOID

    try:
        subject, issuer = certificate.subject, certificate.issuer
        numbers = [*_texts(subject, NameOID.ORGANIZATIONAL_UNIT_NAME), *_texts(subject, NameOID.SERIAL_NUMBER)]
        usages = _usages(certificate)
        return Facts(
            name=_first(subject, NameOID.COMMON_NAME),
            organisation=_first(subject, NameOID.ORGANIZATION_NAME),
            bins=_numbers(_BIN, numbers),
            iins=_numbers(_IIN, numbers),
            roles=tuple(dict.fromkeys(ROLES[oid] for oid in usages if oid in ROLES)),
            signs=_signs(certificate),
            start=int(certificate.not_valid_before_utc.timestamp()),
            until=int(certificate.not_valid_after_utc.timestamp()),
            serial=f"{certificate.serial_number:x}",
            issuer=_first(issuer, NameOID.COMMON_NAME) or issuer.rfc4514_string(),
            algorithm=certificate.signature_algorithm_oid.dotted_string,
        )
    except (ValueError, x509.DuplicateExtension, x509.UnsupportedGeneralNameType) as error:
        raise Refused("E-ENROL-CERT", where, "a certificate that cannot be read") from error


def check_party(found: Facts, party: str, where: str = "certificate") -> bool:
    """Compare the numbers of the subject with the party: ``E-ENROL-BIN``. False if the party's id is of another kind.

    A person's own certificate names no organisation; an organisation's names one.
    """
    scheme, _, number = party.partition(":")
    if scheme == "kz-bin":
        if found.bins != (number,):
            raise Refused("E-ENROL-BIN", where, f"BIN {', '.join(found.bins) or 'missing'}, the party is {party}")
        return True
    if scheme == "kz-iin":
        if found.iins != (number,) or found.bins:
            said = ", ".join((*found.iins, *(f"BIN {each}" for each in found.bins))) or "missing"
            raise Refused("E-ENROL-BIN", where, f"IIN {said}, the party is {party}")
        return True
    return False


def check_authority(found: Facts, party: str, where: str = "certificate") -> None:
    """Refuse a certificate that does not let its holder sign for the party: ``E-ENROL-EKU``.

    For an organisation sign its head and whoever has the right to sign; not other employees, not its systems.
    """
    if not found.signs:
        raise Refused("E-ENROL-EKU", where, "not a certificate for signing documents")
    if "system" in found.roles:
        raise Refused("E-ENROL-EKU", where, "the certificate of an information system")
    if party.startswith("kz-bin:") and not {"head", "signatory"} & set(found.roles):
        roles = ", ".join(found.roles) or "no role"
        raise Refused("E-ENROL-EKU", where, f"{roles}: neither the head nor somebody with the right to sign")


def find_path(
    certificate: "x509.Certificate", pool: Sequence["x509.Certificate"], roots: Sequence["x509.Certificate"], at: int
) -> Path:
    """Find the way from a certificate over those of the pool to one of the roots; ``at`` in seconds since 1970.

    Each step: the issuer's name, its signature, its dates, and that it may issue certificates; a root may by being one.
    Raises ``Refused("E-ENROL-CHAIN")`` if an issuer of the right name did not issue it, or may not.
    """
    if not roots:
        return Path.NO_ROOT
    current = certificate
    for below in range(MAX_CHAIN):
        if any(current == root for root in roots):
            return Path.VERIFIED
        named = [each for each in (*roots, *pool) if each.subject == current.issuer and each != current]
        if not named:
            return Path.NO_ISSUER
        verdicts = [(issued_by(current, each), each) for each in named]
        if all(verdict is None for verdict, _ in verdicts):
            return Path.UNSUPPORTED
        good = [each for verdict, each in verdicts if verdict and (each in roots or is_authority(each, below))]
        good = [each for each in good if is_valid(each, at)]
        if not good:
            raise Refused("E-ENROL-CHAIN", facts(current).name, "not issued by the authority it names")
        current = good[0]
    raise Refused("E-ENROL-CHAIN", facts(certificate).name, f"more than {MAX_CHAIN} certificates to the root")


def issued_by(certificate: "x509.Certificate", issuer: "x509.Certificate") -> bool | None:
    """Tell whether the issuer signed the certificate; ``None`` for an algorithm that proves nothing (GOST, SHA-1)."""
    from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
    from cryptography.hazmat.primitives.hashes import MD5, SHA1

    try:
        if isinstance(certificate.signature_hash_algorithm, MD5 | SHA1):  # both can be forged
            return None
        certificate.verify_directly_issued_by(issuer)
    except (UnsupportedAlgorithm, TypeError):
        return None
    except (ValueError, InvalidSignature):
        return False
    return True


def verify(certificate: "x509.Certificate", signature: bytes, data: bytes, digest: "HashAlgorithm") -> bool | None:
    """Tell whether the certificate's key signed the data (RSA PKCS #1 v1.5 or ECDSA); ``None`` for another key."""
    from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

    try:
        key = certificate.public_key()
        if isinstance(key, rsa.RSAPublicKey) and key.key_size >= MIN_RSA:
            key.verify(signature, data, padding.PKCS1v15(), digest)
        elif isinstance(key, ec.EllipticCurvePublicKey):
            key.verify(signature, data, ec.ECDSA(digest))
        else:
            return None
    except (UnsupportedAlgorithm, ValueError):
        return None
    except InvalidSignature:
        return False
    return True


def is_authority(certificate: "x509.Certificate", below: int) -> bool:
    """Tell whether a certificate lets its holder issue others, ``below`` of them on the way down (RFC 5280 §6.1.4)."""
    from cryptography import x509

    try:
        basic = certificate.extensions.get_extension_for_class(x509.BasicConstraints).value
        usage = certificate.extensions.get_extension_for_class(x509.KeyUsage).value
    except (ValueError, x509.ExtensionNotFound, x509.DuplicateExtension, x509.UnsupportedGeneralNameType):
        return False
    return basic.ca and usage.key_cert_sign and (basic.path_length is None or basic.path_length >= below)


def is_valid(certificate: "x509.Certificate", at: int) -> bool:
    """Tell whether a time, in seconds since 1970, is within the dates of a certificate."""
    return certificate.not_valid_before_utc.timestamp() <= at < certificate.not_valid_after_utc.timestamp()


def _usages(certificate: "x509.Certificate") -> list[str]:
    from cryptography import x509

    try:
        usage = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except x509.ExtensionNotFound:
        return []
    return [oid.dotted_string for oid in usage]


def _signs(certificate: "x509.Certificate") -> bool:
    """Tell whether the key signs documents: digitalSignature and nonRepudiation, and not issued for logging in."""
    from cryptography import x509

    try:
        usage = certificate.extensions.get_extension_for_class(x509.KeyUsage).value
    except x509.ExtensionNotFound:
        return False
    try:
        policies = certificate.extensions.get_extension_for_class(x509.CertificatePolicies).value
        names = [policy.policy_identifier.dotted_string for policy in policies]
    except x509.ExtensionNotFound:
        names = []
    login = any(name == each or name.startswith(f"{each}.") for name in names for each in _LOGIN_POLICIES)
    return usage.digital_signature and usage.content_commitment and not login


def _texts(name: "x509.Name", oid: "x509.ObjectIdentifier") -> list[str]:
    return [str(attribute.value) for attribute in name.get_attributes_for_oid(oid)]


def _first(name: "x509.Name", oid: "x509.ObjectIdentifier") -> str:
    return next(iter(_texts(name, oid)), "")


def _numbers(form: re.Pattern[str], texts: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(match[1] for text in texts if (match := form.fullmatch(text))))
