"""The words of pages: sentences in the language of the page, labels of codes, names, numbers, times."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

import datalib_vocab
from datalib.assembly.survey import Upstream
from datalib.formats import format_time
from datalib.library.manifest import Manifest
from datalib.publish.markup import Markup, plain, said, tag
from datalib.trust.parties import Party, Producer

#: In which order the languages of a name are tried.
_ORDER: Final = {"en": ("en", "ru", "kk"), "kk": ("kk", "ru", "en"), "ru": ("ru", "kk", "en")}


@cache
def sentences() -> Mapping[str, Mapping[str, str]]:
    """Give the sentences of pages by key, each in every language."""
    found: Mapping[str, Mapping[str, str]] = json.loads(datalib_vocab.read("pages.json"))
    return found


@cache
def _escaped(key: str, lang: str) -> Markup:
    return plain(sentences()[key][lang])


@cache
def _codes(name: str) -> Mapping[str, Any]:
    value = json.loads(datalib_vocab.read(f"{name}.json" if name in {"purposes", "methods"} else "codelists.json"))
    found: Mapping[str, Any] = value["known"] if name in {"purposes", "methods"} else value["lists"][name]["codes"]
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Wording:
    """The words of one language, one of ``datalib_vocab.LANGUAGES``."""

    lang: str

    def text(self, key: str) -> str:
        """Give a sentence as it stands, its places unfilled. ``KeyError`` for another key."""
        return sentences()[key][self.lang]

    def __call__(self, key: str, **values: str | int) -> Markup:
        """Give a sentence, its places filled with markup, texts of others, or numbers."""
        filled = {name: self.value(value) for name, value in values.items()}
        return Markup(_escaped(key, self.lang).format(**filled))

    def value(self, value: str | int) -> Markup:
        """Write a value: a number with its thousands apart, a text of others, markup as it is."""
        if isinstance(value, Markup):
            return value
        return self.number(value) if isinstance(value, int) else said(value)

    def number(self, number: int) -> Markup:
        """Write a number with its thousands apart."""
        return Markup(f"{number:,}".replace(",", "," if self.lang == "en" else "\N{NO-BREAK SPACE}"))

    def label(self, codes: str, code: str) -> Markup:
        """Name a code of a list (``purposes``, ``methods``, or one of ``codelists.json``), the code behind it."""
        name, written = self.name(codes, code), tag("code", said(code))
        return Markup(f"{plain(name)} ({written})") if name else written

    def name(self, codes: str, code: str) -> str:
        """Name a code of a list, unescaped; empty for one that is not known."""
        entry = _codes(codes).get(code)
        return "" if entry is None else str(entry["label"][self.lang])

    def pick(self, names: Mapping[str, Any]) -> Markup:
        """Write a text of a language map: in the language of the page, else in another, which is then marked."""
        text, lang = self.choose(names)
        return said(text, lang if lang != self.lang else None) if lang else Markup("")

    def choose(self, names: Mapping[str, Any]) -> tuple[str, str | None]:
        """Give a text of a language map, unescaped, and its language; an empty one if there is none."""
        order = (*_ORDER[self.lang], *sorted(names))
        lang = next((one for one in order if isinstance(names.get(one), str) and names[one].strip()), None)
        return (str(names[lang]), lang) if lang else ("", None)

    def title(self, library: Manifest | Upstream) -> str:
        """Give the title of a library in the language of the page, unescaped, else its name."""
        title = library.title
        return title if isinstance(title, str) else self.choose(title)[0] or library.name

    def party(self, party: Party | Producer) -> Markup:
        """Write a person: the name, and the id that counts."""
        return Markup(f"{self.pick(party.name)} {tag('code', said(party.id))}")


def moment(seconds: int) -> Markup:
    """Write a time, to the minute, in UTC; the element holds the seconds."""
    iso = format_time(seconds)
    return tag("time", f"{iso[:10]} {iso[11:16]} UTC", datetime=iso)
