"""Provenance of AI training data: signed manifests, hand-overs, opt-outs, and a gate for training jobs.

    library = datalib.open("library", policy=policy, roots=roots, purpose="train:asr", now=now)

The names below are loaded when they are first used: importing the package costs nothing.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from datalib.errors import DatalibError, Misuse, Refused, Unchecked
    from datalib.gate import Library, open  # noqa: A004 - read as datalib.open
    from datalib.trust.policy import Policy, Roots
    from datalib.verify import Report

__version__ = "0.1.0"
__all__ = [
    "DatalibError",
    "Library",
    "Misuse",
    "Policy",
    "Refused",
    "Report",
    "Roots",
    "Unchecked",
    "open",
]

_HOMES = {
    "DatalibError": "datalib.errors",
    "Library": "datalib.gate",
    "Misuse": "datalib.errors",
    "Policy": "datalib.trust.policy",
    "Refused": "datalib.errors",
    "Report": "datalib.verify",
    "Roots": "datalib.trust.policy",
    "Unchecked": "datalib.errors",
    "open": "datalib.gate",
}


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(importlib.import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'datalib' has no attribute {name!r}")
