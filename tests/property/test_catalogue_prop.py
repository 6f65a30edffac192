"""Whatever others write, the index is scripts that hand over data, holds every library, and pages keep their shape."""

import json
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from selectolax.lexbor import LexborHTMLParser

from datalib.publish.catalogue import index, pages
from datalib.publish.catalogue.entry import FACETS, STATES, Entry
from datalib.publish.catalogue.spool import Spool
from datalib.publish.markup import shown
from datalib.publish.wording import Wording
from datalib_vocab import LANGUAGES
from tests.catalogues import SITE, build, entries, page, script
from tests.libraries import Library
from tests.property.test_report_prop import NASTY, TEXTS, document, shape

WORDS = st.one_of(st.sampled_from(NASTY), st.text(max_size=40))
SEVERAL = st.lists(WORDS, max_size=3, unique=True).map(tuple)
KEYS = st.integers(0, 10**6).map(lambda number: f"{number:064x}")


def named(words: st.SearchStrategy[str]) -> st.SearchStrategy[dict[str, str]]:
    return st.fixed_dictionaries(dict.fromkeys(LANGUAGES, words))


def cleaned(words: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """Give texts as entries hold them: no lone surrogates, which no manifest has, and evened spaces."""
    return words.map(lambda text: " ".join(text[:200].split()).encode("utf-8", "replace").decode())


ENTRIES = st.builds(
    Entry,
    key=KEYS,
    folder=cleaned(WORDS),
    state=st.sampled_from(STATES),
    code=st.sampled_from(["", "E-FILE-DIGEST", "E-IO"]),
    names=named(cleaned(WORDS)),
    producer=cleaned(WORDS),
    maker=named(cleaned(WORDS)),
    sector=cleaned(WORDS),
    purposes=SEVERAL,
    languages=SEVERAL,
    licences=SEVERAL,
    keywords=SEVERAL,
)


@given(found=st.lists(ENTRIES, max_size=8, unique_by=lambda entry: entry.key), lang=st.sampled_from(LANGUAGES))
def test_the_index_holds_every_library_and_nothing_ends_its_scripts(
    tmp_path_factory: pytest.TempPathFactory, found: list[Entry], lang: str
) -> None:
    say, folder = Wording(lang=lang), tmp_path_factory.mktemp("index")
    with Spool() as spool:
        for entry in found:
            spool.add(entry)
        chunks = list(index.chunks(spool, say))
        head = index.head(spool, say, [chunk.name for chunk in chunks])
        listed = [entry.key for entry in spool.sorted(lang)]
    for asset in (*chunks, head):
        assert not set("\n\r\u2028\u2029") & set(asset.data.decode()[:-1])
        (folder / asset.name).write_bytes(asset.data)
    records = [record for chunk in chunks for record in script(folder / chunk.name)[1]]
    assert [record[0] for record in records] == listed
    assert sorted(listed) == sorted(entry.key for entry in found)
    by_key = {entry.key: entry for entry in found}
    facets = script(folder / head.name)["facets"]
    assert set(facets) == set(FACETS)
    for record in records:
        entry = by_key[record[0]]
        assert record[1] == shown(pages.title_of(entry, say), 200)
        assert tuple(record[5]) == entry.purposes
        for facet in FACETS:
            assert set(entry.values(facet)) <= {value for value, _, _ in facets[facet]}
    for facet in FACETS:
        for value, _, count in facets[facet]:
            assert count == sum(value in entry.values(facet) for entry in found)


@given(entry=ENTRIES)
def test_an_entry_survives_its_file(entry: Entry) -> None:
    assert Entry.parse(entry.serialise()) == entry


@given(
    entry=ENTRIES,
    name=st.sampled_from([one.name for one in fields(Entry)]),
    odd=st.sampled_from([None, 1.5, {"a": 1}, [1], [[]]]),
)
def test_an_entry_with_a_member_of_another_type_is_none(entry: Entry, name: str, odd: object) -> None:
    assert Entry.parse(json.dumps({**json.loads(entry.serialise()), name: odd}).encode()) is None


@given(data=st.one_of(st.binary(max_size=60), st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["key", "names", "purposes"]), inner),
).map(lambda value: json.dumps(value).encode())))  # fmt: skip
def test_no_file_is_taken_for_an_entry_that_is_none(data: bytes) -> None:
    assert Entry.parse(data) is None


@given(entry=ENTRIES)
def test_an_item_of_a_list_has_one_link_and_shows_texts(entry: Entry) -> None:
    for lang in LANGUAGES:
        tree = LexborHTMLParser(f"<!DOCTYPE html><body><ol>{pages.item(entry, Wording(lang=lang))}</ol>")
        assert {node.tag for node in tree.css("ol *")} <= {"li", "p", "a", "bdi", "span", "code"}
        (link,) = tree.css("a")
        assert link.attributes["href"] == f"../library/{entry.key}/{lang}.html"


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=TEXTS)
def test_texts_of_others_never_become_elements(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    shapes = list[Any]()
    for words in ("plain", text):
        folder = tmp_path_factory.mktemp("catalogue")
        library = Library(folder=folder / "l")
        library.write_manifest()
        library.path("datapackage.json").write_text(json.dumps(document(library, words)), encoding="utf-8")
        build(folder / "site", library.folder, trust=None, site=SITE)
        (entry,) = entries(folder / "site").values()
        shapes.append([
            shape(page(folder / "site", name)) for name in ("en/index.html", f"library/{entry.key}/kk.html")
        ])  # fmt: skip
        assert Path(folder / "site/ru/changes.xml").read_bytes().count(b"<item>") == 1
    assert shapes[0] == shapes[1]
