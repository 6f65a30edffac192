"""Who is meant: identifiers of persons with their check digits, and the party objects of manifests and events.

    kz-bin: kz-iin:   Kazakhstan, 12 digits, weights 1…11 and 3…11, 1, 2 modulo 11
    lei:              ISO 17442, ISO 7064 MOD 97-10
    orcid: isni:      ISO 27729, ISO 7064 MOD 11-2
    ror:              Crockford base 32, MOD 97
    x-NAME:           any other register, form only

Source: datalib trust specification §6.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Self

from datalib.canonical import canonical
from datalib.errors import Refused

_KZ = re.compile(r"[0-9]{12}")
_LEI = re.compile(r"[0-9A-Z]{18}[0-9]{2}")
_ISNI = re.compile(r"[0-9]{15}[0-9X]")
_ROR = re.compile(r"0[a-hj-km-np-tv-z0-9]{6}[0-9]{2}")
_OTHER = re.compile(r"x-[a-z0-9-]{1,32}:[A-Za-z0-9._-]{1,64}")

_CROCKFORD = "0123456789abcdefghjkmnpqrstvwxyz"


def check_party_id(text: str, where: str = "") -> str:
    """Give back an identifier whose form and check digits are right; else ``E-PARTY-ID``."""
    fault = _fault(text)
    if fault:
        raise Refused("E-PARTY-ID", where, f"{text[:80]!r}: {fault}")
    return text


@lru_cache(maxsize=256)  # a chain names few persons, thousands of times
def _fault(text: str) -> str:
    if _OTHER.fullmatch(text):
        return ""
    scheme, _, number = text.partition(":")
    rule = _RULES.get(scheme)
    if rule is None:
        return "unknown register; for another register write x-NAME:NUMBER"
    return "" if rule(number) else "wrong form or check digits"


def is_kz_number(number: str) -> bool:
    """Tell whether 12 digits are a BIN or an IIN by their check digit; an error in the eleventh digit passes."""
    if not _KZ.fullmatch(number) or number == "0" * 12:
        return False
    digits = [int(digit) for digit in number]
    rows: tuple[Sequence[int], ...] = (range(1, 12), (*range(3, 12), 1, 2))
    for weights in rows:
        check = sum(weight * digit for weight, digit in zip(weights, digits[:11], strict=True)) % 11
        if check != 10:  # noqa: PLR2004  # 10 has no digit: the second row of weights decides
            return check == digits[11]
    return False


def _is_lei(number: str) -> bool:
    if not _LEI.fullmatch(number):
        return False
    return int("".join(str(int(character, 36)) for character in number)) % 97 == 1


def _is_isni(number: str) -> bool:
    if not _ISNI.fullmatch(number):
        return False
    total = 0
    for digit in number[:15]:
        total = (total + int(digit)) * 2
    return number[15] == "0123456789X"[(12 - total % 11) % 11]


def _is_ror(number: str) -> bool:
    if not _ROR.fullmatch(number):
        return False
    value = 0
    for character in number[:7]:
        value = value * 32 + _CROCKFORD.index(character)
    return int(number[7:]) == 98 - value * 100 % 97


_RULES: Mapping[str, Callable[[str], bool]] = {
    "kz-bin": is_kz_number,
    "kz-iin": is_kz_number,
    "lei": _is_lei,
    "orcid": _is_isni,
    "isni": _is_isni,
    "ror": _is_ror,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Party:
    """A person as an event names it. The id identifies; the names are information."""

    id: str
    name: Mapping[str, str]

    @classmethod
    def from_dict(cls, value: Mapping[str, Any], where: str = "") -> Self:
        """Read a member that the schema allowed; checks the id (``E-PARTY-ID``)."""
        return cls(id=check_party_id(value["id"], f"{where}/id"), name=value["name"])

    def to_dict(self) -> dict[str, Any]:
        """Give the JSON value."""
        return {"id": self.id, "name": dict(self.name)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Producer:
    """The person who organised collection, processing and structuring. The whole object is what never changes."""

    id: str
    name: Mapping[str, str]
    kind: str | None = None
    country: str | None = None
    organised: tuple[str, ...] | None = None

    @classmethod
    def from_dict(cls, value: Mapping[str, Any], where: str = "") -> Self:
        """Read a member that the schema allowed; checks the id (``E-PARTY-ID``)."""
        organised = value.get("organised")
        return cls(
            id=check_party_id(value["id"], f"{where}/id"),
            name=value["name"],
            kind=value.get("kind"),
            country=value.get("country"),
            organised=None if organised is None else tuple(organised),
        )

    def to_dict(self) -> dict[str, Any]:
        """Give the JSON value."""
        value: dict[str, Any] = {"id": self.id, "name": dict(self.name)}
        optional = {"kind": self.kind, "country": self.country}
        value |= {member: given for member, given in optional.items() if given is not None}
        if self.organised is not None:
            value["organised"] = list(self.organised)
        return value

    @property
    def party(self) -> Party:
        """The same person as the other members of events name it."""
        return Party(id=self.id, name=self.name)

    def same(self, other: "Producer") -> bool:
        """Tell whether both objects are equal in their RFC 8785 forms."""
        return canonical(self.to_dict()) == canonical(other.to_dict())
