"""One measured figure: ours, theirs, and how they compare."""

import operator
from dataclasses import dataclass
from typing import Final

_RELATIONS: Final = {"<=": operator.le, ">=": operator.ge, "<": operator.lt, ">": operator.gt}


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """``ratio`` is what the aim speaks of, in the direction that ``aim`` names ("<= 1.25", ">= 15", "<= 100 MB").

    ``ours`` and ``theirs`` are in ``unit`` and come from the same run on the same machine; ``against`` names the peer
    with its version. A figure without a peer (peak memory) has ``theirs`` and ``ratio`` None: then ``ours`` is held to
    the aim. An empty ``aim`` is a figure for information.
    """

    what: str
    against: str
    ours: float
    theirs: float | None
    unit: str
    ratio: float | None
    aim: str
    note: str = ""

    @property
    def met(self) -> bool | None:
        """Whether the aim is reached; None when there is none."""
        if not self.aim:
            return None
        relation, bound = self.aim.split()[:2]
        figure = self.ours if self.ratio is None else self.ratio
        return bool(_RELATIONS[relation](figure, float(bound)))


def compared(
    what: str, against: str, ours: float, theirs: float, *, unit: str = "CPU s", aim: str = "", note: str = ""
) -> Row:
    """Give the row of a figure of which less is better: the ratio is ours to theirs."""
    return Row(what=what, against=against, ours=ours, theirs=theirs, unit=unit, ratio=ours / theirs, aim=aim, note=note)


def bounded(what: str, ours: float, *, unit: str, aim: str, note: str = "") -> Row:
    """Give the row of a figure that has a bound and no peer."""
    return Row(what=what, against="", ours=ours, theirs=None, unit=unit, ratio=None, aim=aim, note=note)
