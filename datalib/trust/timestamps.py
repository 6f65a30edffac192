"""Time-stamp tokens (RFC 3161): an authority that the policy lists says that an event was there at a time.

A token is a granted response over the line of the event, so that a SHA-256 imprint is the event id; SHA-384 and SHA-512
of the line will do too. Certificates stand in no signature: beside the signer's own only those of authorities are
let through. Source: datalib trust specification §2, §8.1, §8.2 and §12, cases 258 to 264; RFC 3161 §2.3 and §2.4.2.
"""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from datalib.errors import Refused
from datalib.formats import decode_base64, encode_base64
from datalib.trust import certificates, cms
from datalib.trust.certificates import Path
from datalib.trust.tlog import CLOCK_SKEW

if TYPE_CHECKING:
    from asn1crypto import tsp
    from cryptography import x509

#: In bytes; real ones have one to seven thousand.
MAX_TOKEN = 64 * 1024
_IMPRINTS = frozenset({"sha256", "sha384", "sha512"})
_GRANTED = frozenset({"granted", "granted_with_mods"})
_TST_INFO = "1.2.840.113549.1.9.16.1.4"
#: Signed attributes that name the signer's certificate, with SHA-1 (RFC 2634) and with another digest (RFC 5035).
_NAMES_OLD, _NAMES = "1.2.840.113549.1.9.16.2.12", "1.2.840.113549.1.9.16.2.47"


@dataclass(frozen=True, slots=True, kw_only=True)
class Authority:
    """An authority of the policy: its root certificate in base64 DER, as written, and when its tokens count.

    ``policy`` is the object identifier under which tokens must be issued, if one is required. Seconds since 1970.
    """

    root: str
    start: int
    until: int
    policy: str | None = None


def check(data: bytes, line: bytes, authorities: Sequence[Authority], now: int, where: str = "") -> int:
    """Check a token over the line of an event; give its time in seconds since 1970.

    Raises ``Refused``: ``E-TSA-TOKEN``, ``-ALG``, ``-IMPRINT``, ``-CERT``, ``-CHAIN``, ``-WINDOW``, ``-POLICY``.
    """
    from asn1crypto import tsp

    with cms.reading(where, "E-TSA-TOKEN", "a time-stamp response"), _coded(where):
        signed = _granted(data, where)
        content = bytes(signed["encap_content_info"]["content"])
        said = tsp.TSTInfo.load(content, strict=True)
        _check_imprint(said, line, where)
        time = int(said["gen_time"].native.timestamp())
        signer = signed["signer_infos"][0]
        roots = {authority: root for authority in authorities if (root := _root(authority.root, where))}
        held = cms.held_certificates(signed, where)
        own = _own_certificate(signer, held, [*roots.values()], where)
        _check_usage(own, held, time, where)
        if not cms.verify(signer, own, content, _TST_INFO, where):
            raise Refused("E-TSA-ALG", where, "signed with an algorithm that is not believed here")
        reached = [each for each, root in roots.items() if _leads(own, held, root, time)]
        _check_authority(reached, time, now, said["policy"].dotted, where)
        return time


@contextmanager
def _coded(where: str) -> Iterator[None]:
    """Give the refusals of signatures and certificates, which are about enrolment, the codes of tokens."""
    try:
        yield
    except Refused as error:
        if error.code.startswith("E-TSA-"):
            raise
        raise Refused("E-TSA-CERT" if error.code == "E-ENROL-CERT" else "E-TSA-TOKEN", where, error.detail) from error


def _granted(data: bytes, where: str) -> "tsp.SignedData":
    """Read a response that grants a token of one signer, and nothing beside it that nobody would check."""
    from asn1crypto import tsp

    if len(data) > MAX_TOKEN:
        raise Refused("E-TSA-TOKEN", where, f"{len(data)} bytes, at most {MAX_TOKEN}")
    response = tsp.TimeStampResp.load(data, strict=True)
    status = response["status"]["status"].native
    if status not in _GRANTED:
        raise Refused("E-TSA-TOKEN", where, f"the answer is {status}")
    token = response["time_stamp_token"]
    if token["content_type"].native != "signed_data":
        raise Refused("E-TSA-TOKEN", where, "the token is not signed")
    signed = token["content"]
    signers = signed["signer_infos"]
    if signed["encap_content_info"]["content_type"].dotted != _TST_INFO or len(signers) != 1:
        raise Refused("E-TSA-TOKEN", where, "not a token of one signer")
    if len(signed["crls"]) or len(signers[0]["unsigned_attrs"]):
        raise Refused("E-TSA-TOKEN", where, "holds what its signature does not cover")
    return signed


def _check_imprint(said: "tsp.TSTInfo", line: bytes, where: str) -> None:
    imprint = said["message_imprint"]
    name = imprint["hash_algorithm"]["algorithm"].native
    if name not in _IMPRINTS:
        raise Refused("E-TSA-ALG", where, f"imprint made with {name}")
    if said["version"].native != "v1":
        raise Refused("E-TSA-TOKEN", where, f"a token of version {said['version'].native}")
    if imprint["hashed_message"].native != hashlib.new(name, line).digest():
        raise Refused("E-TSA-IMPRINT", where, "made over something else than this event")


def _own_certificate(
    signer: "tsp.CMSAttributes", held: "Sequence[x509.Certificate]", roots: "Sequence[x509.Certificate]", where: str
) -> "x509.Certificate":
    """Find the signer's certificate, in the token or in the policy, and compare it with what the signature says."""
    from cryptography.hazmat.primitives.serialization import Encoding

    try:
        own = cms.certificate_of(signer, [*held, *roots], where)
    except Refused as error:
        raise Refused("E-TSA-CERT", where, error.detail) from error
    attributes, der = cms.attributes_of(signer, where), own.public_bytes(Encoding.DER)
    if _NAMES in attributes:
        first = attributes[_NAMES]["certs"][0]
        name, digest = first["hash_algorithm"]["algorithm"].native, first["cert_hash"].native
    elif _NAMES_OLD in attributes:
        name, digest = "sha1", attributes[_NAMES_OLD]["certs"][0]["cert_hash"].native
    else:
        raise Refused("E-TSA-CERT", where, "the signature does not say with which certificate it was made")
    if name not in {*_IMPRINTS, "sha1"} or hashlib.new(name, der).digest() != digest:
        raise Refused("E-TSA-CERT", where, "the signature names another certificate")
    return own


def _check_usage(own: "x509.Certificate", held: "Iterable[x509.Certificate]", time: int, where: str) -> None:
    """Refuse a certificate that is not for time stamps and nothing else, and others that have no business here."""
    from cryptography import x509
    from cryptography.x509.oid import ExtendedKeyUsageOID

    try:
        usage = own.extensions.get_extension_for_class(x509.ExtendedKeyUsage)
    except (ValueError, x509.ExtensionNotFound, x509.DuplicateExtension, x509.UnsupportedGeneralNameType) as error:
        raise Refused("E-TSA-CERT", where, "the certificate does not say what it is for") from error
    if not usage.critical or [*usage.value] != [ExtendedKeyUsageOID.TIME_STAMPING]:
        raise Refused("E-TSA-CERT", where, "the certificate is not for time stamps alone")
    if not certificates.is_valid(own, time):
        raise Refused("E-TSA-CERT", where, "the certificate was not valid then")
    if any(each != own and not certificates.is_authority(each, 0) for each in held):
        raise Refused("E-TSA-CERT", where, "a certificate is beside it that issued nothing")


def _leads(own: "x509.Certificate", held: "Sequence[x509.Certificate]", root: "x509.Certificate", time: int) -> bool:
    try:
        return certificates.find_path(own, held, [root], time) is Path.VERIFIED
    except Refused:
        return False


def _check_authority(reached: Sequence[Authority], time: int, now: int, policy: str, where: str) -> None:
    if not reached:
        raise Refused("E-TSA-CHAIN", where, "its certificates do not lead to an authority of the policy")
    open_then = [each for each in reached if each.start <= time < each.until and time <= now + CLOCK_SKEW]
    if not open_then:
        raise Refused("E-TSA-WINDOW", where, "made when the policy does not believe this authority")
    if all(each.policy not in {None, policy} for each in open_then):
        raise Refused("E-TSA-POLICY", where, f"issued under {policy}")


def read_root(data: bytes, where: str = "certificate") -> str:
    """Write the root certificate of an authority, PEM or DER, as a policy has it; ``E-ENROL-CERT`` if it is none."""
    from cryptography.hazmat.primitives.serialization import Encoding

    return encode_base64(certificates.load(data, where).public_bytes(Encoding.DER))


def _root(encoded: str, where: str) -> "x509.Certificate | None":
    """Read a root of the policy; one that cannot be read is the root of no token."""
    try:
        return certificates.load(decode_base64(encoded, "E-TSA-CHAIN", where), where)
    except Refused:
        return None
