"""What an author is told: whole in three languages, first why, then what was found, then how to check it."""

import ast
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from datalib.optout.decide import SIGNALS, Profile
from datalib.optout.explain import explain
from datalib.optout.model import CATEGORIES, Carrier, State
from datalib.optout.outcome import CARRIERS, REASONS
from datalib.optout.scan import scan
from datalib_cli import explaining
from datalib_cli.explaining import explanation_lines
from datalib_cli.texts import LANGUAGES, Texts
from datalib_vocab import read, reason, signal
from tests.media_files import app1, jpeg, mining, png, signed, training
from tests.scanning import NOW, facts

ROOT = Path(__file__).parents[2]
CYRILLIC = re.compile("[а-яёәғқңөұүһі]", re.IGNORECASE)
KAZAKH = re.compile("[әғқңөұүһі]", re.IGNORECASE)
TEXTS: dict[str, dict[str, str]] = json.loads(read("signals.json"))

SITES = [
    {"origin": "https://free.kz", "status": 404},
    {"origin": "https://news.kz", "status": 200, "body": "User-agent: GPTBot\nDisallow: /\n",
     "fetched_at": "2026-11-01T10:00:00Z"},
    {"origin": "https://art.kz", "status": 404},
    {"origin": "https://art.kz", "path": "/.well-known/tdmrep.json", "status": 200,
     "body": '[{"location": "/*", "tdm-reservation": 1, "tdm-policy": "https://art.kz/p.json"}]'},
    {"origin": "https://shop.kz", "status": 200, "body": "License: https://lic.kz/rsl.xml\n"},
    {"origin": "https://lic.kz", "path": "/rsl.xml", "status": 200,
     "body": '<rsl xmlns="https://rslstandard.org/rsl"><content url="/" server="https://shop.kz"><license>'
             '<permits type="usage">search</permits></license></content></rsl>'},
    {"origin": "https://price.kz", "status": 200, "body": "License: https://nowhere.kz/rsl.xml\n"},
    {"origin": "https://odd.kz", "status": 200, "body": "<!doctype html><p>\x1b[2J"},
    {"origin": "https://down.kz", "status": 503},
    {"origin": "https://ai.kz", "status": 404},
    {"origin": "https://ai.kz", "path": "/.well-known/ai.txt", "status": 200, "body": "Training: deny\n"},
]  # fmt: skip
REFUSED = "This work is not used for training"
HELD = "This work is on hold: it is not used for training until this is clear."
#: A work and the beginning of what its author is told first.
TOLD = {
    "https://free.kz/": "This work may be used for training, because nothing that was asked forbids training.",
    "https://news.kz/": f"{REFUSED}, because robots.txt refuses this path to a crawler that collects for training.",
    "https://art.kz/": f"{REFUSED}, because tdmrep.json reserves text and data mining.",
    "https://shop.kz/": f"{REFUSED}, because an RSL licence reserves training.",
    "https://price.kz/": f"{REFUSED}: a licence is needed, and none is recorded (an RSL licence reserves training).",
    "https://odd.kz/": HELD,
    "https://down.kz/": f"{REFUSED}, because robots.txt could not be reached, which counts as a refusal.",
    "https://ai.kz/": f"{REFUSED}, because ai.txt refuses training.",
    "https://unasked.kz/": HELD,
    "https://listed.kz/": f"{REFUSED}, because a registry of refusals names this work.",
    "UNLIKELY": HELD,
}
FILES = {
    "c2pa.jpg": f"{REFUSED}, because a C2PA or CAWG assertion in the file refuses training.",
    "iptc.jpg": f"{REFUSED}, because the Data Mining property in the file refuses this use.",
    "cut.png": HELD,
    "plain.jpg": "This work may be used for training, because nothing that was asked forbids training.",
}


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("rows")
    (folder / "sites.jsonl").write_text("".join(json.dumps(item) + "\n" for item in SITES), encoding="utf-8")
    (folder / "no.txt").write_text("listed.kz\n", encoding="utf-8")
    lines = [{"url": url, "headers": ""} for url in TOLD] + [
        {"url": "https://free.kz/2", "headers": "X-Robots-Tag: noai"}
    ]
    (folder / "w.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    scan([folder / "w.jsonl"], out=folder / "out", sites=[folder / "sites.jsonl"], registries=[folder / "no.txt"],
         header_column="headers", now=NOW)  # fmt: skip
    return folder / "out"


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("files")
    works = folder / "works"
    works.mkdir()
    (works / "c2pa.jpg").write_bytes(signed(jpeg(), "image/jpeg", [training()]))
    (works / "iptc.jpg").write_bytes(jpeg(app1(mining())))
    (works / "cut.png").write_bytes(png()[:30])
    (works / "plain.jpg").write_bytes(jpeg())
    scan([works], out=folder / "out", now=NOW)
    return folder / "out"


def told(work: str, out: Path, lang: str = "en") -> list[str]:
    return explanation_lines(explain(work, out), Texts(lang=lang))


def first(lines: list[str]) -> str:
    return lines[lines.index("") + 1]


def test_every_signal_reason_category_state_and_place_has_a_plain_text() -> None:
    assert set(TEXTS) == set(SIGNALS)
    assert tuple(explaining.USES) == CATEGORIES
    assert set(explaining.STATES) == {state.label for state in State} - {"unknown"}
    assert set(explaining.SPEAKERS) == set(Carrier)
    assert tuple(explaining.CARRIERS) == CARRIERS
    assert set(explaining.PROFILES) == set(Profile)
    ours = [code for code in REASONS if not code.startswith("other")]
    assert [code for code in ours if reason(code, "kk") == code] == []


@pytest.mark.parametrize("code", TEXTS)
def test_a_signal_is_told_in_three_languages(code: str) -> None:
    texts = TEXTS[code]
    assert {lang: signal(code, lang) for lang in LANGUAGES} == texts
    assert len(set(texts.values())) == len(LANGUAGES)
    assert CYRILLIC.search(texts["ru"])
    assert not KAZAKH.search(texts["ru"])
    assert KAZAKH.search(texts["kk"])
    assert not any(text.endswith(".") or text != " ".join(text.split()) for text in texts.values())
    assert signal(code, "fr") == texts["en"]


def test_the_file_of_signals_is_sorted_and_an_unknown_signal_stays_itself() -> None:
    written = json.dumps(TEXTS, ensure_ascii=False, indent=1, sort_keys=True) + "\n"
    assert read("signals.json").decode() == written
    assert signal("never-heard-of", "ru") == "never-heard-of"


def _noted(node: ast.AST) -> list[ast.expr]:
    """Give what a reader notes here: ``note=…``, ``note = …``, and what it says of what it holds back."""
    match node:
        case ast.keyword(arg="note", value=value) | ast.Assign(targets=[ast.Name(id="note")], value=value):
            return [value]
        case ast.Call(func=ast.Attribute(attr="hold"), args=[_, _, value]):
            return [value]
        case ast.Call(func=ast.Name(id="_held"), args=[_, value, _]):
            return [value]
    return []


def _notes() -> Iterator[str]:
    for path in sorted((ROOT / "datalib" / "optout").rglob("*.py")):
        for value in (value for node in ast.walk(ast.parse(path.read_bytes())) for value in _noted(node)):
            for part in (value.body, value.orelse) if isinstance(value, ast.IfExp) else (value,):
                if isinstance(part, ast.Constant) and isinstance(part.value, str):
                    yield part.value


def test_what_readers_note_is_told_in_every_language() -> None:
    found = {note for note in _notes() if note}
    assert len(found) > 10
    assert found <= set(explaining.NOTES)


@pytest.mark.parametrize("work", TOLD)
def test_an_author_is_first_told_what_becomes_of_a_row_and_why(work: str, rows: Path) -> None:
    assert first(told(work, rows)) == TOLD[work]


@pytest.mark.parametrize("work", FILES)
def test_an_author_is_first_told_what_becomes_of_a_file_and_why(work: str, files: Path) -> None:
    assert first(told(work, files)) == FILES[work]


def test_a_refusal_names_its_place_its_words_its_time_and_what_it_means(rows: Path) -> None:
    lines = told("https://news.kz/", rows)
    start = lines.index("1. Rules in robots.txt for crawlers that collect for the training of AI, whoever sends them")
    assert lines[start + 1 : start + 8] == [
        "   From: the site news.kz",
        "   Where: https://news.kz/robots.txt, line 2",
        "   Found there:",
        "     | Disallow: /",
        "   Concerns the crawlers: GPTBot",
        "   Read: 2026-11-01 10:00:00 UTC",
        "   Refused: training of AI models, training of generative AI",
    ]
    assert lines[start + 8].startswith("   Nothing said about: collection by crawlers, text and data mining, use in")
    assert lines[start + 9].startswith("   By the letter of its standard: nothing is said about this work.")
    digest = explain("https://news.kz/", rows).statements[0].sha256
    assert lines[lines.index("To check:") + 1 :][:2] == [
        f"  1. SHA-256 {digest}", "     the very bytes are kept in evidence.parquet of the scan",
    ]  # fmt: skip


def test_what_is_missing_is_named_and_so_is_what_was_silent(rows: Path) -> None:
    lines = told("https://unasked.kz/", rows)
    assert lines[lines.index("") + 2].endswith("this was not asked: robots.txt (the site's rules for crawlers).")
    quiet = next(line for line in told("https://free.kz/", rows) if line.startswith("Asked, and nothing"))
    assert quiet.endswith("robots.txt (the site's rules for crawlers), lists of refusals (registries).")  # fmt: skip
    for work in ("https://shop.kz/", "https://art.kz/", "https://ai.kz/"):
        spoken = [line for line in told(work, rows) if line.startswith(("Asked, and", "Not asked"))]
        path = explain(work, rows).statements[0].where.rpartition("/")[2].partition("#")[0]
        assert not any(path in line.replace("well-known/ai.txt", "").replace("ai.txt", "", 1) for line in spoken), work


def test_a_row_s_own_headers_are_named_by_the_row(rows: Path) -> None:
    assert f"   Where: w.jsonl#{len(TOLD)}: headers" in told(f"w.jsonl#{len(TOLD)}", rows)


def test_a_file_speaks_for_itself(files: Path) -> None:
    lines = told("c2pa.jpg", files)
    assert "   From: the file itself" in lines
    assert "   Read: by the scan, 2027-01-15 08:00:00 UTC" in lines
    assert "   Where: cut.png" in told("cut.png", files)
    assert not any("robots.txt" in line for line in told("plain.jpg", files) if line.startswith("Not asked"))


def test_bytes_that_are_not_at_hand_are_said_to_be_elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import shutil

    monkeypatch.setattr("datalib.optout.statements.MAX_ANSWERS", 10)
    (tmp_path / "s.jsonl").write_text(json.dumps(SITES[1]) + "\n", encoding="utf-8")
    (tmp_path / "w.csv").write_text("url\nhttps://news.kz/\n", encoding="utf-8")
    scan([tmp_path / "w.csv"], out=tmp_path / "out", sites=[tmp_path / "s.jsonl"], profile="strict", now=NOW)
    kept = "     the very bytes are kept in the scan's copy of the sites' answers (sites)"
    assert kept in told("https://news.kz/", tmp_path / "out")
    shutil.rmtree(tmp_path / "out" / "sites")
    lost = "     the bytes are not at hand here; whoever ran the scan can show them"
    assert lost in told("https://news.kz/", tmp_path / "out")


def test_a_ground_that_is_missing_is_no_refusal_of_the_author(tmp_path: Path) -> None:
    absent = [{"origin": "https://free.kz", "path": path, "status": 404} for path in (
        "/robots.txt", "/.well-known/tdmrep.json", "/ai.txt", "/.well-known/ai.txt", "/trust.txt",
        "/.well-known/trust.txt", "/license.xml")]  # fmt: skip
    (tmp_path / "s.jsonl").write_text("".join(json.dumps(item) + "\n" for item in absent), encoding="utf-8")
    (tmp_path / "w.csv").write_text("url\nhttps://free.kz/\n", encoding="utf-8")
    scan([tmp_path / "w.csv"], out=tmp_path / "out", sites=[tmp_path / "s.jsonl"], profile="strict", now=NOW)
    lines = told("https://free.kz/", tmp_path / "out")
    assert first(lines) == f"{REFUSED}, because no licence, public domain, own work or contract is named."
    assert lines[-1].strip() == "The work stays out until those who keep the set record a ground for using it."


@pytest.mark.parametrize("lang", ["kk", "ru"])
def test_nothing_is_left_in_english(lang: str, rows: Path, files: Path) -> None:
    pairs = [*((work, rows) for work in TOLD), *((work, files) for work in FILES)]
    for work, out in pairs:
        for line in told(work, out, lang)[2:]:
            shown = re.sub(r"`[^`]*`", "", line)
            own = re.fullmatch(r"(     \| .*|  \d+\. SHA-256 [0-9a-f]{64}|https?:.*|)", line)
            assert own or CYRILLIC.search(shown), line


@pytest.mark.parametrize("lang", LANGUAGES)
def test_nobody_is_told_that_he_agreed_or_that_a_law_is_met(lang: str, rows: Path, files: Path) -> None:
    pairs = [*((work, rows) for work in TOLD), *((work, files) for work in FILES)]
    text = "\n".join("\n".join(told(work, out, lang)) for work, out in pairs).casefold()
    for word in ("compliant", "allowed by you", "with your permission", "соответствует закон", "с вашего разрешения",
                 "заңға сәйкес", "рұқсатыңызбен"):  # fmt: skip
        assert word not in text


def test_a_recorded_licence_is_told_as_what_others_recorded(tmp_path: Path, rows: Path) -> None:
    found = replace(explain("https://free.kz/", rows), reason="licence-covers")
    lines = explanation_lines(found, Texts(lang="en"))
    assert first(lines) == "This work may be used for training, because a licence record covers the work."
    assert lines[lines.index("") + 2].startswith("That is what those who keep the set recorded;")
    (tmp_path / "w.csv").write_text("url,licence\nhttps://news.kz/,LicenseRef-NoAI\n", encoding="utf-8")
    scan([tmp_path / "w.csv"], out=tmp_path / "out", license_column="licence", now=NOW)
    lines = told("https://news.kz/", tmp_path / "out")
    assert "   From: what the table of the works says about this one" in lines
    assert any(line.startswith("Not asked") and line.endswith("the file itself.") for line in lines)


def test_what_others_wrote_cannot_write_over_the_terminal(rows: Path) -> None:
    hostile: Any = explain("https://odd.kz/", rows)
    assert not any("\x1b" in line for line in explanation_lines(hostile, Texts(lang="en")))
    assert explaining._plain("a\tb\x1b[2J\u202e") == "a b\ufffd[2J\ufffd"
    assert explaining._plain("x" * 500) == "x" * 400 + "…"


def test_programs_get_what_they_always_got(rows: Path) -> None:
    found = explain("https://news.kz/", rows).to_dict()
    assert set(found) == {
        "also", "carriers_asked", "others", "reason", "statements", "states", "url", "verdict", "work",
    }  # fmt: skip
    assert set(found["statements"][0]) == {
        "carrier", "checked", "note", "observed_at", "quote", "sha256", "signal", "spec", "strict", "where",
    }  # fmt: skip
    assert facts(rows)["profile"] == "kz"


def test_of_works_with_one_url_a_refused_one_is_explained(tmp_path: Path) -> None:
    kinds = [""] * 7 + ["LicenseRef-NoAI"] + [""] * 8
    table = "".join(f"https://a.kz/1,{kind}\n" for kind in kinds)
    (tmp_path / "w.csv").write_text(f"url,license\n{table}", encoding="ascii")
    (tmp_path / "s.jsonl").write_text('{"origin": "https://a.kz", "status": 404}\n', encoding="ascii")
    scan([tmp_path / "w.csv"], sites=[tmp_path / "s.jsonl"], license_column="license", out=tmp_path / "out", now=NOW)
    found = explain("https://a.kz/1", tmp_path / "out")
    assert (found.work, found.verdict, found.others) == ("w.csv#7", "refuse", 15)
    assert found.also == tuple((f"w.csv#{number}", "admit") for number in (0, 1, 2, 3, 4, 5, 6, 8, 9, 10))
    told = "\n".join(map(str, explanation_lines(found, Texts(lang="en"))))
    assert told.endswith("15 more works have this URL\n" + "".join(
        f"  {work}: {verdict}\n" for work, verdict in found.also) + "  … +5")  # fmt: skip
