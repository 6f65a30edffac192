"""Whom a verifier believes, and what it remembers."""

from dataclasses import dataclass

from datalib.trust.policy import Policy, Roots
from datalib.trust.state import Memory


@dataclass(frozen=True, slots=True, kw_only=True)
class Trust:
    """A policy file and its pinned roots, or a policy in memory; what was accepted before, as in `datalib.verify`."""

    policy: bytes | Policy
    roots: Roots | None
    memory: Memory | None = None

    @property
    def vouched(self) -> bool:
        """Tell whether the reader vouches for keys, instead of a root."""
        return isinstance(self.policy, Policy) and self.policy.vouched
