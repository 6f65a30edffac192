"""ECDSA over P-256 with SHA-256, one spelling per signature: DER, s ≤ n/2.

The library underneath also takes s > n/2, with which anyone can turn a signature into a second one; so both numbers are
looked at here. Source: datalib trust specification §7; FIPS 186-5.
"""

from typing import TypeGuard

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from datalib.errors import Refused

PublicHandle = ec.EllipticCurvePublicKey
PrivateHandle = ec.EllipticCurvePrivateKey

KEY_OID = bytes.fromhex("2a8648ce3d0201")
CURVE_PARAMETERS = bytes.fromhex("06082a8648ce3d030107")

#: SubjectPublicKeyInfo before the two coordinates of the uncompressed point (RFC 5480).
_PREFIX = bytes.fromhex("3059301306072a8648ce3d020106082a8648ce3d03010703420004")
_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


def load(der: bytes, where: str = "") -> PublicHandle:
    """Read a key whose type is known; ``E-KEY-ENCODING`` if not uncompressed, or no point of the curve."""
    if len(der) != len(_PREFIX) + 64 or not der.startswith(_PREFIX):
        raise Refused("E-KEY-ENCODING", where, "not the standard encoding of a P-256 key")
    try:
        return ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), der[len(_PREFIX) - 1 :])
    except ValueError as error:
        raise Refused("E-KEY-ENCODING", where, "the point is not on the curve") from error


def verify(handle: PublicHandle, signature: bytes, message: bytes, where: str = "") -> None:
    """Raise ``Refused`` (form) or ``InvalidSignature`` (everything else) unless the signature holds."""
    try:
        r, s = decode_dss_signature(signature)
        one_spelling = encode_dss_signature(r, s) == signature
    except (ValueError, OverflowError):
        one_spelling = False
    if not one_spelling:
        raise Refused("E-SIG-INVALID", where, "not a DER signature")
    if s > _ORDER // 2:
        raise Refused("E-SIG-MALLEABLE", where, "s is above n/2")
    handle.verify(signature, message, ec.ECDSA(SHA256()))


def sign(handle: PrivateHandle, message: bytes) -> bytes:
    """Sign with the lower of both possible s; the same message always gets the same signature (RFC 6979)."""
    r, s = decode_dss_signature(handle.sign(message, ec.ECDSA(SHA256(), deterministic_signing=True)))
    return encode_dss_signature(r, min(s, _ORDER - s))


def generate(seed: bytes | None) -> PrivateHandle:
    """Make a key, from the operating system's randomness or from a seed."""
    if seed is None:
        return ec.generate_private_key(ec.SECP256R1())
    return ec.derive_private_key(int.from_bytes(seed, "big") % (_ORDER - 1) + 1, ec.SECP256R1())


def is_private(handle: object) -> TypeGuard[PrivateHandle]:
    """Tell whether a loaded key is a private key of this curve."""
    return isinstance(handle, ec.EllipticCurvePrivateKey) and isinstance(handle.curve, ec.SECP256R1)
