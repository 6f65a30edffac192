"""Detached CMS signatures (RFC 5652), as the national signing programs write them: reading, verifying, writing.

They come in BER with indefinite lengths as often as in DER, so a BER parser reads them. What can be verified is RSA
(PKCS #1 v1.5) and ECDSA with SHA-2. A GOST signature cannot: it is said to be there, never that it holds.
"""

import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from datalib.errors import Refused
from datalib.trust import certificates

if TYPE_CHECKING:
    from asn1crypto import cms
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from cryptography.hazmat.primitives.hashes import HashAlgorithm

#: In bytes.
MAX_CMS = 1 << 20
_MAX_CERTIFICATES = 32
#: RFC 5652 §11.3: from then on years have four digits.
_YEAR_OF_LONG_TIMES = 2050

DATA = "1.2.840.113549.1.7.1"
_DIGESTS = {"2.16.840.1.101.3.4.2.1": "SHA256", "2.16.840.1.101.3.4.2.2": "SHA384", "2.16.840.1.101.3.4.2.3": "SHA512"}
#: Signature algorithms and the digest each says; one says none, it is named beside it.
_RSA, _ECDSA = "1.2.840.113549.1.1.", "1.2.840.10045.4.3."
_SIGNATURES = {
    f"{_RSA}1": None,
    **{f"{_RSA}{last}": name for last, name in ((11, "SHA256"), (12, "SHA384"), (13, "SHA512"))},
    **{f"{_ECDSA}{last}": name for last, name in ((2, "SHA256"), (3, "SHA384"), (4, "SHA512"))},
}

_CONTENT_TYPE, _DIGEST_OF, _TIME_OF = (f"1.2.840.113549.1.9.{last}" for last in (3, 4, 5))
_CERTIFICATE_OF = "1.2.840.113549.1.9.16.2.47"


@dataclass(frozen=True, slots=True, kw_only=True)
class Signed:
    """A CMS signature over some bytes.

    ``verified`` is false if its algorithm, ``algorithm``, cannot be verified here: then nothing ties it to the bytes.
    ``time`` is when the signer says it was made, in seconds since 1970.
    """

    certificate: "x509.Certificate"
    others: "tuple[x509.Certificate, ...]"
    time: int | None
    algorithm: str
    verified: bool


def check(data: bytes, content: bytes, where: str = "CMS") -> Signed:
    """Verify a signature by one signer over exactly these bytes.

    Raises ``Refused``: ``E-ENROL-CMS`` if it cannot be read, is over other bytes or does not hold, ``E-ENROL-CERT`` for
    a certificate that cannot be read.
    """
    if len(data) > MAX_CMS:
        raise Refused("E-ENROL-CMS", where, f"larger than {MAX_CMS} bytes")
    with reading(where, "E-ENROL-CMS", "a CMS signature"):
        return _check(data, content, where)


def _check(data: bytes, content: bytes, where: str) -> Signed:
    from asn1crypto import (
        cms,
        tsp,  # noqa: F401 - its import teaches the parser the attribute signing-certificate-v2
    )

    outer = cms.ContentInfo.load(data, strict=True)
    if outer["content_type"].native != "signed_data":
        raise Refused("E-ENROL-CMS", where, "not a signature")
    signed = outer["content"]
    attached = signed["encap_content_info"]["content"]
    if attached.native is not None and attached.native != content:
        raise Refused("E-ENROL-CMS", where, "made for another file, which it holds")
    signers = signed["signer_infos"]
    if len(signers) != 1:
        raise Refused("E-ENROL-CMS", where, f"{len(signers)} signers instead of one")
    signer = signers[0]
    held = held_certificates(signed, where)
    own = certificate_of(signer, held, where)
    attributes = attributes_of(signer, where)
    time = attributes[_TIME_OF].native if _TIME_OF in attributes else None
    return Signed(
        certificate=own,
        others=tuple(each for each in held if each is not own),
        time=None if time is None else int(time.timestamp()),
        algorithm=str(signer["signature_algorithm"]["algorithm"].dotted),
        verified=verify(signer, own, content, DATA, where),
    )


@contextmanager
def reading(where: str, code: str, what: str) -> Iterator[None]:
    """Turn what the parser, a lazy one, raises on bytes that are not ``what`` into a refusal."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # odd serial numbers are the issuer's matter
            yield
    except (ValueError, TypeError, KeyError, IndexError, AttributeError, OverflowError, RecursionError) as error:
        raise Refused(code, where, f"not {what}: {str(error)[:80]}".replace("\n", " ")) from error


def verify(signer: "cms.SignerInfo", own: "x509.Certificate", content: bytes, kind: str, where: str) -> bool:
    """Check that a certificate's key signed a content of a kind; false for an algorithm that proves nothing here.

    Raises ``Refused("E-ENROL-CMS")`` if the signature is over something else or does not hold.
    """
    from cryptography.hazmat.primitives.hashes import Hash

    digest, attributes = _digest(signer), attributes_of(signer, where)
    if digest is None:
        return False
    if attributes:
        computed = Hash(digest)
        computed.update(content)
        _check_attributes(attributes, own, computed.finalize(), kind, where)
    # RFC 5652 §5.4: the attributes are signed in DER and with the tag of a set, however they stand in the file.
    message = signer["signed_attrs"].untag().dump(force=True) if attributes else content
    holds = certificates.verify(own, signer["signature"].native, message, digest)
    if holds is False:
        raise Refused("E-ENROL-CMS", where, "the signature does not hold")
    return bool(holds)


def held_certificates(signed: "cms.SignedData", where: str) -> "list[x509.Certificate]":
    """Give the certificates that come with a signature."""
    found = signed["certificates"]
    if len(found) > _MAX_CERTIFICATES:
        raise Refused("E-ENROL-CMS", where, f"{len(found)} certificates")
    return [certificates.load(each.chosen.dump(), where) for each in found if each.name == "certificate"]


def certificate_of(signer: "cms.SignerInfo", held: "Sequence[x509.Certificate]", where: str) -> "x509.Certificate":
    """Find the certificate of the signer."""
    from asn1crypto import x509 as asn1
    from cryptography import x509

    said = signer["sid"]
    for each in held:
        if said.name == "subject_key_identifier":
            key = x509.SubjectKeyIdentifier(said.native)
            same = any(extension.value == key for extension in each.extensions)
        else:
            issuer = asn1.Name.load(each.issuer.public_bytes())
            chosen = said.chosen
            same = chosen["serial_number"].native == each.serial_number and chosen["issuer"].dump() == issuer.dump()
        if same:
            return each
    raise Refused("E-ENROL-CMS", where, "the signer's certificate is not in it")


def _digest(signer: "cms.SignerInfo") -> "HashAlgorithm | None":
    """Give the digest that the signature is over; ``None`` for one that cannot be computed here."""
    from cryptography.hazmat.primitives import hashes

    named = _DIGESTS.get(signer["digest_algorithm"]["algorithm"].dotted)
    algorithm = signer["signature_algorithm"]["algorithm"].dotted
    if named is None or algorithm not in _SIGNATURES or _SIGNATURES[algorithm] not in {None, named}:
        return None
    made: Mapping[str, Callable[[], HashAlgorithm]] = {
        "SHA256": hashes.SHA256,
        "SHA384": hashes.SHA384,
        "SHA512": hashes.SHA512,
    }
    return made[named]()


def attributes_of(signer: "cms.SignerInfo", where: str) -> dict[str, Any]:
    """Give the signed attributes, each with its one value."""
    found: dict[str, Any] = {}
    for attribute in signer["signed_attrs"] or ():
        name, values = attribute["type"].dotted, attribute["values"]
        if name in found or len(values) != 1:
            raise Refused("E-ENROL-CMS", where, f"attribute {name} has not one value")
        found[name] = values[0]
    return found


def _check_attributes(
    attributes: Mapping[str, Any],
    own: "x509.Certificate",
    digest: bytes,
    kind: str,
    where: str,
) -> None:
    """Refuse signed attributes that are about other bytes than those of a digest, or another certificate."""
    if _DIGEST_OF not in attributes or attributes[_DIGEST_OF].native != digest:
        raise Refused("E-ENROL-CMS", where, "made for another file")
    if _CONTENT_TYPE not in attributes or attributes[_CONTENT_TYPE].dotted != kind:
        raise Refused("E-ENROL-CMS", where, "the content is said to be of another kind")
    named = attributes.get(_CERTIFICATE_OF)
    if named is not None and not _names(named, own):
        raise Refused("E-ENROL-CMS", where, "the signed attributes name another certificate")


def _names(named: Any, own: "x509.Certificate") -> bool:
    """Tell whether the attribute signing-certificate-v2 (RFC 5035) names a certificate; only SHA-256 is looked at."""
    from cryptography.hazmat.primitives.serialization import Encoding

    first = named["certs"][0]
    if first["hash_algorithm"]["algorithm"].native != "sha256":
        return True
    return bool(first["cert_hash"].native == sha256(own.public_bytes(Encoding.DER)).digest())


def sign(
    content: bytes, key: "RSAPrivateKey | EllipticCurvePrivateKey", chain: "Sequence[x509.Certificate]", *, time: int
) -> bytes:
    """Sign a file, detached; ``time`` in seconds since 1970, the first of ``chain`` is the signer's certificate.

    RSA PKCS #1 v1.5 or ECDSA, with SHA-256; the same arguments always give the same bytes.
    """
    from asn1crypto import cms
    from asn1crypto import x509 as asn1
    from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.serialization import Encoding

    held = [asn1.Certificate.load(each.public_bytes(Encoding.DER)) for each in chain]
    attributes = _new_attributes(content, held[0].dump(), time)
    message = attributes.dump()
    if isinstance(key, rsa.RSAPrivateKey):
        algorithm, signature = "sha256_rsa", key.sign(message, padding.PKCS1v15(), SHA256())
    else:
        algorithm, signature = "sha256_ecdsa", key.sign(message, ec.ECDSA(SHA256(), deterministic_signing=True))
    own = {"issuer": held[0].issuer, "serial_number": held[0].serial_number}
    signer = {
        "version": "v1",
        "sid": cms.SignerIdentifier({"issuer_and_serial_number": own}),
        "digest_algorithm": {"algorithm": "sha256"},
        "signed_attrs": attributes,
        "signature_algorithm": {"algorithm": algorithm},
        "signature": signature,
    }
    signed = {
        "version": "v1",
        "digest_algorithms": [{"algorithm": "sha256"}],
        "encap_content_info": {"content_type": "data"},
        "certificates": held,
        "signer_infos": [signer],
    }
    made: bytes = cms.ContentInfo({"content_type": "signed_data", "content": cms.SignedData(signed)}).dump()
    return made


def _new_attributes(content: bytes, certificate: bytes, time: int) -> "cms.CMSAttributes":
    from asn1crypto import cms, core, tsp

    moment = datetime.fromtimestamp(time, UTC)
    if moment.year < _YEAR_OF_LONG_TIMES:
        said = cms.Time({"utc_time": core.UTCTime(moment)})
    else:
        said = cms.Time({"generalized_time": core.GeneralizedTime(moment)})
    named = tsp.SigningCertificateV2({"certs": [{"cert_hash": sha256(certificate).digest()}]})
    return cms.CMSAttributes(
        [
            {"type": "content_type", "values": ["data"]},
            {"type": "message_digest", "values": [sha256(content).digest()]},
            {"type": "signing_time", "values": [said]},
            {"type": "signing_certificate_v2", "values": [named]},
        ]
    )
