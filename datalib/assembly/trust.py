"""Whom an assembly believes: one policy and one memory for all libraries that it verifies."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from datalib.errors import Refused
from datalib.trust.policy import Policy, Roots
from datalib.trust.state import Memory
from datalib.verify import Facts, Report, believe, load_state, verify


@dataclass(frozen=True, slots=True, kw_only=True)
class Trust:
    """Whom to believe: a policy and its pinned roots, or a policy in memory; what was accepted before."""

    policy: bytes | Policy
    roots: Roots | None = None
    state: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Judge:
    """What all verifications of one run share; ``now`` in seconds since 1970."""

    policy: Policy
    memory: Memory | None
    now: int
    progress: Callable[[int], None] | None = None

    @classmethod
    def of(cls, trust: Trust, now: int, progress: Callable[[int], None] | None = None) -> "Judge":
        """Read the policy and the state file: the codes of step 1 of verification, ``Unchecked`` (``E-STATE-FILE``)."""
        memory = load_state(trust.state) if trust.state else None
        return cls(policy=believe(trust.policy, trust.roots, now, memory), memory=memory, now=now, progress=progress)

    def accept(self, library: Path) -> Facts:
        """Verify a library that is to be used; no attestation is asked for. Raises ``Refused`` with its first code."""
        report = self._verify(library)
        try:
            return report.require()
        except Refused as error:
            raise _of(library, error) from error

    def trust(self, library: Path) -> Facts:
        """Verify a library of which only the integrity matters. Raises ``Refused`` with its first code."""
        return self.look(library)[0]

    def look(self, library: Path) -> tuple[Facts, Refused | None]:
        """Verify a library; give its facts, and why it may not be used. Raises ``Refused`` if it is not sound."""
        report = self._verify(library)
        no = report.refusal
        refusal = None if no is None else _of(library, Refused(no.code, no.where, no.detail))
        if report.facts is None:
            raise refusal or Refused(report.integrity.code, str(library))
        return report.facts, refusal

    def _verify(self, library: Path) -> Report:
        return verify(library, policy=self.policy, now=self.now, memory=self.memory, require=(), progress=self.progress)


def _of(library: Path, error: Refused) -> Refused:
    """Say which library an error is about."""
    return Refused(error.code, f"{library}: {error.where}" if error.where else str(library), error.detail)
