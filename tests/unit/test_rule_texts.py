"""The vocabulary of rules is complete, in three languages, and says what the rules need."""

import json
import re
from typing import Any

import pytest

from datalib.rules.checking import NOT_COVERED, RULES
from datalib.rules.profile import KNOWN
from datalib_cli.app import PROGRAM
from datalib_manifests import schema
from datalib_vocab import LANGUAGES, article, read, rules

ENTRIES: dict[str, dict[str, Any]] = dict(rules()["rules"])
CYRILLIC = re.compile(r"[\u0400-\u04ff]")
KAZAKH = re.compile(r"[әғқңөұүһі]", re.IGNORECASE)
GROUPS = ("acts", "gaps", "not_loaded", "not_covered")


def test_every_rule_has_its_texts_and_no_text_is_left_over() -> None:
    assert set(ENTRIES) == set(RULES)
    assert set(rules()["not_covered"]) == set(NOT_COVERED)
    assert set(rules()["not_loaded"]) == set(KNOWN)


def test_the_file_is_written_as_the_house_writes_json() -> None:
    written = json.dumps(json.loads(read("rules.json")), ensure_ascii=False, indent=2, sort_keys=True) + "\n"
    assert read("rules.json").decode() == written


@pytest.mark.parametrize("rule", ENTRIES)
def test_a_rule_is_told_in_every_language(rule: str) -> None:
    entry = ENTRIES[rule]
    assert entry["severity"] in {"error", "warning"}
    for member in ("title", "text", "remedy"):
        texts = entry[member]
        assert set(texts) == set(LANGUAGES)
        assert not CYRILLIC.search(texts["en"])
        assert CYRILLIC.search(texts["kk"])
        assert CYRILLIC.search(texts["ru"])
        assert not KAZAKH.search(texts["ru"])
        assert len(set(texts.values())) == len(LANGUAGES)
        assert all(text == " ".join(text.split()) for text in texts.values())
        assert all(text.endswith(".") == (member == "remedy") for text in texts.values())
    assert KAZAKH.search(entry["text"]["kk"] + entry["remedy"]["kk"])


@pytest.mark.parametrize("rule", ENTRIES)
def test_a_remedy_names_the_same_members_and_commands_in_every_language(rule: str) -> None:
    names = re.compile(r"datalib [a-z]+|[a-zA-Z]+\.[a-zA-Z.]*[a-zA-Z]|[a-z]+_[a-z_]+")
    english, *others = (sorted(names.findall(ENTRIES[rule]["remedy"][lang])) for lang in LANGUAGES)
    assert others == [english] * 2
    for command in re.findall(r"datalib ([a-z]+)", ENTRIES[rule]["remedy"]["en"]):
        assert command in PROGRAM.list_commands(None)  # type: ignore[arg-type] # the list does not depend on a context


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_terms_are_those_of_the_law(lang: str) -> None:
    text = json.dumps([entry[member][lang] for entry in ENTRIES.values() for member in ("title", "text", "remedy")],
                      ensure_ascii=False).lower()  # fmt: skip
    assert "compliant" not in text
    assert "деректер кітапханасы" not in text
    assert {"en": "data library", "kk": "дерекнама", "ru": "библиотек"}[lang] in text


@pytest.mark.parametrize("group", GROUPS)
def test_names_and_gaps_are_told_in_every_language(group: str) -> None:
    for code, texts in rules()[group].items():
        assert set(texts) == set(LANGUAGES), code
        assert len(set(texts.values())) == len(LANGUAGES), code


def test_articles_are_named_as_each_language_names_them() -> None:
    assert article("KZ-07.1", "en") == "AI Law 230-VIII, art. 27(2); Digital Code 255-VIII, art. 24(4)(3)"
    assert article("RV-02", "ru").startswith("Приказ № 196/НҚ от 10.04.2026, п. 6, 7, 8; Закон 94-V")
    assert article("KZ-02", "kk") == "«Жасанды интеллект туралы» 230-VIII Заң, 1(2)-бап"
    assert article("PD-19", "fr") == "Order 179/НҚ as amended by 672/НҚ"


def test_every_member_that_a_rule_reads_has_its_place_in_the_schemas() -> None:
    declared = schema("declared")["$defs"]
    closed = schema("manifest")["properties"]["datalib"]["properties"]
    for rule, entry in ENTRIES.items():
        for member in entry["members"]:
            first, *way = member.split(".")
            if first != "datalib":
                assert first in {"sources[]", "resources[]"}, (rule, member)
                continue
            if not way:
                continue
            assert way[0] in closed, (rule, member)
            node = declared.get(way[0])
            for step in way[1:]:
                node = node["properties"].get(step) if node else node
                assert node is not None or way[0] == "producer", (rule, member)
