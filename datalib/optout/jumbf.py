"""JUMBF, the boxes of a C2PA manifest store: which assertions it holds, byte for byte.

Source: ISO/IEC 19566-5 §A, C2PA specification §11.1. Used for evidence, and to notice what another reader leaves out.
"""

from collections.abc import Iterator
from typing import Final, NamedTuple

_SUPERBOX: Final = b"jumb"
_DESCRIPTION: Final = b"jumd"
_LABELLED: Final = 2
_MAX_DEPTH: Final = 16
_MAX_BOXES: Final = 1 << 16


class Labelled(NamedTuple):
    """A superbox: the labels on the way to it, its own last; its bytes with the head."""

    path: tuple[str, ...]
    data: bytes


def walk(store: bytes) -> Iterator[Labelled]:
    """Give all superboxes, outer ones first. What is broken ends the walk."""
    waiting: list[tuple[tuple[str, ...], int, int]] = [((), 0, len(store))]
    steps = 0
    while waiting:
        path, place, end = waiting.pop()
        while place + 8 <= end:
            steps += 1
            size, kind = int.from_bytes(store[place : place + 4]), store[place + 4 : place + 8]
            if size < 8 or place + size > end or steps > _MAX_BOXES:  # noqa: PLR2004 (a box has a head of eight bytes)
                return
            if kind == _SUPERBOX and len(path) < _MAX_DEPTH:
                inner = (*path, _label(store, place + 8, place + size))
                yield Labelled(inner, store[place : place + size])
                waiting.append((inner, place + 8, place + size))
            place += size


def _label(store: bytes, start: int, end: int) -> str:
    """Read the label of the description box that begins a superbox."""
    size, kind = int.from_bytes(store[start : start + 4]), store[start + 4 : start + 8]
    body = store[start + 8 : min(start + size, end)]
    if kind != _DESCRIPTION or len(body) <= 17 or not body[16] & _LABELLED:  # noqa: PLR2004 (a UUID, then the toggles)
        return ""
    return body[17:].partition(b"\0")[0].decode("utf-8", "replace")
