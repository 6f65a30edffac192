import json
import re
import string

import pytest

from datalib_cli.texts import LANGUAGES, Texts, _table, language
from tests.cli_texts import sentences

CYRILLIC = re.compile("[а-яёәғқңөұүһі]", re.IGNORECASE)


def _places(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def test_every_sentence_is_said_in_every_language_and_none_is_left_over() -> None:
    assert set(_table()) == sentences()


@pytest.mark.parametrize("lang", [lang for lang in LANGUAGES if lang != "en"])
def test_translations_keep_the_places_and_the_alphabet(lang: str) -> None:
    for english, told in _table().items():
        assert _places(told[lang]) == _places(english), english
        assert told[lang].strip() == told[lang]
        if re.search("[a-z]{3}", re.sub(r"\{\w+\}|`[^`]*`", "", english)):
            assert CYRILLIC.search(told[lang]), english


def test_the_table_is_sorted_so_that_changes_are_small() -> None:
    from importlib.resources import files

    data = files("datalib_cli").joinpath("texts.json").read_text(encoding="utf-8")
    assert data == json.dumps(json.loads(data), ensure_ascii=False, indent=2, sort_keys=True) + "\n"


def test_an_unknown_sentence_is_said_in_english() -> None:
    assert Texts(lang="kk")("no such sentence {n}", n=1) == "no such sentence 1"


@pytest.mark.parametrize(
    ("arguments", "environment", "wanted"),
    [
        (["verify", "--lang", "kk"], {}, "kk"),
        (["verify", "--lang=ru"], {"LANG": "kk_KZ.UTF-8"}, "ru"),
        (["verify"], {"LANG": "kk_KZ.UTF-8"}, "kk"),
        (["verify"], {"DATALIB_LANG": "ru", "LANG": "kk_KZ.UTF-8"}, "ru"),
        (["verify"], {"LANG": "de_DE.UTF-8"}, "en"),
        (["verify", "--lang"], {}, "en"),
    ],
)
def test_the_language_is_asked_for_or_taken_from_the_environment(
    arguments: list[str], environment: dict[str, str], wanted: str
) -> None:
    assert language(arguments, environment) == wanted
