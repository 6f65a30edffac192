"""Declarations: what an author or rights holder refuses, about which works, from when to when, signed.

A DSSE envelope in the profile of the chain (trust specification §7) whose payload is canonical JSON: who (``holder``,
``key``), about what (``about``: domains, URLs, identifiers, as registries write them), what is refused (``deny``) and,
as information only, what is allowed (``allow``) and where a licence can be had (``licence``). Opt-out specification §5.

The key stands in the declaration: a signature shows that nothing was changed, not who the holder is.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Self

from datalib import schema
from datalib.canonical import canonical, parse_canonical
from datalib.chain import envelope
from datalib.chain.envelope import MAX_LINE, Envelope
from datalib.errors import Misuse, Refused
from datalib.formats import format_time, parse_time
from datalib.optout.model import CATEGORIES, NOTHING, Reading, State
from datalib.optout.refusal import check_licence
from datalib.optout.registry import Kind, key_of
from datalib.trust.keys import PrivateKey, PublicKey
from datalib.trust.parties import Party

DECLARATION_TYPE: Final = "application/vnd.datalib.declaration+json"
SPEC: Final = "1"
#: What is refused when nothing else is said: any training (which contains that of generative models).
DEFAULT: Final = ("train_any",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Declaration:
    """A declaration as its payload says it. Times in seconds since 1970; ``until`` is the first second without it.

    ``signed_by`` is the id of the key that is named and has signed; empty when the signature does not hold, for
    ``fault``, or was not looked at.
    """

    holder: Party
    key: dict[str, str]
    made: int
    begins: int
    until: int | None
    about: tuple[str, ...]
    deny: tuple[str, ...]
    allow: tuple[str, ...] = ()
    licence: str = ""
    signed_by: str = ""
    fault: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Give the payload as a JSON value."""
        value: dict[str, Any] = {
            "about": list(self.about), "deny": list(self.deny), "from": format_time(self.begins),
            "holder": self.holder.to_dict(), "key": self.key, "made": format_time(self.made), "spec": SPEC,
        }  # fmt: skip
        if self.until is not None:
            value["until"] = format_time(self.until)
        if self.allow:
            value["allow"] = list(self.allow)
        if self.licence:
            value["licence"] = self.licence
        return value

    @property
    def refused(self) -> Reading:
        """What is refused, with all that is contained in it."""
        return Reading.of(State.DENY, *self.deny)

    def speaks(self, now: int) -> bool:
        """Say whether a refusal counts at a moment. Its window is believed only if the signature holds.

        Whoever could change the end of a refusal without its key could end it.
        """
        return not self.signed_by or (self.begins <= now and (self.until is None or now < self.until))

    def readings(self, now: int) -> tuple[Reading, Reading]:
        """Give what counts at a moment, to the letter and strictly. An allowance is never more than information."""
        if not self.speaks(now):
            return NOTHING, NOTHING
        letter = self.refused | Reading.of(State.ALLOW, *self.allow) if self.signed_by else NOTHING
        return letter, self.refused

    @property
    def note(self) -> str:
        """What evidence says about who declared it, and how far that was checked."""
        who = f"declared by {self.holder.id}"
        signed = (
            f"signed by key {self.signed_by[:16]}…" if self.signed_by else f"the signature does not hold: {self.fault}"
        )
        licence = f"; a licence is offered: {self.licence}" if self.licence else ""
        return f"{who}; {signed}; the holder was not checked{licence}"

    @classmethod
    def parse(cls, data: bytes, where: str = "") -> Self:
        """Read a declaration and look at its signature; one that does not hold refuses no less.

        Raises ``Refused``: codes of envelopes and of strict JSON, ``E-SPEC-VERSION``, ``E-SCHEMA``,
        ``E-SCHEMA-UNKNOWN``, ``E-PARTY-ID``, ``E-TIME-FORMAT``.
        """
        sealed = envelope.parse(data.removesuffix(b"\n"), payload_type=DECLARATION_TYPE, where=where)
        value = parse_canonical(sealed.payload, limit=MAX_LINE, where=where)
        if value.get("spec") != SPEC:
            raise Refused("E-SPEC-VERSION", where, f"spec {str(value.get('spec'))[:20]!r}")
        schema.check("declaration", value, where)
        signed_by, fault = _signed_by(sealed, value["key"])
        found = cls(
            holder=Party.from_dict(value["holder"], f"{where}#/holder"),
            key=value["key"],
            made=parse_time(value["made"], f"{where}#/made"),
            begins=parse_time(value["from"], f"{where}#/from"),
            until=parse_time(value["until"], f"{where}#/until") if "until" in value else None,
            about=tuple(value["about"]),
            deny=tuple(value["deny"]),
            allow=tuple(value.get("allow", ())),
            licence=value.get("licence", ""),
            signed_by=signed_by,
            fault=fault,
        )
        if found.until is not None and found.until <= found.begins:
            raise Refused("E-SCHEMA", f"{where}#/until", "it ends before it begins")
        return found


def _signed_by(sealed: Envelope, named: dict[str, str]) -> tuple[str, str]:
    """Give the id of the key that is named if it signed, else why not. Other signatures mean nothing here."""
    try:
        key = PublicKey.from_dict(named)
        signature = next((one for one in sealed.signatures if one.keyid == key.keyid), None)
        if signature is None:
            return "", "not signed by the key that it names"
        key.verify(signature.sig, sealed.signed_bytes)
    except Refused as error:
        return "", f"{error.code}: {error.detail}"
    return key.keyid, ""


def declare(
    about: Sequence[str],
    *,
    holder: Party,
    key: PrivateKey,
    now: int,
    deny: Sequence[str] = DEFAULT,
    allow: Sequence[str] = (),
    begins: int | None = None,
    until: int | None = None,
    licence: str = "",
) -> tuple[Declaration, bytes]:
    """Make and sign a declaration; give it with the bytes of its file.

    Raises ``Misuse("E-USAGE")`` for what names no work, a category that is none or both refused and allowed, an end
    before the beginning; ``Refused`` as ``parse`` does for what is too large.
    """
    if odd := [text for text in about if entry_key(text) is None]:
        raise Misuse("E-USAGE", odd[0][:200], "neither a domain, a URL (https://…) nor an identifier")
    if not about:
        raise Misuse("E-USAGE", "", "name the works: URLs, domains, identifiers or --file")
    if unknown := sorted({*deny, *allow} - set(CATEGORIES)):
        raise Misuse("E-USAGE", unknown[0], f"a category is one of {', '.join(CATEGORIES)}")
    if both := [name for name in CATEGORIES if name in allow and Reading.of(State.DENY, *deny)[name] is State.DENY]:
        raise Misuse("E-USAGE", both[0], "refused and allowed at once")
    start = now if begins is None else begins
    if until is not None and until <= start:
        raise Misuse("E-USAGE", "--until", "it ends before it begins")
    said = Declaration(
        holder=holder,
        key=key.public.to_dict(),
        made=now,
        begins=start,
        until=until,
        about=tuple(dict.fromkeys(about)),
        deny=tuple(name for name in CATEGORIES if name in deny),
        allow=tuple(name for name in CATEGORIES if name in allow),
        licence=check_licence(licence),
    )
    data = envelope.sign(DECLARATION_TYPE, canonical(said.to_dict()), [key]).line + b"\n"
    return Declaration.parse(data), data


def entry_key(text: str) -> tuple[Kind, str] | None:
    """Tell what an entry of ``about`` names, as lists of refusals do; None when it is no entry."""
    return key_of(text) if text.isprintable() and text == text.strip() else None
