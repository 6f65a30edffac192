"""The vocabulary, as data: texts of every code in English, Kazakh and Russian, and lists that readers use."""

import json
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

LANGUAGES = ("en", "kk", "ru")


def read(name: str) -> bytes:
    """Give the bytes of one data file, such as ``codes.json``. Raises ``FileNotFoundError`` for another name."""
    return files(__name__).joinpath(name).read_bytes()


@cache
def _codes() -> Mapping[str, Mapping[str, Mapping[str, str]]]:
    codes: Mapping[str, Mapping[str, Mapping[str, str]]] = json.loads(read("codes.json"))
    return codes


def text(code: str, lang: str) -> str:
    """Say what a code means. An unknown language reads English, an unknown code is returned as it is."""
    return _say(code, "text", lang)


def remedy(code: str, lang: str) -> str:
    """Say what to do about a code. An unknown language reads English, an unknown code is returned as it is."""
    return _say(code, "remedy", lang)


@cache
def _reasons() -> Mapping[str, Mapping[str, str]]:
    reasons: Mapping[str, Mapping[str, str]] = json.loads(read("reasons.json"))
    return reasons


def reason(code: str, lang: str) -> str:
    """Say what a reason of a verdict means. An unknown language reads English, an unknown code is returned as it is."""
    entry = _reasons().get(code)
    return entry[lang if lang in LANGUAGES else "en"] if entry else code


@cache
def _signals() -> Mapping[str, Mapping[str, str]]:
    signals: Mapping[str, Mapping[str, str]] = json.loads(read("signals.json"))
    return signals


def signal(code: str, lang: str) -> str:
    """Say what kind of statement a signal is. An unknown language reads English, an unknown code stays as it is."""
    entry = _signals().get(code)
    return entry[lang if lang in LANGUAGES else "en"] if entry else code


@cache
def rules() -> Mapping[str, Any]:
    """Give what the law asks: ``rules`` by id, and the names of ``acts``, ``gaps``, ``not_loaded``, ``not_covered``."""
    found: Mapping[str, Any] = json.loads(read("rules.json"))
    return found


def article(rule: str, lang: str) -> str:
    """Name the articles that a rule comes from. An unknown language reads English; ``KeyError`` for another rule."""
    lang = lang if lang in LANGUAGES else "en"
    acts = rules()["acts"]
    named = dict[str, list[str]]()
    for one in rules()["rules"][rule]["articles"]:
        named.setdefault(one["act"], []).extend([one["at"]] if "at" in one else [])
    return "; ".join(acts[act][lang] + _places(act, places, lang) for act, places in named.items())


def _places(act: str, places: list[str], lang: str) -> str:
    """Write the numbers of articles, of points where the act is an order."""
    if not places:
        return ""
    joined = ", ".join(places)
    point = act.startswith("O")
    if lang == "kk":
        return f", {joined}-{'тармақ' if point else 'бап'}"
    return f", {_POINT[lang][point]} {joined}"


_POINT = {"en": ("art.", "p."), "ru": ("ст.", "п.")}


def _say(code: str, member: str, lang: str) -> str:
    entry = _codes().get(code)
    return entry[member][lang if lang in LANGUAGES else "en"] if entry else code
