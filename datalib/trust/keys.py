"""Keys: which are sound, what they signed, and signing.

Two algorithms: Ed25519 (RFC 8032) and ECDSA P-256 with SHA-256 (FIPS 186-5), signatures in DER with s ≤ n/2. A key is
named by the SHA-256 of its SubjectPublicKeyInfo. Source: datalib trust specification §7 and §8.1.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Self

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from datalib.errors import Misuse, Refused
from datalib.formats import decode_base64, encode_base64, sha256_hex
from datalib.trust import p256
from datalib.trust.der import public_key_type

#: SubjectPublicKeyInfo of an Ed25519 key before its 32 bytes (RFC 8410).
_ED25519_PREFIX = bytes.fromhex("302a300506032b6570032100")
_ED25519_OID = bytes.fromhex("2b6570")
_FIELD = 2**255 - 19
#: y of the points of order 1, 2, 4 and 8 (both signs of x); for others a signature holds for many messages or keys.
_LOW_ORDER_Y = frozenset(
    (
        0,
        1,
        _FIELD - 1,
        int.from_bytes(bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"), "little"),
        int.from_bytes(bytes.fromhex("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a"), "little"),
    )
)
_MAX_PEM = 64 * 1024


class Algorithm(StrEnum):
    """Signature algorithms, by the names of the policy."""

    ED25519 = "ed25519"
    P256 = "ecdsa-p256-sha256"


@dataclass(frozen=True, slots=True, kw_only=True)
class PublicKey:
    """A sound public key."""

    alg: Algorithm
    der: bytes
    keyid: str
    _handle: Ed25519PublicKey | p256.PublicHandle = field(repr=False, compare=False)

    @classmethod
    def from_dict(cls, value: Mapping[str, str], where: str = "") -> Self:
        """Read the members ``alg`` and ``public`` (base64 of the SubjectPublicKeyInfo) of roots and policies.

        Raises ``Refused``: ``E-KEY-ENCODING``, ``E-KEY-ALG``, ``E-KEY-WEAK``.
        """
        key = cls.from_der(decode_base64(value["public"], "E-KEY-ENCODING", where), where, claimed=value["alg"])
        if key.alg != value["alg"]:
            raise Refused("E-KEY-ALG", where, f"the key is {key.alg}, called {value['alg'][:40]!r}")
        return key

    @classmethod
    def from_der(cls, der: bytes, where: str = "", *, claimed: str = "") -> Self:
        """Read a SubjectPublicKeyInfo in its standard encoding; errors as in ``from_dict``."""
        oid, parameters = public_key_type(der, where)
        if oid == _ED25519_OID:
            if len(der) != len(_ED25519_PREFIX) + 32 or not der.startswith(_ED25519_PREFIX):
                raise Refused("E-KEY-ENCODING", where, "not the standard encoding of an Ed25519 key")
            # A wrong name is told before a weak key.
            if claimed in {"", Algorithm.ED25519}:
                _refuse_weak(der[-32:], where)
            handle: Ed25519PublicKey | p256.PublicHandle = Ed25519PublicKey.from_public_bytes(der[-32:])
            return cls(alg=Algorithm.ED25519, der=der, keyid=sha256_hex(der), _handle=handle)
        if oid == p256.KEY_OID and parameters == p256.CURVE_PARAMETERS:
            return cls(alg=Algorithm.P256, der=der, keyid=sha256_hex(der), _handle=p256.load(der, where))
        raise Refused("E-KEY-ALG", where, "neither an Ed25519 nor a P-256 key")

    @classmethod
    def from_ed25519(cls, raw: bytes, where: str = "") -> Self:
        """Read the 32 bytes of an Ed25519 key, as logs and witnesses write them."""
        return cls.from_der(_ED25519_PREFIX + raw, where)

    @classmethod
    def from_pem(cls, data: bytes, where: str = "") -> Self:
        """Read a PEM file of a public key; errors as in ``from_dict``."""
        return cls.from_der(_unwrap_pem(data, where), where)

    def verify(self, signature: bytes, message: bytes, where: str = "") -> None:
        """Raise ``Refused`` unless the key signed the message: ``E-SIG-INVALID``, ``E-SIG-MALLEABLE`` (s > n/2)."""
        try:
            if isinstance(self._handle, Ed25519PublicKey):
                self._handle.verify(signature, message)
            else:
                p256.verify(self._handle, signature, message, where)
        except InvalidSignature as error:
            raise Refused(
                "E-SIG-INVALID", where, f"not a signature of key {self.keyid[:16]}… over these bytes"
            ) from error

    def to_dict(self) -> dict[str, str]:
        """Give the members ``alg`` and ``public`` of roots and policies."""
        return {"alg": str(self.alg), "public": encode_base64(self.der)}

    def to_pem(self) -> bytes:
        """Write the PEM file of the public key."""
        text = encode_base64(self.der)
        lines = [text[start : start + 64] for start in range(0, len(text), 64)]
        return "\n".join(["-----BEGIN PUBLIC KEY-----", *lines, "-----END PUBLIC KEY-----", ""]).encode()

    @property
    def raw(self) -> bytes:
        """The 32 bytes of an Ed25519 key."""
        return self.der[len(_ED25519_PREFIX) :]


@dataclass(frozen=True, slots=True, kw_only=True)
class PrivateKey:
    """A key that signs. Its representation shows the public key only."""

    public: PublicKey
    _handle: Ed25519PrivateKey | p256.PrivateHandle = field(repr=False, compare=False)

    @classmethod
    def new(cls, alg: Algorithm = Algorithm.ED25519, *, seed: bytes | None = None) -> Self:
        """Make a key from the randomness of the operating system, or always the same one from 32 bytes of ``seed``."""
        if alg is Algorithm.P256:
            return cls.from_handle(p256.generate(seed))
        if seed is None:
            return cls.from_handle(Ed25519PrivateKey.generate())
        return cls.from_handle(Ed25519PrivateKey.from_private_bytes(seed))

    @classmethod
    def from_pem(cls, data: bytes, password: str | None = None, where: str = "") -> Self:
        """Read a PKCS #8 file.

        Raises ``Misuse("E-KEY-PASSWORD")`` if a password is missing or wrong, ``Refused`` with ``E-KEY-PRIVATE`` or
        ``E-KEY-ALG`` if the file holds no usable private key.
        """
        from cryptography.exceptions import UnsupportedAlgorithm
        from cryptography.hazmat.primitives.serialization import load_pem_private_key

        encrypted = b"ENCRYPTED" in data
        if encrypted and password is None:
            raise Misuse("E-KEY-PASSWORD", where, "the private key is encrypted: a password is needed")
        try:
            handle = load_pem_private_key(data[:_MAX_PEM], password.encode() if encrypted and password else None)
        except UnsupportedAlgorithm as error:
            raise Refused("E-KEY-ALG", where, "neither an Ed25519 nor a P-256 key") from error
        except (ValueError, TypeError) as error:
            if encrypted:
                raise Misuse("E-KEY-PASSWORD", where, "the password does not open the private key") from error
            found = "a public key" if b"BEGIN PUBLIC KEY" in data else "not the PEM file of a private key"
            raise Refused("E-KEY-PRIVATE", where, found) from error
        if isinstance(handle, Ed25519PrivateKey) or p256.is_private(handle):
            return cls.from_handle(handle)
        raise Refused("E-KEY-ALG", where, "neither an Ed25519 nor a P-256 key")

    @classmethod
    def from_handle(cls, handle: Ed25519PrivateKey | p256.PrivateHandle) -> Self:
        """Take over a key that `cryptography` has loaded."""
        from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

        der = handle.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        return cls(public=PublicKey.from_der(der), _handle=handle)

    def sign(self, message: bytes) -> bytes:
        """Sign; the signature is checked before it is given out. One message, one signature (RFC 8032, RFC 6979)."""
        if isinstance(self._handle, Ed25519PrivateKey):
            signature = self._handle.sign(message)
        else:
            signature = p256.sign(self._handle, message)
        self.public.verify(signature, message)
        return signature

    def to_pem(self, password: str | None = None) -> bytes:
        """Write a PKCS #8 file, encrypted (PBES2, AES-256) if a password is given."""
        from cryptography.hazmat.primitives.serialization import (
            BestAvailableEncryption,
            Encoding,
            KeySerializationEncryption,
            NoEncryption,
            PrivateFormat,
        )

        encryption: KeySerializationEncryption = (
            NoEncryption() if password is None else BestAvailableEncryption(password.encode())
        )
        return self._handle.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption)


def _refuse_weak(raw: bytes, where: str) -> None:
    y = int.from_bytes(raw, "little") & (2**255 - 1)
    if y >= _FIELD or y in _LOW_ORDER_Y:
        raise Refused("E-KEY-WEAK", where, "Ed25519 point of low order or in a second spelling")


def _unwrap_pem(data: bytes, where: str) -> bytes:
    lines = data[:_MAX_PEM].decode("ascii", errors="replace").split()
    if lines[:3] != ["-----BEGIN", "PUBLIC", "KEY-----"] or lines[-3:] != ["-----END", "PUBLIC", "KEY-----"]:
        raise Refused("E-KEY-ENCODING", where, "not the PEM file of a public key")
    return decode_base64("".join(lines[3:-3]), "E-KEY-ENCODING", where)
