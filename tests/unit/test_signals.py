"""``docs/signals.md``: every row is recognised in the least example of it, and names a test that is there."""

import ast
import json
import re
from pathlib import Path
from typing import Any

import pytest

from datalib.optout.explain import explain
from datalib.optout.judge import judge_headers
from datalib.optout.scan import scan
from datalib.optout.statement import Evidence
from tests import media_files as made
from tests.scanning import NOW

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "signals.md"
RSL = '<rsl xmlns="https://rslstandard.org/rsl"><content url="/"><license><prohibits type="usage">ai-train</prohibits>'
RSL += "</license></content></rsl>"
NAMESPACE = "http://www.w3.org/ns/tdmrep/"


def robots(*lines: str, group: str = "*") -> dict[str, Any]:
    return {"/robots.txt": "\n".join([f"User-agent: {group}", *lines, ""])}


#: Rows of a table: what the site of each answers, by path; the headers and the page; the signal that is found.
ROWS: dict[str, tuple[dict[str, Any], str, str, str]] = {
    "robots-rules": (robots("Disallow: /"), "", "", "robots-disallow"),
    "robots-crawlers": (robots("Disallow: /", group="GPTBot"), "", "", "robots-ai-token"),
    "robots-purposes": (robots("Disallow: /", group="AI-Training"), "", "", "robots-ai-token"),
    "robots-unreachable": ({"/robots.txt": 503}, "", "", "robots-unreachable"),
    "robots-refused": ({"/robots.txt": 403}, "", "", "robots-refused"),
    "robots-html": ({"/robots.txt": "<!doctype html><html>"}, "", "", "robots-html"),
    "robots-prose": (robots("# Text and data mining is reserved, Directive 2019/790"), "", "", "robots-prose"),
    "robots-ai-training": (robots("DisallowAITraining: /"), "", "", "robots-ai-training"),
    "aipref-robots": (robots("Content-Usage: train-ai=n"), "", "", "aipref-robots"),
    "aipref-exceptions": (robots("Content-Usage: train-genai=n;exceptions=cc-cr"), "", "", "aipref-robots"),
    "aipref-header": ({}, "Content-Usage: train-ai=n", "", "aipref-header"),
    "content-signal": (robots("Content-Signal: ai-train=no"), "", "", "content-signal"),
    "content-signal-header": ({}, "Content-Signal: ai-train=no", "", "content-signal-header"),
    "rsl-robots": ({"/robots.txt": "License: /terms.xml\n", "/terms.xml": RSL}, "", "", "rsl-license"),
    "rsl-file": ({"/license.xml": RSL}, "", "", "rsl-license"),
    "rsl-header": ({}, 'Link: <https://e.x/l.xml>; rel="license"; type="application/rsl+xml"', "", "rsl-license"),
    "rsl-page": ({}, "", '<link rel="license" type="application/rsl+xml" href="/l.xml">', "rsl-license"),
    "rsl-page-text": ({}, "", f'<script type="application/rsl+xml">{RSL}</script>', "rsl-license"),
    "tdmrep": ({"/.well-known/tdmrep.json": '[{"location": "/", "tdm-reservation": 1}]'}, "", "", "tdmrep"),
    "tdmrep-header": ({}, "tdm-reservation: 1", "", "tdmrep-header"),
    "tdmrep-meta": ({}, "", '<meta name="tdm-reservation" content="1">', "tdmrep-meta"),
    "ai-txt": ({"/ai.txt": "User-Agent: *\nDisallow: /\n"}, "", "", "ai-txt"),
    "ai-txt-well-known": ({"/.well-known/ai.txt": "Training: deny\n"}, "", "", "ai-txt"),
    "trust-txt": ({"/trust.txt": "datatrainingallowed=no\n"}, "", "", "trust-txt"),
    "noai-header": ({}, "X-Robots-Tag: noai", "", "x-robots-tag"),
    "noai-any-case": ({}, "X-Robots-Tag: NoAI", "", "x-robots-tag"),
    "noai-after-date": ({}, "X-Robots-Tag: unavailable_after: 25 Jun 2030 15:00:00 PST, noai", "", "x-robots-tag"),
    "noml-header": ({}, "X-Robots-Tag: noml", "", "x-robots-tag"),
    "noarchive-header": ({}, "X-Robots-Tag: noarchive", "", "x-robots-tag"),
    "noai-meta": ({}, "", '<meta name="robots" content="noai, noimageai">', "robots-meta"),
    "ai-license-meta": ({}, "", '<meta name="ai-license" content="deny">', "ai-license"),
    "registry": ({}, "", "", "registry"),
    "registry-tdm-ai": ({}, "", "", "registry"),
    "registry-onix": ({}, "", "", "registry"),
    "terms": ({"/terms": "<p>The works must not be used for machine learning.</p>"}, "", "", "terms-text"),
    "page-text": ({}, "", "<p>All rights reserved, also for text and data mining.</p>", "page-text"),
    "licence": ({}, "", "", "licence"),
}  # fmt: skip
#: Further columns of some rows.
IDS = {"registry-tdm-ai": "ISCC:KACYPXW445FTYNJ3CYSXHAFJMA2HU", "registry-onix": "978-0-306-40615-7"}
LICENCES = {"licence": "LicenseRef-NoAI"}
REFUSALS = """registry.example
{"iscc": "ISCC:KACYPXW445FTYNJ3CYSXHAFJMA2HU", "TDM": "usageReservation"}
{"isbn": "978-0-306-40615-7", "EpubUsageType": "11", "EpubUsageStatus": "03"}
"""
#: Files: what is in them, and the signal.
FILES: dict[str, tuple[str, bytes, str]] = {
    "cawg": ("a.jpg", made.signed(made.jpeg(), "image/jpeg", [made.training()]), "c2pa-training"),
    "c2pa": ("b.jpg", made.signed(made.jpeg(), "image/jpeg", [made.training("c2pa.training-mining")]), "c2pa-training"),
    "c2pa-elsewhere": (
        "c.jpg",
        made.signed(made.jpeg(), "image/jpeg", [], remote="http://127.0.0.1:1/m"),
        "c2pa-remote",
    ),
    "iptc-data-mining": ("d.jpg", made.jpeg(made.app1(made.mining())), "iptc-data-mining"),
    "iptc-constraints": (
        "e.jpg",
        made.jpeg(made.app1(made.packet("<plus:OtherConstraints>No AI training</plus:OtherConstraints>"))),
        "iptc-constraints",
    ),
    "tdmrep-epub": ("f.epub", made.epub('<meta property="tdm:reservation">1</meta>'), "tdmrep-embedded"),
    "tdmrep-pdf": (
        "g.pdf",
        made.pdf(made.packet("<tdm:reservation>1</tdm:reservation>", tdm=NAMESPACE)),
        "tdmrep-embedded",
    ),
    "rsl-inside": ("j.png", made.png(made.itxt(RSL.encode(), keyword=b"RSL")), "rsl-license"),
    "notice": ("h.jpg", made.jpeg(made.segment(0xFE, b"No AI training")), "unit-text"),
    "notice-document": (
        "k.docx",
        made.zipped({"docProps/core.xml": b"<a><description>No AI training</description></a>"}),
        "unit-text",
    ),
    "notice-sound": ("l.flac", made.flac((4, made.comments("COPYRIGHT=No AI training"))), "unit-text"),
    "archive": ("m.zip", made.zipped({"a.jpg": made.jpeg(made.app1(made.mining()))}), "iptc-data-mining"),
    "licence-tag": ("n.py", b"# SPDX-License-Identifier: LicenseRef-NoAI\n", "licence"),
    "licence-beside": ("o.png", made.png(), "licence"),
    "licence-folder": ("closed/p.png", made.png(), "licence"),
    "licence-reuse": ("art/r.png", made.png(), "licence"),
    "erc-7517": ("q.json", b'{"dataMiningPreference": {"aiTraining": "notAllowed"}}', "erc-7517"),
    "user-intents": ("account/app.bsky.feed.post/3k.json", b'{"text": "x"}', "user-intents"),
    "file-unreadable": ("i.png", made.png()[:40], "unit-unreadable"),
}
#: What lies beside and above some of them.
BESIDE = {
    "o.png.license": b"SPDX-License-Identifier: LicenseRef-NoAI\n",
    "REUSE.toml": b'version = 1\n[[annotations]]\npath = "art/**"\nSPDX-License-Identifier = "LicenseRef-NoAI"\n',
    "closed/LICENSE": b"These works must not be used for machine learning.\n",
    "account/org.user-intents.declaration/self.json": (
        b'{"$type": "org.user-intents.declaration", "syntheticContentGeneration": {"allow": false}}'
    ),
}


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("signals")
    answers: list[dict[str, Any]] = []
    works: list[dict[str, str]] = []
    for name, (site, headers, page, _) in ROWS.items():
        origin = f"https://{name}.example"
        columns = {"headers": headers, "html": page, "id": IDS.get(name, ""), "licence": LICENCES.get(name, "")}
        works.append({"url": f"{origin}/a", **columns})
        for path, said in ({"/robots.txt": 404} | site).items():
            status, body = (said, "") if isinstance(said, int) else (200, said)
            answers.append({"origin": origin, "path": path, "status": status, "body": body})
    for file, lines in (("sites.jsonl", answers), ("works.jsonl", works)):
        (folder / file).write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    (folder / "refusals.txt").write_text(REFUSALS, encoding="utf-8")
    scan([folder / "works.jsonl"], out=folder / "out", sites=[folder / "sites.jsonl"], html_column="html",
         header_column="headers", id_column="id", license_column="licence", registries=[folder / "refusals.txt"],
         now=NOW)  # fmt: skip
    return folder / "out"


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("signals")
    (folder / "works").mkdir()
    for name, data in ({name: data for name, data, _ in FILES.values()} | BESIDE).items():
        (folder / "works" / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / "works" / name).write_bytes(data)
    scan([folder / "works"], out=folder / "out", now=NOW)
    return folder / "out"


@pytest.mark.parametrize("name", ROWS)
def test_a_row_s_signal_is_recognised_and_keeps_the_work_out(name: str, rows: Path) -> None:
    found = explain(f"https://{name}.example/a", rows)
    assert [statement.signal for statement in found.statements] == [ROWS[name][3]]
    assert found.verdict != "admit"


@pytest.mark.parametrize("name", FILES)
def test_a_file_s_signal_is_recognised_and_keeps_the_work_out(name: str, files: Path) -> None:
    file, _, signal = FILES[name]
    found = explain(file, files)
    assert signal in {statement.signal for statement in found.statements}
    assert found.verdict != "admit"


def test_a_refusal_to_hand_out_the_work_is_recognised() -> None:
    for status, signal in ((403, "http-refused"), (429, "http-unclear")):
        (found,) = judge_headers([], "MyBot", Evidence(locator="#", sha256="0" * 64), status=status)
        assert found.signal == signal


def _table() -> dict[str, list[str]]:
    """Read the table of the page: cells by the name in the first one."""
    lines = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("| `")]
    cells = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]
    return {row[0].strip("` "): row[1:] for row in cells}


def test_the_page_has_a_row_for_each_example_and_the_other_way_round() -> None:
    assert set(_table()) == {*ROWS, *FILES, "http-refused"}
    assert {len(cells) for cells in _table().values()} == {6}


@pytest.mark.parametrize("name", [*ROWS, *FILES, "http-refused"])
def test_the_test_that_a_row_names_is_there(name: str) -> None:
    reason, test = re.fullmatch(r"`([a-z0-9-]+)`, `([a-z_/.:]+)`", _table()[name][1]).groups()  # type: ignore[union-attr]  # a row without it fails the test
    expected = ROWS[name][3] if name in ROWS else FILES[name][2] if name in FILES else name
    assert reason == expected
    file, function = test.split("::")
    tree = ast.parse((ROOT / "tests" / "unit" / file).read_bytes())
    assert function in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


def test_each_mark_of_a_peer_is_explained_below_and_each_explanation_is_used() -> None:
    text = PAGE.read_text(encoding="utf-8")
    marks = {mark for cells in _table().values() for cell in cells[2:] for mark in re.findall(r"\[([a-z]+\d+)\]", cell)}
    assert marks == set(re.findall(r"^- \*\*\[([a-z]+\d+)\]\*\*", text, re.MULTILINE))
    for cells in _table().values():
        for cell in cells[2:]:
            assert re.fullmatch(r"not found|(yes|partly|presence|passes) (\[[a-z]+\d+\] ?)+", cell), cell
