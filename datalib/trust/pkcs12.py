"""Take a private key out of a PKCS #12 file, the container of national digital signatures (RFC 7292)."""

import hashlib
import hmac
import warnings
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from datalib.errors import Misuse, Refused
from datalib.trust import p256
from datalib.trust.keys import PrivateKey

if TYPE_CHECKING:
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

MAX_BYTES = 1 << 20
#: Digests of MACs, and their block sizes in bytes.
_BLOCKS = {"sha1": 64, "sha256": 64, "sha384": 128, "sha512": 128}
_FOR_MAC = 3
_MAX_ROUNDS = 1_000_000
_UNREADABLE = "the password is right: a GOST key, or another one that ordinary libraries cannot read"


@dataclass(frozen=True, slots=True, kw_only=True)
class Signer:
    """A person's national key with its certificate, the first of ``chain``. It signs key acts, never events."""

    chain: "tuple[x509.Certificate, ...]"
    key: "RSAPrivateKey | EllipticCurvePrivateKey" = field(repr=False)


def load(data: bytes, password: str, where: str = "") -> PrivateKey:
    """Open the container and give its P-256 or Ed25519 key.

    Raises ``Misuse("E-P12-OPEN")`` when it does not open: the password is wrong, or the key is a GOST key, which
    ordinary libraries cannot read; the detail says so if the password is right. ``Refused("E-KEY-ALG")`` for a key that
    cannot sign events (RSA).
    """
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

    handle, _, _ = _open(data, password, where)
    if isinstance(handle, Ed25519PrivateKey) or p256.is_private(handle):
        return PrivateKey.from_handle(handle)
    if isinstance(handle, RSAPrivateKey):
        raise Refused("E-KEY-ALG", where, "an RSA key: it can sign a key act for a key that you make, not events")
    raise Refused("E-KEY-ALG", where, "a key for events is Ed25519 or P-256" if handle else "no private key inside")


def load_signer(data: bytes, password: str, where: str = "") -> Signer:
    """Open the container to sign a key act: an RSA or P-256 key with its certificate. Errors as in ``load``."""
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

    handle, certificate, others = _open(data, password, where)
    if not isinstance(handle, RSAPrivateKey) and not p256.is_private(handle):
        raise Refused(
            "E-KEY-ALG", where, "a key act is signed with RSA or P-256" if handle else "no private key inside"
        )
    if certificate is None:
        raise Refused("E-ENROL-CERT", where, "no certificate for the key inside")
    return Signer(chain=(certificate, *others), key=handle)


def _open(data: bytes, password: str, where: str) -> tuple[Any, "x509.Certificate | None", "list[x509.Certificate]"]:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization.pkcs12 import load_key_and_certificates

    if len(data) > MAX_BYTES:
        raise Refused("E-KEY-ENCODING", where, f"larger than {MAX_BYTES} bytes")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # containers in BER are old, not wrong
            return load_key_and_certificates(data, password.encode())
    except (ValueError, UnsupportedAlgorithm) as error:
        right = _password_holds(data, password)
        raise Misuse("E-P12-OPEN", where, _UNREADABLE if right else "") from error


def _password_holds(data: bytes, password: str) -> bool:
    """Tell whether the password is that of a container that could not be opened: its MAC is made with it (RFC 7292 §4).

    Ordinary libraries report a GOST key in the words of a wrong password; the MAC of such containers is an ordinary
    one. False where it cannot be said.
    """
    from asn1crypto import pkcs12

    try:
        container = pkcs12.Pfx.load(data, strict=True)
        told = container["mac_data"]
        name, rounds = told["mac"]["digest_algorithm"]["algorithm"].native, told["iterations"].native
        if name not in _BLOCKS or not 0 < rounds <= _MAX_ROUNDS:
            return False
        key = _mac_key(name, password, told["mac_salt"].native, rounds)
        made = hmac.digest(key, container["auth_safe"]["content"].native, name)
        return hmac.compare_digest(made, told["mac"]["digest"].native)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return False


def _mac_key(name: str, password: str, salt: bytes, rounds: int) -> bytes:
    """Derive the key of the MAC, which is as long as the digest, so that one block of it is enough. RFC 7292 §B.2."""
    size = _BLOCKS[name]
    word = f"{password}\0".encode("utf-16-be")
    key = bytes([_FOR_MAC]) * size
    for part in (salt, word):
        whole = -(-len(part) // size) * size
        key += (part * -(-whole // len(part)))[:whole] if part else b""
    for _ in range(rounds):
        key = hashlib.new(name, key, usedforsecurity=True).digest()
    return key
