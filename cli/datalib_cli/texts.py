"""Texts for people in English, Kazakh and Russian. The English sentence is the key; codes never change."""

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from shlex import quote
from typing import Final

LANGUAGES = ("en", "kk", "ru")
#: What commands in texts begin with.
_COMMAND: Final = "datalib "


@cache
def _table() -> Mapping[str, Mapping[str, str]]:
    table: Mapping[str, Mapping[str, str]] = json.loads(files("datalib_cli").joinpath("texts.json").read_bytes())
    return table


@dataclass(frozen=True, slots=True, kw_only=True)
class Texts:
    """The texts of one language. Call it with an English sentence and the values of its ``{places}``."""

    lang: str

    def __call__(self, sentence: str, /, **values: object) -> str:
        """Give the sentence in this language, its places filled; paths in commands as a shell reads them."""
        found = sentence if self.lang == "en" else _table().get(sentence, {}).get(self.lang, sentence)
        if _COMMAND in sentence:
            values = {name: quote(str(value)) if isinstance(value, Path) else value for name, value in values.items()}
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
