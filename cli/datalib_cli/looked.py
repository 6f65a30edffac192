"""What a look for personal data found, as text and as JSON: places and counts, never values."""

from typing import TYPE_CHECKING, Any

from datalib_cli.texts import Texts

if TYPE_CHECKING:
    from collections.abc import Mapping

    from datalib.personal.found import Looked

#: What each kind is, for people.
KINDS = {
    "card": "numbers of payment cards",
    "email": "e-mail addresses",
    "iban": "IBANs",
    "iin": "IINs",
    "phone": "phone numbers",
}
#: Why something was not searched.
UNREAD = {
    "binary": "files that are no text and no table",
    "binary-column": "columns of bytes",
    "damaged": "damaged files",
    "link": "links and special files",
}
_SHOWN = 50  # places; JSON has more


def looked_data(found: "Looked | None") -> dict[str, Any] | None:
    """Give a look as the JSON object that programs read, ``None`` if nobody looked."""
    return found.to_dict() if found else None


def looked_lines(found: "Looked | None", say: Texts) -> list[str]:
    """Write a look for people."""
    if found is None:
        return []
    how = say("searched to the end") if found.full else say("searched: a sample")
    counts = _counts(found.counts, say) or say("no identifiers of the kinds known")
    lines = [say("personal data: {found}; {how}, files: {read} of {files}", found=counts, how=how, read=found.read,
                 files=found.files)]  # fmt: skip
    from datalib.library.paths import readable

    order = sorted(found.places, key=lambda place: (not place.column, -sum(place.counts.values())))
    for place in order[:_SHOWN]:
        column = f"#{readable(place.column)}" if place.column else ""
        lines.append(f"  {place.where}{column}: {_counts(place.counts, say)}")
    if more := len(order[_SHOWN:]) + found.beyond:
        lines.append("  " + say("further places: {count}", count=more))
    if found.unread:
        lines.append("  " + say("not searched: {what}", what=_listed(found.unread, UNREAD, say)))
    return lines


def _counts(counts: "Mapping[str, int]", say: Texts) -> str:
    return _listed(counts, KINDS, say)


def _listed(counts: "Mapping[str, int]", names: "Mapping[str, str]", say: Texts) -> str:
    return ", ".join(f"{say(names[name])}: {count}" for name, count in counts.items())
