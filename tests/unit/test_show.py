"""What `show` leaves out of large libraries, and what it never does."""

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from datalib import unverified
from datalib.assembly.survey import Upstream
from datalib.library.manifest import Manifest
from datalib.library.store import Folder
from datalib_cli.layout import Block, Table, Tree, Twig, cells, laid
from datalib_cli.screen import Screen
from datalib_cli.show import EVENTS, SOURCES, UPSTREAM, Glance, show_lines
from datalib_cli.texts import Texts
from tests.libraries import Library, sound
from tests.reports import many

EN = Texts(lang="en")
Glances = Callable[..., Glance]


@pytest.fixture
def glance(tmp_path: Path) -> Glances:
    """A sound library, to which any upstream can be given."""
    with Folder(sound(tmp_path).folder) as folder:
        manifest, past = unverified.read_manifest(folder), unverified.record(folder)

    def made(below: list[Upstream], manifest: Manifest = manifest) -> Glance:
        return Glance(manifest=manifest, past=past, below=below, contents={})

    return made


def block(found: Glance, kind: type[Block], *, everything: bool = False) -> Block:
    (only,) = (each for each in show_lines(found, EN, everything=everything) if isinstance(each, kind))
    return only


def twigs(found: Glance, *, everything: bool = False) -> list[Twig]:
    tree = block(found, Tree, everything=everything)
    assert isinstance(tree, Tree)
    return list(tree.twigs)


def chains(tops: int, below: int) -> list[Upstream]:
    """Make so many inputs, nothing of note, each with so many inputs of its own."""
    found = many(2 * tops * (below + 1))[: tops * (below + 1)]
    return [
        replace(each, depth=1 if number % (below + 1) == 0 else 2, withdrawn="", follow="")
        for number, each in enumerate(found)
    ]


def test_a_small_upstream_is_shown_whole(glance: Glances) -> None:
    below = chains(4, 9)
    assert [twig.name for twig in twigs(glance(below))] == [each.name for each in below]


def test_of_a_large_upstream_it_is_counted_what_is_left_out(glance: Glances) -> None:
    found = twigs(glance(chains(10, 99)))
    said = [twig.name for twig in found if not twig.name.startswith("corpus")]
    assert len(found) - len(said) == UPSTREAM
    assert sum(int(re.findall(r"and (\d+) more: --all", text)[0]) for text in said) == 1000 - UPSTREAM
    assert [(twig.depth, twig.name) for twig in found[-2:]] == [(2, "and 60 more: --all"), (1, "and 900 more: --all")]


def test_all_is_shown_where_all_is_asked_for(glance: Glances) -> None:
    assert len(twigs(glance(chains(10, 99)), everything=True)) == 1000


def test_what_is_withdrawn_or_to_be_followed_is_shown_before_all_others(glance: Glances) -> None:
    below = chains(10, 99)
    below[555] = replace(below[555], withdrawn="recalled")
    below[777] = replace(below[777], follow="optout")
    below[888] = replace(below[888], optout="fail")
    below[889] = replace(below[889], optout="pass")
    found = twigs(glance(below))
    marked = {twig.name: twig.remarks[0].text for twig in found if twig.remarks and twig.remarks[0].tone == "bad"}
    assert marked == {
        below[555].name: "withdrawn: recalled",
        below[777].name: "amended since, and to be followed: optout",
        below[888].name: "opt-outs: examined, and not all works admitted",
    }
    assert {below[500].name, below[700].name} <= {twig.name for twig in found}  # what leads to them


def test_of_what_is_left_out_it_is_said_what_calls_for_something(glance: Glances) -> None:
    below = [replace(each, withdrawn="recalled") for each in chains(100, 0)]
    last = twigs(glance(below))[-1]
    assert [remark.text for remark in last.remarks] == [f"withdrawn: {100 - UPSTREAM}"]
    below = [replace(each, follow="erasure") for each in chains(100, 0)]
    last = twigs(glance(below))[-1]
    assert [remark.text for remark in last.remarks] == [f"amended since, and to be followed: {100 - UPSTREAM}"]


@pytest.mark.parametrize("width", [60, 80, 120])
@pytest.mark.parametrize("lang", ["en", "kk", "ru"])
def test_a_thousand_upstream_libraries_fit_the_terminal(glance: Glances, width: int, lang: str) -> None:
    below = chains(10, 99)
    below[3] = replace(below[3], name="日本語の音声" * 20, withdrawn="the consent of many speakers was withdrawn " * 3)
    lines = [line.text for line in laid(show_lines(glance(below), Texts(lang=lang)), Screen(width=width))]
    assert len(lines) < 150
    assert all(cells(line) <= width for line in lines if len(line.split()) > 1)
    assert sum("日本語の音声" in line for line in lines) == 1


def test_sources_beyond_the_first_are_counted(glance: Glances) -> None:
    plain = glance([])
    sources = tuple(replace(plain.manifest.sources[0], title=f"source {number}") for number in range(SOURCES + 5))
    found = glance([], replace(plain.manifest, sources=sources))
    assert "  - and 5 more: --all" in show_lines(found, EN)
    assert f"  - source {SOURCES + 4}" not in show_lines(found, EN)
    assert f"  - source {SOURCES + 4}" in [
        line.partition(" <")[0] for line in show_lines(found, EN, everything=True) if isinstance(line, str)
    ]


def test_of_a_long_chain_the_first_and_last_events_are_shown(tmp_path: Path) -> None:
    library = Library(folder=tmp_path).genesis()
    for _ in range(EVENTS + 4):
        library.attest()
    library.publish()
    with Folder(tmp_path) as folder:
        found = Glance(manifest=unverified.read_manifest(folder), past=unverified.record(folder), contents={})
    table, whole = block(found, Table), block(found, Table, everything=True)
    assert isinstance(table, Table)
    assert isinstance(whole, Table)
    numbers = [row.cells[0] for row in table.rows]
    half = EVENTS // 2
    assert numbers == [*map(str, range(half)), "", *map(str, range(EVENTS + 5 - half, EVENTS + 5))]
    assert table.rows[half].cells[-1] == "and 5 more: --all"
    assert len(whole.rows) == EVENTS + 5


def test_a_party_is_named_in_the_language_asked_for(glance: Glances) -> None:
    found = glance([])
    producer = replace(found.manifest.producer, name={"ru": "Институт", "kk": "Институт (қаз.)", "de": "Institut"})
    named = replace(found, manifest=replace(found.manifest, producer=producer))
    assert any("Институт (қаз.)" in str(line) for line in show_lines(named, Texts(lang="kk")))
    assert any("(Институт)" in str(line) for line in show_lines(named, EN))  # English is missing: the first
