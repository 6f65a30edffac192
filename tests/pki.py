"""A certification authority made for tests: certificates like those of the national one, OCSP answers, containers."""

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import cache

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.hashes import SHA1, SHA256, SHA384
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding
from cryptography.hazmat.primitives.serialization.pkcs12 import serialize_key_and_certificates
from cryptography.x509 import ocsp
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID, ObjectIdentifier

from tests.libraries import DAY, START

Key = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey
BIN, IIN = "990140000384", "991231500016"

HEAD = ("1.2.398.3.3.4.1.2", "1.2.398.3.3.4.1.2.1")
EMPLOYEE = ("1.2.398.3.3.4.1.2", "1.2.398.3.3.4.1.2.5")
PERSON = ("1.2.398.3.3.4.1.1",)
SYSTEM = ("1.2.398.3.3.4.1.2", "1.2.398.3.3.4.1.2.6")
SIGNING = "1.2.398.3.3.2.1"
LOGIN = "1.2.398.3.3.2.2"


@cache
def rsa_key(name: str, bits: int = 2048) -> rsa.RSAPrivateKey:
    """Make the RSA key of that name, once in a run."""
    return rsa.generate_private_key(public_exponent=65537, key_size=bits)


@cache
def ec_key(name: str) -> ec.EllipticCurvePrivateKey:
    """Make the P-256 key of that name, once in a run."""
    return ec.generate_private_key(ec.SECP256R1())


def moment(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def name(common: str, *units: str, serial: str = "", organisation: str = "") -> x509.Name:
    given = [
        (NameOID.COMMON_NAME, common),
        (NameOID.SERIAL_NUMBER, serial),
        (NameOID.ORGANIZATION_NAME, organisation),
        *((NameOID.ORGANIZATIONAL_UNIT_NAME, unit) for unit in units),
    ]
    return x509.Name([x509.NameAttribute(oid, value) for oid, value in given if value])


ROOT, AUTHORITY = name("ТЕСТ НЕГІЗГІ"), name("ТЕСТ ОРТАЛЫҚ")
OWNER = name("ТЕСТОВ ТЕСТ", f"BIN{BIN}", serial=f"IIN{IIN}", organisation='ТОО "Дерекнама"')
CITIZEN = name("ТЕСТОВ ТЕСТ", serial=f"IIN{IIN}")


def usage(*, signs: bool = True, certifies: bool = False) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=signs,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=certifies,
        crl_sign=certifies,
        encipher_only=False,
        decipher_only=False,
    )


def certificate(
    subject: x509.Name,
    key: Key,
    issuer: x509.Name,
    issuer_key: Key,
    *extensions: x509.ExtensionType,
    start: int = START - 300 * DAY,
    until: int = START + 300 * DAY,
    serial: int = 4711,
) -> x509.Certificate:
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(serial)
        .not_valid_before(moment(start))
        .not_valid_after(moment(until))
    )
    for extension in extensions:
        builder = builder.add_extension(extension, critical=False)
    return builder.sign(issuer_key, SHA256())


def authority(
    subject: x509.Name, key: Key, issuer: x509.Name, issuer_key: Key, length: int | None = None
) -> x509.Certificate:
    constraints = x509.BasicConstraints(ca=True, path_length=length)
    return certificate(subject, key, issuer, issuer_key, constraints, usage(certifies=True), start=0, until=START * 2)


@cache
def root() -> x509.Certificate:
    return authority(ROOT, rsa_key("root"), ROOT, rsa_key("root"))


@cache
def middle() -> x509.Certificate:
    return authority(AUTHORITY, rsa_key("authority"), ROOT, rsa_key("root"), 0)


def personal(
    subject: x509.Name = OWNER,
    roles: Sequence[str] = HEAD,
    *,
    key: Key | None = None,
    signs: bool = True,
    policy: str = SIGNING,
    **changes: int,
) -> x509.Certificate:
    """Make a person's certificate, issued by the authority in the middle."""
    oids = [ObjectIdentifier(oid) for oid in (*roles, "1.3.6.1.5.5.7.3.4")]
    policies = x509.CertificatePolicies([x509.PolicyInformation(ObjectIdentifier(policy), None)])
    extensions = (usage(signs=signs), x509.ExtendedKeyUsage(oids), policies)
    return certificate(subject, key or rsa_key("person"), AUTHORITY, rsa_key("authority"), *extensions, **changes)


def answer(
    about: x509.Certificate,
    *,
    status: ocsp.OCSPCertStatus = ocsp.OCSPCertStatus.GOOD,
    time: int = START + DAY,
    later: int | None = None,
    issuer: x509.Certificate | None = None,
    signer: tuple[x509.Certificate, Key] | None = None,
    digest: SHA256 | SHA384 | None = None,
) -> bytes:
    """Answer about a certificate, as the authority does or somebody else."""
    by, key = signer or (middle(), rsa_key("authority"))
    revoked = status is ocsp.OCSPCertStatus.REVOKED
    built = (
        ocsp.OCSPResponseBuilder()
        .add_response(
            cert=about,
            issuer=issuer or middle(),
            algorithm=SHA1(),  # noqa: S303 - the hash of a name, as all responders use it
            cert_status=status,
            this_update=moment(time),
            next_update=None if later is None else moment(later),
            revocation_time=moment(time - DAY) if revoked else None,
            revocation_reason=None,
        )
        .responder_id(ocsp.OCSPResponderEncoding.HASH, by)
        .certificates([by])
        .sign(key, digest or SHA256())
    )
    return built.public_bytes(Encoding.DER)


def responder(
    *, can: bool = True, issuer_key: str = "authority", until: int = START + 300 * DAY
) -> tuple[x509.Certificate, Key]:
    key = ec_key("responder")
    purposes = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.OCSP_SIGNING if can else ExtendedKeyUsageOID.CLIENT_AUTH])
    made = certificate(name("OCSP"), key, AUTHORITY, rsa_key(issuer_key), purposes, until=until)
    return made, key


def container(key: Key, own: x509.Certificate | None, others: Sequence[x509.Certificate] = ()) -> bytes:
    """Put a key and certificates into a PKCS #12 file; its password is `steppe`."""
    return serialize_key_and_certificates(None, key, own, others, BestAvailableEncryption(b"steppe"))


#: Algorithms as RSA certificates and signatures name them, and GOST ones with names of the same length.
_GOST = {
    "2a864886f70d010101": "2a830e030a01010101",  # 1.2.398.3.10.1.1.1.1, a key
    "2a864886f70d01010b": "2a830e030a01010102",  # 1.2.398.3.10.1.1.1.2, a signature
    "608648016503040201": "2a830e030a01030101",  # below 1.2.398.3.10.1.3.1, a digest
}
GOST_SIGNATURE = "1.2.398.3.10.1.1.1.2"


def sha1(made: x509.Certificate) -> bytes:
    """Make a certificate look as if it were signed over SHA-1, which nothing here signs any more."""
    old, new = bytes.fromhex("2a864886f70d01010b"), bytes.fromhex("2a864886f70d010105")
    return made.public_bytes(Encoding.DER).replace(old, new)


def gost(der: bytes) -> bytes:
    """Make a certificate or a signature look like a GOST one; no GOST is computed."""
    for ours, theirs in _GOST.items():
        der = der.replace(bytes.fromhex(ours), bytes.fromhex(theirs))
    return der
