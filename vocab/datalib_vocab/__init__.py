"""The vocabulary, as data: texts of every code in English, Kazakh and Russian, and lists that readers use."""

import json
from collections.abc import Mapping
from functools import cache
from importlib.resources import files

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


def _say(code: str, member: str, lang: str) -> str:
    entry = _codes().get(code)
    return entry[member][lang if lang in LANGUAGES else "en"] if entry else code
