"""Libraries made of libraries: each input is a chain of its own, shipped under ``upstream/``.

Source: datalib trust specification §10, step 9.
"""

from dataclasses import dataclass

from datalib.chain.history import History


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """An input that was checked: the upstream chain, and the position of the event at which it was taken."""

    history: History
    position: int
