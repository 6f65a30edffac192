"""A report stays below its size whatever a library says, and what is left out is counted."""

import json
import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from selectolax.lexbor import LexborHTMLParser

from datalib.assembly.survey import Upstream
from datalib.chain.events import Attest, Claim, Evidence
from datalib.optout.result import parse_scan
from datalib.personal.found import Looked, Place
from datalib.publish import report
from datalib.publish.bounds import PAGE, Bound, fitting
from datalib.publish.markup import Markup
from datalib.publish.story import Scanned, Story
from datalib.rules import reading
from datalib.rules.checking import RULES, Waiver
from datalib.rules.profile import Profile
from datalib.rules.reading import Request
from datalib.trust.belief import Trust
from datalib.trust.parties import Party, Producer
from datalib.trust.policy import Policy
from datalib_vocab import LANGUAGES
from tests.libraries import DAY, NOW, PERSONS, Library, Person, sound
from tests.reports import made_of, many, page, tell, text
from tests.unit.test_report import SCAN

#: What a character may become: one that is written out, one that is escaped, one of two bytes.
LETTERS = ("\U000e0041", "'", "ы")
VOUCHED = Trust(policy=Policy.vouch([(person.id, person.key.public) for person in PERSONS]), roots=None)


def shout(person: Person, letter: str) -> Party:
    """Name a person at the greatest length."""
    return replace(person.party, name={"ru": letter * 2000})


def library(folder: Path, letter: str) -> Library:
    """Make a library that says as much as it may, of everything."""
    long, text = letter * 700, letter * 2000  # the manifest may have 16 MB
    source = {"title": text, "path": long, "license": long, "method": long, "basis": long, "collected": {"from": long}}
    maker, buyer, scanner = PERSONS[:3]
    made = Library(
        folder=folder,
        log=None,
        name=long,
        document={
            "title": long,
            "sources": [source] * 400,
            "licenses": [{"name": long}] * 600,
            "resources": [{"name": f"{long}{number}", "path": "data/a.txt"} for number in range(100)],
        },
        block={
            "producer": {"id": maker.id, "name": {"ru": text}, "country": "US"},
            "title": {"ru": text},
            "description": {"ru": text},
            "purpose": [f"x:{'a' * 50}{number}" for number in range(3000)],
            "languages": ["kk-" + "-".join(["Abcdefgh"] * 60)] * 600,
        },
    )
    made.genesis(producer=Producer(id=maker.id, name={"ru": text}, country="US"))
    evidence = tuple(Evidence(name=text, sha256=f"{number:064x}") for number in range(8))
    for _ in range(40):
        claim = Claim(type="optout", result="fail", tool=text, note=text, until=NOW, evidence=evidence)
        made.append(Attest(**made.common(), by=shout(scanner, letter), claim=claim), scanner)
        made.transfer(maker, buyer, basis=text, sender=shout(maker, letter), recipient=shout(buyer, letter))
        made.transfer(buyer, maker, basis=text, sender=shout(buyer, letter), recipient=shout(maker, letter))
    return made


def upstream(letter: str) -> list[Upstream]:
    """Make a dense graph of libraries, each of a producer of its own."""
    long = letter * 5000
    return [
        replace(
            each,
            name=long,
            title={"ru": long},
            producer=Producer(id=f"x-test:{each.item.lib}", name={"ru": letter * 2000}),
            withdrawn=long,
            recipients=(Party(id="x-test:p", name={"ru": letter * 2000}),) * 500,
        )
        for each in many(3000)
    ]


def law(letter: str, folder: Path) -> Request:
    """Give everything that can be given beside a library, at length."""
    text = letter * 2000
    register = {"register": 1, "operator": "kz-bin:990140000384"} | {
        "withdrawals": [{"ref": f"{letter * 190}{number}", "received": "2026-01-01"} for number in range(900)]
    }
    (folder / "register.json").write_text(json.dumps(register), encoding="utf-8")
    days = reading.calendar(None)
    check = {"member": "/none", "severity": "error", "text": {"ru": text}, "remedy": {"ru": text}, "required": True}
    act = {
        "profile": 1, "act": "act", "title": {"ru": text}, "date": "2026-01-01", "source": text,
        "checks": [{**check, "id": f"c{number}"} for number in range(200)],
    }  # fmt: skip
    return Request(
        sets=("kz", "eu"),
        deadlines=reading.register(folder / "register.json", days, NOW),
        profiles=(Profile.parse(json.dumps(act, ensure_ascii=False).encode(), "act"),),
        waivers=tuple(
            Waiver(rule=rule, reason=text, by=text, until=until)
            for rule, until in zip(RULES, (None, None, date(2020, 1, 1)), strict=False)
        ),
    )


def loudest(folder: Path, letter: str) -> Story:
    """Tell of a library where everything is as long as it may be."""
    made = library(folder / "library", letter)
    told = made_of(tell(made.folder, trust=VOUCHED, law=law(letter, folder), now=NOW + 100 * DAY), upstream(letter))
    assert told.told is not None
    counts = {f"{letter * 3000}{number}": 7 for number in range(300)}
    scan = parse_scan(
        json.dumps(
            SCAN
            | dict.fromkeys(("agent", "profile", "tool"), letter * 5000)
            | {"counts": dict.fromkeys(("verdict", "reason", "signal", "asked"), counts)}
        ).encode(),
        "",
    )
    places = tuple(Place(where=letter * 900, column=letter * 900, counts={"iin": 3, "phone": 1}) for _ in range(900))
    looked = Looked(
        full=True, files=9, read=9, bytes=9, counts={"iin": 2700}, places=places, beyond=50, unread={"link": 3}
    )  # fmt: skip
    scanned = Scanned(by=shout(PERSONS[2], letter), result="fail", until=NOW, found=scan)
    return replace(
        told,
        told=replace(told.told, scans=(scanned, replace(scanned, by=None)), law=replace(told.told.law, looked=looked)),
    )


def left_out(tree: LexborHTMLParser, selector: str) -> list[int]:
    """Give how many rows are said to be left out, as the page has it in English."""
    said = (" ".join(node.text().split()) for node in tree.css(selector))
    return [int(found[1].replace(",", "")) for one in said if (found := re.search(r"and ([\d,]+) more", one))]


@pytest.mark.parametrize("letter", LETTERS)
def test_the_loudest_library_fits_and_what_is_left_out_is_counted(tmp_path: Path, letter: str) -> None:
    told = loudest(tmp_path, letter)
    pages = {lang: report.write(told, lang) for lang in ("en", "kk")}
    assert {lang: len(data) for lang, data in pages.items() if len(data) >= PAGE} == {}
    tree = LexborHTMLParser(pages["en"].decode())
    for rows, rest, total in (
        ("#sources tbody tr", "#sources > .note", 400),
        ("#about ul.plain > li", "#about ul.plain > li:last-child", 3000 + 1),
        ("ol.time > li:not(.gap)", "ol.time > .gap", 121),
        ("#graph tbody tr", "#graph details .note", len(upstream("x"))),
    ):
        assert len(tree.css(rows)) + sum(left_out(tree, rest)) == total, rows
    drawn = len(tree.css("svg.graph rect.bad"))
    assert f"the farthest libraries: {3000 - drawn:,}" in text(tree, "#graph")
    assert drawn
    assert "Hand-overs that are not drawn: 30." in text(tree, "#graph")
    assert len(tree.css("svg.graph rect.step")) == 50
    assert "entries: 900, of them open or late: 900" in text(tree, "#duties").lower()
    assert all(left_out(tree, one) for one in (".bars + .note", ".findings > li:last-child", "#duties .places > li"))


def test_a_library_of_a_thousand_libraries_shows_them_all(tmp_path: Path) -> None:
    told = made_of(tell(sound(tmp_path).folder), many(1000))
    for lang in LANGUAGES:
        data = report.write(told, lang)
        assert len(data) < PAGE
        tree = LexborHTMLParser(data.decode())
        assert len(tree.css("svg.graph rect.bad")) == 25
        assert len(tree.css("#graph tbody tr")) == 1000
    assert tree.css_first("#graph > .omitted") is None


def test_sources_of_usual_length_are_shown_to_the_five_hundredth(tmp_path: Path) -> None:
    sources = [
        {"title": f"Газета «Егемен Қазақстан», {number}", "path": f"https://egemen.example/{number}/"}
        for number in range(700)
    ]
    tree = page(tell(Library(folder=tmp_path, document={"sources": sources}).genesis().publish().folder))
    assert len(tree.css("#sources tbody tr")) == 500
    assert text(tree, "#sources > .note") == "and 200 more, not shown here: see datapackage.json"


@pytest.mark.parametrize(
    ("items", "rows", "room", "kept"),
    [(("aa", "bb", "cc"), 2, 99, 2), (("aa", "bb"), 9, 3, 1), (("ыы", "a"), 9, 3, 0), ((), 1, 1, 0), (("a",), 1, 1, 1)],
)
def test_items_are_kept_while_there_is_room(items: Sequence[str], rows: int, room: int, kept: int) -> None:
    assert fitting(map(Markup, items), Bound(rows=rows, room=room)) == list(items[:kept])
