"""The key act: a person says, in a signed document, that a key is theirs.

A DSSE envelope, signed by the key it is about: that is the proof of possession. The person's national signature is a
detached CMS over the bytes of the file. Source: datalib trust specification §8.3.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from datalib import schema
from datalib.canonical import canonical, parse_canonical
from datalib.chain import envelope
from datalib.chain.envelope import Envelope
from datalib.errors import Refused
from datalib.formats import format_time, parse_time
from datalib.trust.keys import PrivateKey, PublicKey
from datalib.trust.parties import check_party_id

TYPE = "application/vnd.datalib.key-act+json"
#: In bytes.
MAX_KEY_ACT = 64 * 1024

#: What is stated when the person writes nothing else.
STATEMENT: Mapping[str, str] = {
    "kk": (
        "Осы ашық кілтке сәйкес жабық кілт менің иелігімде, оны басқа ешкім пайдаланбайды. Көрсетілген мерзімде осы "
        "кілтпен қол қойылған дерекнама оқиғаларына мен қол қойдым деп танимын."
    ),
    "ru": (
        "Закрытый ключ, соответствующий этому открытому ключу, находится у меня, никто другой им не пользуется. "  # noqa: RUF001 - a Russian sentence
        "События библиотек данных, подписанные этим ключом в указанный срок, я признаю подписанными мной."
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyAct:
    """Whose key it is, and from when until when (seconds since 1970) it signs for them."""

    party: str
    public: PublicKey
    start: int
    until: int
    statement: Mapping[str, str]

    @classmethod
    def parse(cls, data: bytes, where: str = "key act") -> Self:
        """Read a key act and check the proof of possession.

        Raises ``Refused``: codes of envelopes and strict JSON, ``E-SCHEMA``, ``E-PARTY-ID``, ``E-TIME-FORMAT``,
        ``E-KEY-*``; ``E-ENROL-POP`` unless the key itself, and nobody else, has signed.
        """
        try:
            sealed = envelope.parse(data, payload_type=TYPE, limit=MAX_KEY_ACT, where=where)
        except Refused as error:
            if error.code == "E-ENV-UNSIGNED":
                raise Refused("E-ENROL-POP", where, "not signed") from error
            raise
        value = parse_canonical(sealed.payload, limit=MAX_KEY_ACT, where=where)
        schema.check("key-act", value, where)
        found = cls._typed(value, where)
        _check_possession(sealed, found.public, where)
        return found

    @classmethod
    def _typed(cls, value: Mapping[str, Any], where: str) -> Self:
        start, until = (parse_time(value[name], f"{where}#/{name}") for name in ("from", "until"))
        if start >= until:
            raise Refused("E-SCHEMA", where, "the window ends before it begins")
        return cls(
            party=check_party_id(value["party"], f"{where}#/party"),
            public=PublicKey.from_dict(value, where),
            start=start,
            until=until,
            statement=value["statement"],
        )

    def to_dict(self) -> dict[str, Any]:
        """Give the payload as a JSON value."""
        return {
            "party": self.party,
            **self.public.to_dict(),
            "from": format_time(self.start),
            "until": format_time(self.until),
            "statement": dict(self.statement),
        }


def make(party: str, key: PrivateKey, *, start: int, until: int, statement: Mapping[str, str] | None = None) -> bytes:
    """Write a key act, signed by its key; ``statement`` adds to the usual one, or replaces it language by language.

    Raises ``Refused``: ``E-PARTY-ID``, ``E-SCHEMA``.
    """
    act = KeyAct(
        party=check_party_id(party),
        public=key.public,
        start=start,
        until=until,
        statement={**STATEMENT, **(statement or {})},
    )
    line = envelope.sign(TYPE, canonical(act.to_dict()), [key]).line
    KeyAct.parse(line)
    return line


def _check_possession(sealed: Envelope, key: PublicKey, where: str) -> None:
    signers = [signature.keyid for signature in sealed.signatures]
    if signers != [key.keyid]:
        raise Refused("E-ENROL-POP", where, "not signed by the key it is about, and by it alone")
    try:
        envelope.verify(sealed, {key.keyid: key}, where)
    except Refused as error:
        raise Refused("E-ENROL-POP", where, f"{error.code}: {error.detail}") from error
