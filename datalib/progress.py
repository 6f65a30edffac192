"""What a long run says of itself: to a function that is an argument, and does nothing unless somebody watches."""

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

Item = TypeVar("Item")

#: Told the name of the phase, how much of it is done, and of how much (None: nobody knows).
Watch = Callable[[str, int, int | None], None]


def nobody(_phase: str, _done: int, _total: int | None) -> None:
    """Watch nothing."""


def watched(items: Iterable[Item], watch: Watch, phase: str, total: int | None) -> Iterator[Item]:
    """Give the items, and tell of each when the next is asked for."""
    done = 0
    for item in items:
        watch(phase, done, total)
        yield item
        done += 1
    watch(phase, done, total)


def adding(watch: Watch, phase: str, total: int | None) -> Callable[[int], None]:
    """Give a function that is told how much more is done."""
    done = 0

    def add(more: int) -> None:
        nonlocal done
        done += more
        watch(phase, done, total)

    return add
