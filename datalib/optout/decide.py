"""The verdict about one work, from its signals and from what was asked (datalib opt-out specification §2, rules 1-3).

``decide`` is pure. Every verdict carries one reason: a stable code, listed with its texts in ``reasons.json`` of
``datalib_vocab``. Signals give ``<signal>`` for a denial, ``<signal>-hold`` and ``<signal>-licence``.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from datalib.optout.model import TESTED, Signal, State, Verdict

#: The location-level files that must have been asked for an origin, by profile (rule 3).
LOCATION_FILES: Final = (
    "robots.txt", "tdmrep.json", "ai.txt", "well-known/ai.txt", "trust.txt", "well-known/trust.txt", "license.xml",
    "terms",
)  # fmt: skip
#: Files without a fixed place: where the snapshot has them they count, and no profile wants them asked.
OPTIONAL_FILES: Final = frozenset({"terms"})


class Profile(StrEnum):
    """Under which rules a set is judged."""

    KZ = "kz"  # training is allowed in the absence of a machine-readable prohibition (AI Law, art. 23(5))
    EU = "eu"  # the same, with lawful access recorded (Directive (EU) 2019/790, art. 4)
    STRICT = "strict"  # a positive basis besides

    @property
    def required(self) -> frozenset[str]:
        """The files that must have been asked of the origin of a work that has a URL."""
        return _REQUIRED[self]


_REQUIRED: Final = {
    Profile.KZ: frozenset({"robots.txt"}),
    Profile.EU: frozenset({"robots.txt", "tdmrep.json"}),
    Profile.STRICT: frozenset(LOCATION_FILES) - OPTIONAL_FILES,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What is known of a work besides its signals.

    ``required`` and ``asked`` name carriers: files of an origin (``Profile.required``, when the work has a URL),
    ``transfer``, ``page``, ``unit``, ``registry``.
    ``licensed``: a licence record covers the work. ``basis``: a licence, public domain, own work or contract is named.
    ``lawful_access`` is None when nobody said.
    """

    required: frozenset[str] = frozenset()
    asked: frozenset[str] = frozenset()
    licensed: bool = False
    basis: bool = False
    lawful_access: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """A verdict and its reason code."""

    verdict: Verdict
    reason: str


#: Codes that do not come from a signal.
ADMITTED: Final = "no-prohibition"
ADMITTED_LICENCE: Final = "licence-covers"
NO_BASIS: Final = "no-basis"
NO_ACCESS: Final = "no-lawful-access"
NOT_ASKED: Final = "not-asked"
#: Codes of works that cannot be judged at all; the reader of the works gives them.
NO_URL: Final = "no-url"
NO_HOST: Final = "no-host"
DAMAGED: Final = "damaged-record"
NO_FILE: Final = "not-a-file"
NO_SITE: Final = "other-scheme"
#: And of web archives.
ARCHIVE_CUT: Final = "archive-cut"
ARCHIVE_CLOSED: Final = "archive-dictionary"
BODY_UNREADABLE: Final = "body-unreadable"
INCOMPLETE: Final = "incomplete-record"
TOO_LARGE: Final = "too-large"
SITE_FILE: Final = "site-file"

#: Every signal that the readers give, in the order in which a reason is chosen among equals.
SIGNALS: Final = (
    "robots-disallow", "robots-ai-token", "robots-unreachable", "robots-refused", "robots-unclear", "robots-html",
    "robots-unreadable", "robots-ai-training", "robots-odd-key", "robots-prose", "aipref-robots", "content-signal",
    "rsl-license", "tdmrep", "ai-txt", "trust-txt", "x-robots-tag", "aipref-header", "content-signal-header",
    "tdmrep-header", "http-refused", "http-unclear", "robots-meta", "tdmrep-meta", "ai-license", "page-unreadable",
    "c2pa-training", "iptc-data-mining", "iptc-constraints", "tdmrep-embedded", "unit-text", "c2pa-remote",
    "c2pa-unreadable", "xmp-unreadable", "unit-unreadable", "registry", "licence", "user-intents", "erc-7517",
    "terms-text", "page-text", "synthetic-mark", "site-unreadable",
)  # fmt: skip
_RANK: Final = {name: rank for rank, name in enumerate(SIGNALS)}
_SUFFIX: Final = {State.DENY: "", State.HOLD: "-hold", State.CONDITIONAL: "-licence"}


def decide(signals: Iterable[Signal], known: Known, profile: Profile) -> Decision:
    """Decide about one work.

    A denial refuses. What was said and cannot be read, or a required carrier that was not asked, holds. An offered
    licence refuses unless one is held. Else the work is admitted under the rule of the profile.
    """
    strongest = max(signals, key=_strength, default=None)
    state = strongest.strict.tested if strongest else State.UNKNOWN
    missing = known.required - known.asked
    if missing and state < State.HOLD:
        return Decision(verdict=Verdict.HOLD, reason=not_asked(min(missing, key=_carrier_rank)))
    if strongest and state > State.ALLOW and not (state is State.CONDITIONAL and known.licensed):
        verdict = Verdict.HOLD if state is State.HOLD else Verdict.REFUSE
        return Decision(verdict=verdict, reason=reason_code(strongest))
    return _admit(known, profile, licensed=state is State.CONDITIONAL)


def _admit(known: Known, profile: Profile, *, licensed: bool) -> Decision:
    """Apply the rule of the profile to a work that nothing forbids."""
    if profile is Profile.STRICT and not known.basis and not licensed:
        return Decision(verdict=Verdict.REFUSE, reason=NO_BASIS)
    if profile is Profile.EU and known.lawful_access is False:
        return Decision(verdict=Verdict.REFUSE, reason=NO_ACCESS)
    return Decision(verdict=Verdict.ADMIT, reason=ADMITTED_LICENCE if licensed else ADMITTED)


def reason_code(signal: Signal) -> str:
    """Give the reason code of a signal that decides."""
    return signal.signal + _SUFFIX.get(signal.strict.tested, "")


def not_asked(carrier: str) -> str:
    """Give the reason code of a carrier that was not asked: ``not-asked-robots-txt``."""
    return f"{NOT_ASKED}-{carrier.replace('.', '-').replace('/', '-')}"


def _strength(signal: Signal) -> tuple[State, int, int]:
    """Order signals: the stronger first, then one that says it in more categories, then by name."""
    state = signal.strict.tested
    return state, -_RANK.get(signal.signal, len(_RANK)), sum(signal.strict[name] is state for name in TESTED)


def _carrier_rank(carrier: str) -> tuple[int, str]:
    return (LOCATION_FILES.index(carrier) if carrier in LOCATION_FILES else len(LOCATION_FILES)), carrier
