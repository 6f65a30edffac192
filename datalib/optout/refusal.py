"""What an author refuses, in the words of the standards that can say it: values only, no files."""

import re
from dataclasses import dataclass
from typing import Final

from datalib.errors import Misuse
from datalib.optout.data_mining import VOCABULARY
from datalib.optout.model import CATEGORIES, Reading, State
from datalib.optout.statement import ALL_USES

#: Entries of a CAWG training-and-data-mining assertion 1.1, by what each refuses.
CAWG: Final = {
    "tdm": "cawg.data_mining",
    "ai_input": "cawg.ai_inference",
    "train_any": "cawg.ai_training",
    "train_gen": "cawg.ai_generative_training",
}
CAWG_LABEL: Final = "cawg.training-mining"
_URL = re.compile(r"https?://[!-~]{1,2000}")


def check_licence(url: str) -> str:
    """Give back the address of a licence, or nothing; ``Misuse("E-USAGE")`` for what headers cannot carry."""
    if url and not _URL.fullmatch(url):
        raise Misuse("E-USAGE", "--licence", f"{url[:80]!r} is not a URL in ASCII")
    return url


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """What is refused, with all that is contained in it, and where a licence can be had (a URL, or empty)."""

    reading: Reading
    licence: str = ""

    def denies(self, category: str) -> bool:
        """Say whether a use is refused."""
        return self.reading[category] is State.DENY

    @property
    def tdm(self) -> bool:
        """Whether text and data mining is refused: all that TDMRep can say."""
        return self.denies("tdm")

    @property
    def mining(self) -> str:
        """The narrowest value of ``plus:DataMining`` that says it, a URI; empty when none does.

        No value speaks of mining without AI input and search; TDMRep says that part.
        """
        if all(map(self.denies, ALL_USES)):
            code = "DMI-PROHIBITED"
        elif self.tdm and self.denies("ai_input"):
            code = "DMI-PROHIBITED-EXCEPTSEARCHENGINEINDEXING"
        elif self.denies("train_any"):
            code = "DMI-PROHIBITED-AIMLTRAINING"
        elif self.denies("train_gen"):
            code = "DMI-PROHIBITED-GENAIMLTRAINING"
        else:
            return ""
        return VOCABULARY + code

    @property
    def usage(self) -> str:
        """The preferences of AIPREF ``Content-Usage`` (draft-ietf-aipref-vocab-08); empty when they cannot say it."""
        labels = {"train-ai": "train_gen", "ai-use": "ai_input", "search": "search"}
        return ", ".join(f"{label}=n" for label, category in labels.items() if self.denies(category))

    @property
    def content_signal(self) -> str:
        """The value of ``Content-Signal``; empty when it cannot say it."""
        keys = {"search": "search", "ai-input": "ai_input", "ai-train": "train_gen"}
        return ", ".join(f"{key}=no" for key, category in keys.items() if self.denies(category))

    @property
    def robots_tag(self) -> str:
        """The words of ``X-Robots-Tag`` and of the robots meta element; empty when they cannot say it."""
        words = ["noai", "noimageai"] if self.denies("train_gen") else []
        words += ["noml"] if self.denies("train_any") else []
        words += ["noindex"] if self.denies("search") else []
        return ", ".join(words)

    @property
    def cawg(self) -> dict[str, dict[str, str]]:
        """The entries of a CAWG assertion."""
        return {key: {"use": "notAllowed"} for category, key in CAWG.items() if self.denies(category)}

    def widened(self, more: Reading) -> "Refusal":
        """Give the same with what somebody has refused besides."""
        denied = [name for name in CATEGORIES if more[name] is State.DENY]
        return Refusal(reading=self.reading | Reading.of(State.DENY, *denied), licence=self.licence)
