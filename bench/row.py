"""One measured figure: ours, theirs, and how they compare."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """``ratio`` is what the aim speaks of, in the direction that ``aim`` names ("<= 1.25", ">= 15", "<= 100 MB").

    ``ours`` and ``theirs`` are in ``unit`` and come from the same run on the same machine; ``against`` names the peer
    with its version. A figure without a peer (peak memory) has ``theirs`` and ``ratio`` None: then ``ours`` is held to
    the aim.
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
        """Whether the aim is reached; None when there is no aim."""
        if not self.aim:
            return None
        relation, bound = self.aim.split()[:2]
        figure = self.ours if self.ratio is None else self.ratio
        return figure <= float(bound) if relation == "<=" else figure >= float(bound)
