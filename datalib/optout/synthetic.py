"""Machine-readable marks of synthetic content: C2PA actions and the IPTC property Digital Source Type.

Sources: C2PA specification §18.15 (actions), IPTC NewsCodes "Digital Source Type". A mark is what somebody declared; it
is reported so that a library's own statement about synthetic content can be held against its files.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from datalib.optout.content_credentials import Store, values_of

#: The statement that a mark makes.
SIGNAL: Final = "synthetic-mark"
_NO_SHARE: Final = frozenset({"0", "0.0", "0%", "none"})


class Extent(StrEnum):
    """How far a work is synthetic by its mark."""

    GENERATED = "generated"
    MODIFIED = "modified"
    NONE = "none"


_EXTENTS: Final = {
    "trainedalgorithmicmedia": Extent.GENERATED,
    "trainedalgorithmicdata": Extent.GENERATED,
    "algorithmicmedia": Extent.GENERATED,
    "virtualrecording": Extent.GENERATED,
    "compositesynthetic": Extent.MODIFIED,
    "compositewithtrainedalgorithmicmedia": Extent.MODIFIED,
}
_MEMBERS: Final = ("digitalSourceType", "DigitalSourceType")


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Mark:
    """One mark. ``standard``: ``c2pa`` or ``iptc``; ``code``: of the vocabulary, without its address."""

    standard: str
    code: str
    place: str

    @property
    def extent(self) -> Extent:
        """How far the work is synthetic; a code that nobody knows says nothing."""
        return _EXTENTS.get(self.code.lower(), Extent.NONE)


def of_store(store: Store, locator: str) -> Iterator[Mark]:
    """Give the marks of all manifests of a store: what an ingredient was is part of what the work is."""
    for manifest in store.manifests:
        for assertion in manifest.assertions:
            place = f"{locator}#c2pa/{manifest.label}/{assertion.get('label')}"
            yield from (Mark(standard="c2pa", code=code_of(value), place=place) for value in _values(assertion))


def of_values(values: Iterable[str], place: str) -> Iterator[Mark]:
    """Give the marks of the values of an XMP property."""
    yield from (Mark(standard="iptc", code=code_of(value), place=place) for value in values)


def stated(manifest: Any) -> bool | None:
    """Say whether a library states that it holds synthetic content; None where it says nothing of it."""
    block = manifest.get("datalib") if isinstance(manifest, Mapping) else None
    said = block.get("synthetic") if isinstance(block, Mapping) else None
    if not isinstance(said, Mapping) or not said:
        return None
    return str(said.get("share", "")).strip().lower() not in _NO_SHARE


def code_of(value: str) -> str:
    """Take the code from the address of a term."""
    return value.strip().rstrip("/").rpartition("/")[2].rpartition("#")[2].rpartition(":")[2][:80]


def _values(assertion: Mapping[str, Any]) -> Iterator[str]:
    for name in _MEMBERS:
        yield from dict.fromkeys(values_of(assertion.get("data"), name))
