"""A time-stamp authority made for tests: RFC 3161 responses, good and bad."""

import hashlib
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from asn1crypto import cms, tsp
from asn1crypto import x509 as asn1
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, ObjectIdentifier

from datalib.formats import encode_base64, format_time
from tests import pki
from tests.libraries import DAY, START

POLICY = "1.2.398.3.3.2.6.4"
STAMPS = pki.name("ТЕСТ УАҚЫТ")


def tsa_certificate(
    *,
    key: pki.Key | None = None,
    serial: int = 31_61,
    usages: Sequence[ObjectIdentifier] = (ExtendedKeyUsageOID.TIME_STAMPING,),
    critical: bool = True,
    subject: x509.Name = STAMPS,
    until: int = START + 300 * DAY,
    issuer_key: str = "authority",
) -> x509.Certificate:
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(pki.AUTHORITY)
        .public_key((key or pki.ec_key("stamps")).public_key())
        .serial_number(serial)
        .not_valid_before(pki.moment(START - 300 * DAY))
        .not_valid_after(pki.moment(until))
    )
    if usages:
        builder = builder.add_extension(x509.ExtendedKeyUsage(usages), critical=critical)
    return builder.sign(pki.rsa_key(issuer_key), SHA256())


@cache
def own() -> x509.Certificate:
    return tsa_certificate()


def der(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(Encoding.DER)


def authority(root: x509.Certificate | None = None, **changes: Any) -> dict[str, Any]:
    """Describe an authority as a policy does."""
    value = {"root": encode_base64(der(root or pki.root())), "from": START - DAY, "until": START + 90 * DAY, **changes}
    return {name: format_time(it) if isinstance(it, int) else it for name, it in value.items()}


def stamp(
    line: bytes,
    *,
    time: int = START,
    certificate: x509.Certificate | None = None,
    held: Sequence[x509.Certificate] | None = None,
    key: pki.Key | None = None,
    named: x509.Certificate | None = None,
    imprint: str = "sha256",
    digest: bytes | None = None,
    status: str = "granted",
    attributes: Mapping[str, Any] | None = None,
    version: str = "v1",
    signers: int = 1,
    unsigned: Sequence[Mapping[str, Any]] = (),
) -> bytes:
    """Answer a request to stamp a line; every argument is a way to do it wrong."""
    certificate = certificate or own()
    key = key or pki.ec_key("stamps")
    said = tsp.TSTInfo(
        {
            "version": version,
            "policy": POLICY,
            "message_imprint": {
                "hash_algorithm": {"algorithm": imprint},
                "hashed_message": hashlib.new(imprint, line).digest() if digest is None else digest,
            },
            "serial_number": 7,
            "gen_time": pki.moment(time),
        }
    ).dump()
    naming = {"certs": [{"cert_hash": hashlib.sha256(der(named or certificate)).digest()}]}
    signed = {
        "content_type": "tst_info",
        "message_digest": hashlib.sha256(said).digest(),
        "signing_certificate_v2": tsp.SigningCertificateV2(naming),
        **(attributes or {}),
    }
    values = cms.CMSAttributes([{"type": name, "values": [it]} for name, it in signed.items() if it is not None])
    if isinstance(key, rsa.RSAPrivateKey):
        algorithm, signature = "sha256_rsa", key.sign(values.dump(), padding.PKCS1v15(), SHA256())
    else:
        algorithm, signature = "sha256_ecdsa", key.sign(values.dump(), ec.ECDSA(SHA256()))
    found = asn1.Certificate.load(der(certificate))
    identity = {"issuer": found.issuer, "serial_number": found.serial_number}
    signer = {
        "version": "v1",
        "sid": cms.SignerIdentifier({"issuer_and_serial_number": identity}),
        "digest_algorithm": {"algorithm": "sha256"},
        "signed_attrs": values,
        "signature_algorithm": {"algorithm": algorithm},
        "signature": signature,
        **({"unsigned_attrs": unsigned} if unsigned else {}),
    }
    held = [certificate, pki.middle()] if held is None else held
    token = {
        "version": "v3",
        "digest_algorithms": [{"algorithm": "sha256"}],
        "encap_content_info": {"content_type": "tst_info", "content": cms.ParsableOctetString(said)},
        "certificates": [asn1.Certificate.load(der(each)) for each in held],
        "signer_infos": [signer] * signers,
    }
    sealed = {"content_type": "signed_data", "content": cms.SignedData(token)}
    made: bytes = tsp.TimeStampResp({"status": {"status": status}, "time_stamp_token": sealed}).dump()
    return made
