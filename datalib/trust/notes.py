"""Signed notes: text, an empty line, signatures; and the keys that make them.

Source: C2SP signed-note; C2SP tlog-cosignature for witnesses (signature type 0x04, which carries a time).
"""

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum
from typing import Self

from datalib.errors import Misuse, Refused
from datalib.formats import decode_base64, encode_base64
from datalib.trust.keys import Algorithm, PrivateKey, PublicKey

#: No note has more signatures (the limit of the Go implementation).
MAX_SIGNATURES = 100

_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f]")
_SIGNATURE = re.compile(r"— (\S+) (\S+)")
_VKEY = re.compile(r"([^\s+]+)\+([0-9a-f]{8})\+(\S+)")
_NAME = re.compile(r"[^\s+]{1,255}")
_ID_SIZE = 4
_KEY_SIZE = 32


class KeyType(IntEnum):
    """Types of note keys, both Ed25519."""

    LOG = 0x01
    WITNESS = 0x04


@dataclass(frozen=True, slots=True, kw_only=True)
class NoteKey:
    """The key of a log or a witness: a name, four bytes that go with it, and the key itself."""

    name: str
    id: bytes
    type: KeyType
    public: PublicKey

    @classmethod
    def from_vkey(cls, text: str, expected: KeyType, code: str, where: str = "") -> Self:
        """Read ``NAME+ID+KEY``. Raises ``Refused`` with the code given if the form, type or id is not right."""
        match = _VKEY.fullmatch(text)
        if match is None:
            raise Refused(code, where, f"{text[:80]!r} is not NAME+ID+KEY")
        name, said, encoded = match.groups()
        key = decode_base64(encoded, code, where)
        if len(key) != 1 + _KEY_SIZE or key[0] != expected:
            raise Refused(code, where, f"the key of {name[:80]} is not of type 0x{expected:02x}")
        made = hashlib.sha256(f"{name}\n".encode() + key).digest()[:_ID_SIZE]
        if made.hex() != said:
            raise Refused(code, where, f"the id of the key of {name[:80]} does not match")
        try:
            public = PublicKey.from_ed25519(key[1:], where)
        except Refused as error:
            raise Refused(code, where, error.detail) from error
        return cls(name=name, id=made, type=expected, public=public)

    @classmethod
    def named(cls, name: str, kind: KeyType, public: PublicKey) -> Self:
        """Name a key. ``Misuse("E-USAGE")`` for a name no note can hold, ``Refused("E-KEY-ALG")`` for another key."""
        if not _NAME.fullmatch(name) or _CONTROL.search(name):
            raise Misuse("E-USAGE", name[:80], "a name has no spaces, no + and at most 255 characters")
        if public.alg is not Algorithm.ED25519:
            raise Refused("E-KEY-ALG", name, "logs and witnesses sign with Ed25519 keys")
        made = hashlib.sha256(f"{name}\n".encode() + bytes([kind]) + public.raw).digest()[:_ID_SIZE]
        return cls(name=name, id=made, type=kind, public=public)

    @property
    def vkey(self) -> str:
        """The key as ``NAME+ID+KEY``."""
        return f"{self.name}+{self.id.hex()}+{encode_base64(bytes([self.type]) + self.public.raw)}"

    def verify(self, text: bytes, signature: bytes) -> int | None:
        """Give the time of a cosignature (seconds since 1970), or ``None`` for a log's signature.

        Raises ``Refused("E-SIG-INVALID")`` if the signature does not hold.
        """
        if self.type is KeyType.LOG:
            self.public.verify(signature, text, self.name)
            return None
        time = int.from_bytes(signature[:8], "big")
        self.public.verify(signature[8:], _cosigned(text, time), self.name)
        return time


def _cosigned(text: bytes, time: int) -> bytes:
    return b"cosignature/v1\ntime %d\n%b" % (time, text)


@dataclass(frozen=True, slots=True, kw_only=True)
class NoteSignature:
    """One signature line."""

    name: str
    id: bytes
    sig: bytes

    @property
    def line(self) -> bytes:
        """The line as it stands in a note, with its line feed."""
        return f"— {self.name} {encode_base64(self.id + self.sig)}\n".encode()


@dataclass(frozen=True, slots=True, kw_only=True)
class NoteSigner:
    """A private key with the name under which it signs notes, as a log or as a witness."""

    key: NoteKey
    private: PrivateKey

    @classmethod
    def named(cls, name: str, kind: KeyType, private: PrivateKey) -> Self:
        """Name a private key; errors as in ``NoteKey.named``."""
        return cls(key=NoteKey.named(name, kind, private.public), private=private)

    def sign(self, text: bytes, time: int = 0) -> NoteSignature:
        """Sign the text of a note; a witness does so at a ``time``, seconds since 1970."""
        if self.key.type is KeyType.LOG:
            sig = self.private.sign(text)
        else:
            sig = time.to_bytes(8, "big") + self.private.sign(_cosigned(text, time))
        return NoteSignature(name=self.key.name, id=self.key.id, sig=sig)


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """A note whose form is right. ``text`` is what is signed and ends in a line feed."""

    text: bytes
    signatures: tuple[NoteSignature, ...]

    def serialise(self) -> bytes:
        """Write the note."""
        return self.text + b"\n" + b"".join(signature.line for signature in self.signatures)

    @classmethod
    def parse(cls, data: bytes, code: str, where: str = "") -> Self:
        """Read a note; signatures are not verified here. Raises ``Refused`` with the code given."""
        try:
            whole = data.decode()
        except UnicodeDecodeError as error:
            raise Refused(code, where, "the note is not UTF-8") from error
        text, gap, lines = whole.rpartition("\n\n")
        if not gap or not lines.endswith("\n") or _CONTROL.search(whole):
            raise Refused(code, where, "not a signed note")
        signed = lines[:-1].split("\n")
        if len(signed) > MAX_SIGNATURES:
            raise Refused(code, where, f"more than {MAX_SIGNATURES} signatures")
        signatures = tuple(parse_signature(line, code, where) for line in signed)
        return cls(text=f"{text}\n".encode(), signatures=signatures)

    def verify(self, keys: Iterable[NoteKey], code: str, where: str = "") -> dict[NoteKey, int | None]:
        """Give the keys that signed, with the times of cosignatures. Signatures by unknown keys are ignored.

        Raises ``Refused`` with the code given if a signature by a known key does not hold, or stands there twice.
        """
        known = {(key.name, key.id): key for key in keys}
        signers: dict[NoteKey, int | None] = {}
        for signature in self.signatures:
            key = known.get((signature.name, signature.id))
            if key is None:
                continue
            if key in signers:
                raise Refused(code, where, f"{key.name} signs twice")
            try:
                signers[key] = key.verify(self.text, signature.sig)
            except Refused as error:
                raise Refused(code, where, f"the signature of {key.name} does not hold") from error
        return signers


def parse_signature(line: str, code: str, where: str = "") -> NoteSignature:
    """Read one signature line, given without its line feed; else ``Refused`` with the code given."""
    match = _SIGNATURE.fullmatch(line)
    if match is None or "+" in match[1]:
        raise Refused(code, where, f"{line[:80]!r} is not a signature line")
    data = decode_base64(match[2], code, where)
    if len(data) <= _ID_SIZE:
        raise Refused(code, where, f"the signature of {match[1][:80]} is empty")
    return NoteSignature(name=match[1], id=data[:_ID_SIZE], sig=data[_ID_SIZE:])
