"""Texts for people in English, Kazakh and Russian. The English sentence is the key; codes never change."""

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

LANGUAGES = ("en", "kk", "ru")


@cache
def _table() -> Mapping[str, Mapping[str, str]]:
    table: Mapping[str, Mapping[str, str]] = json.loads(files("datalib_cli").joinpath("texts.json").read_bytes())
    return table


@dataclass(frozen=True, slots=True, kw_only=True)
class Texts:
    """The texts of one language. Call it with an English sentence and the values of its ``{places}``."""

    lang: str

    def __call__(self, sentence: str, /, **values: object) -> str:
        """Give the sentence in this language, its places filled."""
        found = sentence if self.lang == "en" else _table().get(sentence, {}).get(self.lang, sentence)
        return found.format(**values) if values else found


def language(arguments: Sequence[str], environment: Mapping[str, str] = os.environ) -> str:
    """Pick the language: ``--lang``, else DATALIB_LANG, LC_ALL, LC_MESSAGES, LANG; English when none is ours."""
    for index, argument in enumerate(arguments):
        name, _, value = argument.partition("=")
        if name == "--lang":
            wanted = value or (arguments[index + 1] if index + 1 < len(arguments) else "")
            return wanted if wanted in LANGUAGES else "en"
    for name in ("DATALIB_LANG", "LC_ALL", "LC_MESSAGES", "LANG"):
        wanted = environment.get(name, "")[:2]
        if wanted in LANGUAGES:
            return wanted
    return "en"
