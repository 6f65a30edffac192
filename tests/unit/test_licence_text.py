"""Licences in files: tags, files beside and above a work, and what their words say about training."""

import json
from pathlib import Path
from typing import Any

import pytest

from datalib.optout import licence_text, texts
from datalib.optout.model import NOTHING, Signal
from datalib.optout.scan import scan
from datalib.optout.statement import Evidence
from tests import media_files as made
from tests.scanning import NOW, read_decisions

EVIDENCE = Evidence(locator="a", sha256="00" * 32)


def state(signals: tuple[Signal, ...]) -> str:
    strict = NOTHING
    for signal in signals:
        strict |= signal.strict
    return strict.tested.label


def of(name: str, data: str | bytes, *, licence: bool = False) -> str:
    return state(texts.signals(name, data.encode() if isinstance(data, str) else data, EVIDENCE, licence=licence))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("# SPDX-License-Identifier: MIT\n", "unknown"),
        ("# SPDX-License-Identifier: LicenseRef-NoAI\n", "deny"),
        ("/* SPDX-License-Identifier: MIT AND LicenseRef-No-Train */", "deny"),
        ("<!-- SPDX-License-Identifier: NTDL-1.0 -->", "deny"),
        ('SPDX-License-Identifier = "LicenseRef-NoAI"', "deny"),
        ("# SPDX-License-Identifier: MIT\n# SPDX-License-Identifier: LicenseRef-NoAI\n", "deny"),
        ("# SPDX-License-Identifier: LicenseRef-AI-Terms", "hold"),
        ("# SPDX-License-Identifier: CC-BY-NC-4.0", "unknown"),
        ("no licence, no AI training", "unknown"),
    ],
)
def test_tags_of_texts(text: str, expected: str) -> None:
    assert of("a.py", text) == expected
    assert of("a.py", ("\ufeff" + text).encode("utf-16-le")) == expected
    assert of("a.py", ("\ufeff" + text).encode()) == expected


def test_a_limited_licence_is_recorded() -> None:
    for name, text in (
        ("a.py", "# SPDX-License-Identifier: CC-BY-NC-4.0"),
        ("LICENSE", "Creative Commons Attribution-NonCommercial 4.0"),
    ):
        (signal,) = texts.signals(name, text.encode(), EVIDENCE)
        assert (signal.signal, signal.strict, signal.note[:10]) == ("licence", NOTHING, "commercial")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("MIT License\n\nPermission is hereby granted, free of charge, to any person", "unknown"),
        ("This alternative is allowed only occasionally and noncommercially", "unknown"),
        ("The works must not be used to train AI models.", "deny"),
        ("Произведения запрещено использовать для машинного обучения.", "deny"),
        ("Шығармаларды машиналық оқыту үшін пайдалануға тыйым салынады.", "deny"),
        ("No-Train License 1.0\n\nBe kind.", "deny"),
        ("x " * 20_000 + "It must not be used to train language models.", "deny"),
        ("Training of AI models is permitted to members under annex B.", "hold"),
        ("ai sensi della legge", "unknown"),
        ("noai", "deny"),
        ("SPDX-License-Identifier: LicenseRef-NoAI", "deny"),
    ],
)
def test_words_of_licences(text: str, expected: str) -> None:
    assert of("LICENSE", text) == expected
    assert of("a/LICENCE.md", text) == expected
    assert of("photo.jpg.license", text, licence=True) == expected


def test_a_licence_that_is_too_long_is_held(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(licence_text, "MAX_LICENCE", 10)
    assert of("COPYING", "x" * 11) == "hold"
    assert of("COPYING", "x" * 10) == "unknown"


@pytest.mark.parametrize(
    ("name", "yes"),
    [
        ("LICENSE", True), ("a/LICENCE.txt", True), ("license.md", True), ("COPYING", True), ("COPYING.LESSER", True),
        ("LICENSE-MIT", True), ("UNLICENSE", True), ("LICENSES.html", True), ("LICENSE.NOAI", True),
        ("license.py", False), ("licensee.txt", False), ("licensing.md", False), ("my-license.txt", False),
        ("a", False),
    ],
)  # fmt: skip
def test_names_of_licences(name: str, yes: bool) -> None:
    assert licence_text.is_licence_file(name) is yes


# -- JSON


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"dataMiningPreference": {"aiTraining": "notAllowed"}}, "deny"),
        ({"dataMiningPreference": {"aiTraining": "allowed"}}, "allow"),
        ({"dataMiningPreference": {"aiTraining": "?"}}, "hold"),
        ({"dataMiningPreference": "notAllowed"}, "hold"),
        ({"dataMiningPreference": None}, "unknown"),
        ([{"properties": {"dataMiningPreference": {"dataMining": "notAllowed"}}}], "deny"),
        ({"$type": "org.user-intents.declaration", "bulkDataset": {"allow": False}}, "deny"),
        (
            {"uri": "at://x", "value": {"$type": "org.user-intents.declaration", "bulkDataset": {"allow": True}}},
            "unknown",
        ),
        ({"$type": "other", "about": "org.user-intents.declaration", "bulkDataset": {"allow": False}}, "unknown"),
        ({"name": "x"}, "unknown"),
    ],
)
def test_declarations_in_json(value: Any, expected: str) -> None:
    assert of("a.json", json.dumps(value)) == expected
    assert of("a.txt", json.dumps(value)) == "unknown"


def test_json_that_cannot_be_read_is_held_where_it_speaks(monkeypatch: pytest.MonkeyPatch) -> None:
    assert of("a.json", '{"dataMiningPreference": ') == "hold"
    assert of("a.json", '{"x": ') == "unknown"
    assert of("a.json", '{"dataMiningPreference": ' + "[" * 100_000) == "hold"
    monkeypatch.setattr(texts, "MAX_JSON", 10)
    assert of("a.json", '{"dataMiningPreference": {}}') == "hold"
    monkeypatch.undo()
    monkeypatch.setattr(texts, "_MAX_VALUES", 1)
    assert of("a.json", '[{"dataMiningPreference": {"aiTraining": "notAllowed"}}]') == "hold"


# -- in folders

FILES = {
    "plain.txt": b"x",
    "code.py": b"# SPDX-License-Identifier: LicenseRef-NoAI\n",
    "photo.jpg": made.jpeg(), "photo.jpg.license": b"SPDX-License-Identifier: LicenseRef-NoAI\n",
    "photo.png": made.png(),
    "token.png": made.png(), "token.json": b'{"dataMiningPreference": {"aiTraining": "notAllowed"}}',
    "quiet.png": made.png(), "quiet.json": b"{}",
    "data.json": b"{}", "data.json.license": b"SPDX-License-Identifier: LicenseRef-NoAI\n",
    "closed/LICENSE": b"These works must not be used for machine learning.",
    "closed/a/b.txt": b"x", "closed/c.png": made.png(), "closed/d.csv": b"url\nhttps://e.x/\n",
    "closed/page.html": b"<html>", "closed/w.parquet": b"PAR1",
    "open/LICENSE": b"MIT License", "open/a.txt": b"x",
    "account/org.user-intents.declaration/self.json": (
        b'{"$type": "org.user-intents.declaration", "syntheticContentGeneration": {"allow": false}}'
    ),
    "account/app.bsky.feed.post/3k.json": b'{"text": "hello"}',
    "table.csv": b"url\nhttps://e.x/\nhttps://e.y/\n", "table.csv.license": b"SPDX-License-Identifier: NTDL",
    "rows.csv": b"url\nUNLIKELY\n", "rows.xmp": made.mining(),
}  # fmt: skip
EXPECTED = {
    "plain.txt": "admit no-prohibition",
    "code.py": "refuse licence",
    "photo.jpg": "refuse licence", "photo.jpg.license": "refuse licence",
    "photo.png": "admit no-prohibition",
    "token.png": "refuse erc-7517", "token.json": "refuse erc-7517",
    "quiet.png": "admit no-prohibition", "quiet.json": "admit no-prohibition",
    "data.json": "refuse licence", "data.json.license": "refuse licence",
    "closed/LICENSE": "refuse licence",
    "closed/a/b.txt": "refuse licence", "closed/c.png": "refuse licence", "closed/d.csv#0": "refuse licence",
    "closed/page.html": "refuse licence", "closed/w.parquet": "hold damaged-record",
    "open/LICENSE": "admit no-prohibition", "open/a.txt": "admit no-prohibition",
    "account/org.user-intents.declaration/self.json": "refuse user-intents",
    "account/app.bsky.feed.post/3k.json": "refuse user-intents",
    "table.csv#0": "refuse licence", "table.csv#1": "refuse licence", "table.csv.license": "refuse licence",
    "rows.csv#0": "refuse iptc-data-mining", "rows.xmp": "refuse iptc-data-mining",
}  # fmt: skip


def write(folder: Path, files: dict[str, bytes]) -> Path:
    for name, data in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    return folder


def test_licences_beside_and_above_files_count(tmp_path: Path) -> None:
    works = write(tmp_path / "works", FILES)
    scan([works], out=tmp_path / "out", now=NOW)
    assert {row.work: f"{row.verdict} {row.reason}" for row in read_decisions(tmp_path / "out")} == EXPECTED


def test_a_licence_that_changes_is_read_again_and_that_of_another_folder_says_nothing(tmp_path: Path) -> None:
    one, two = write(tmp_path / "one", {"LICENSE": b"MIT", "a.txt": b"x"}), write(tmp_path / "two", {"b.txt": b"x"})

    def verdicts() -> dict[str, str]:
        scan([one, two], out=tmp_path / "out", now=NOW)
        return {row.work: row.verdict for row in read_decisions(tmp_path / "out")}

    assert set(verdicts().values()) == {"admit"}
    (one / "LICENSE").write_bytes(b"No AI training.")
    assert verdicts() == {"LICENSE": "refuse", "a.txt": "refuse", "b.txt": "admit"}


def test_what_is_quoted_of_a_licence_are_the_words_that_refuse() -> None:
    text = b"SPDX-FileCopyrightText: 2024 Ann of the Steppe\nSPDX-License-Identifier: LicenseRef-NoAI\n"
    quoted = [signal.raw for signal in licence_text.whole(text, EVIDENCE)]
    assert quoted == ["LicenseRef-NoAI", "icense-Identifier: LicenseRef-NoAI"]  # some letters before them
