"""The catalogue: what stands in it, what is said of each library, and what is done again when something changes."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from datalib.errors import Misuse, Refused, Unchecked
from datalib.packed import verify_packed
from datalib.publish.catalogue import check
from datalib.publish.catalogue.assets import ASSETS, asset
from datalib.publish.catalogue.entry import STATES, Entry
from datalib.trust.belief import Trust
from datalib_vocab import LANGUAGES
from tests.catalogues import (
    AGENCY,
    SITE,
    SYSTEM,
    Shelf,
    build,
    entries,
    head,
    lost,
    page,
    records,
    shelf,
    snapshot,
    sound_named,
)
from tests.libraries import DAY, NOW, ROOTS, Library, draft_policy, edit, sign_policy
from tests.reports import LOGGED, only, text


@pytest.fixture
def made(tmp_path: Path) -> Shelf:
    return shelf(tmp_path / "libraries")


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "site"


# --- what stands in it


def test_each_library_is_listed_as_it_stands(made: Shelf, out: Path) -> None:
    built = build(out, made.folder)
    assert {name: entry.state for name, entry in entries(out).items()} == {
        "good": "accepted",
        "withdrawn": "barred",
        "unscanned": "barred",
        "broken": "refused",
    }
    assert built.counts == {"accepted": 1, "barred": 2, "refused": 1}
    assert built.refused == (("broken", "E-FILE-DIGEST"),)
    listed = {item.css_first("a").text(): item.text() for item in page(out, "en/index.html").css(".items > li")}  # type: ignore[union-attr] # each has one
    assert "refused" in listed["broken"]
    assert "E-FILE-DIGEST" in listed["broken"]
    assert "not to be used" in listed["Withdrawn one"]
    assert "verified" in listed["l1"]


def test_no_page_leads_nowhere(made: Shelf, out: Path) -> None:
    systems = [SYSTEM]
    build(out, made.folder, site=replace(SITE, systems=systems, publisher=AGENCY))
    assert lost(out) == []


def test_of_a_refused_library_nothing_is_repeated_or_offered(made: Shelf, out: Path) -> None:
    build(out, made.folder)
    broken = entries(out)["broken"]
    assert sorted(path.name for path in (out / "library" / broken.key).iterdir()) == [
        "en.html", "entry.json", "kk.html", "ru.html",
    ]  # fmt: skip
    tree = page(out, f"library/{broken.key}/en.html")
    assert tree.css("#verdict.no")
    assert "E-FILE-DIGEST" in text(tree, "main")
    assert not tree.css("#download, script")
    assert (broken.names, broken.producer, broken.iri) == ({}, "", "")
    assert broken.key not in (out / "catalogue.ttl").read_text(encoding="utf-8")


def test_without_trust_everything_is_only_declared(made: Shelf, out: Path) -> None:
    build(out, made.folder, trust=None)
    found = entries(out)
    assert {entry.state for entry in found.values()} == {"declared"}
    assert found["withdrawn"].withdrawn
    assert "only declared" in text(page(out, f"library/{found['good'].key}/en.html"), "#about .marks")


def test_a_draft_and_what_is_no_library_at_all(tmp_path: Path, out: Path) -> None:
    draft = Library(folder=tmp_path / "draft")
    draft.write_manifest()
    odd = tmp_path / "odd"
    odd.mkdir()
    (odd / "datapackage.json").write_text("{")
    build(out, draft.folder, odd, trust=None)
    found = entries(out)
    assert found["draft"].state == "declared"
    assert not (out / "library" / found["draft"].key / "provenance.zip").exists()
    assert (found["odd"].state, found["odd"].code) == ("refused", "E-JSON-SYNTAX")
    assert "E-JSON-SYNTAX" in text(page(out, f"library/{found['odd'].key}/ru.html"), ".verdict")
    assert lost(out) == []


def test_the_record_is_enough_to_verify_by(made: Shelf, out: Path) -> None:
    build(out, made.folder)
    archive = out / "library" / entries(out)["good"].key / "provenance.zip"
    found = verify_packed(archive, policy=LOGGED.policy, roots=ROOTS, now=NOW, data="none")
    assert found.report.accepted
    assert found.found is not None
    assert found.found.size < archive.stat().st_size * 10


def test_data_are_offered_only_if_asked_for_and_if_they_may_be_used(made: Shelf, out: Path) -> None:
    build(out, made.folder)
    assert not list(out.rglob("library.tar"))
    build(out, made.folder, with_data=True)
    (archive,) = out.rglob("library.tar")
    assert archive.parent.name == entries(out)["good"].key
    assert verify_packed(archive, policy=LOGGED.policy, roots=ROOTS, now=NOW).report.complete
    assert "library.tar" in text(page(out, f"library/{archive.parent.name}/kk.html"), "#download")
    build(out, made.folder)
    assert not list(out.rglob("library.tar"))


def test_the_page_of_a_library_tells_what_a_report_tells(made: Shelf, out: Path) -> None:
    build(out, made.folder)
    key = entries(out)["good"].key
    for lang in LANGUAGES:
        tree = page(out, f"library/{key}/{lang}.html")
        assert only(tree, "html").attributes["lang"] == lang
        for part in ("verdict.yes", "checks", "about", "past", "graph", "sources", "optout", "duties", "digests"):
            assert tree.css(f"#{part}"), part
        assert [one.attributes["href"] for one in tree.css("nav.languages a")] == [
            f"{other}.html" for other in LANGUAGES if other != lang
        ]


def test_lists_are_cut_into_pages_in_the_order_of_the_language(
    tmp_path: Path, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("datalib.publish.catalogue.pages.PAGE", 2)
    names = ["Яблоко", "Әлем", "Арна", "Ұлт", "Un"]
    for number, name in enumerate(names):
        sound_named(tmp_path / f"l{number}", f"l{number}", document={"title": name})
    build(out, *(tmp_path / f"l{number}" for number in range(5)))
    shown = {
        lang: [
            node.text()
            for number in ("index", "list-2", "list-3")
            for node in page(out, f"{lang}/{number}.html").css(".items .name a")
        ]
        for lang in LANGUAGES
    }
    assert shown["kk"] == ["Un", "Арна", "Әлем", "Ұлт", "Яблоко"]
    assert all(sorted(one) == sorted(names) for one in shown.values())
    assert [record[1] for record in records(out, "kk")] == shown["kk"]
    assert lost(out) == []
    build(out, tmp_path / "l0")
    assert not (out / "kk/list-2.html").exists()


# --- which libraries


def test_a_folder_stands_for_the_libraries_right_in_it(made: Shelf, out: Path) -> None:
    (made.folder / "notes").mkdir()
    (made.folder / ".hidden").mkdir()
    shutil.copy(made.path("good") / "datapackage.json", made.folder / ".hidden")
    assert sum(build(out, made.folder, made.path("good")).counts.values()) == 4


def test_two_that_claim_one_id_both_stand_and_are_named(made: Shelf, out: Path, tmp_path: Path) -> None:
    forged = tmp_path / "forged"
    shutil.copytree(made.path("good"), forged)
    edit(forged / "data/a.txt", lambda data: data.upper())
    built = build(out, made.path("good"), forged)
    assert built.contested == ("forged", "good")
    found = entries(out)
    assert (found["good"].state, found["forged"].state) == ("accepted", "refused")
    assert found["good"].key[:64] == found["forged"].key[:64]
    assert lost(out) == []


def test_who_was_there_first_keeps_its_address(made: Shelf, out: Path, tmp_path: Path) -> None:
    build(out, made.path("good"))
    key = entries(out)["good"].key
    forged = tmp_path / "a-forged"
    shutil.copytree(made.path("good"), forged)
    edit(forged / "data/a.txt", lambda data: data.upper())
    built = build(out, forged, made.path("good"))
    assert (built.kept, built.made, built.gone) == (1, 1, 0)
    assert entries(out)["good"].key == key
    assert entries(out)["a-forged"].key != key


def test_folders_that_cannot_be_meant_are_refused_before_anything_is_written(made: Shelf, out: Path) -> None:
    with pytest.raises(Misuse, match="E-USAGE"):
        build(out, made.path("good") / "data")
    with pytest.raises(Unchecked, match="E-IO"):
        build(out, made.folder / "nowhere")
    assert not out.exists()
    build(out, made.path("good"))
    with pytest.raises(Misuse, match="E-USAGE"):
        build(out, out)


def test_what_is_no_catalogue_is_not_written_over(made: Shelf, out: Path) -> None:
    out.mkdir()
    (out / "index.html").write_text("mine")
    with pytest.raises(Misuse, match="E-OUT-EXISTS"):
        build(out, made.folder)
    assert snapshot(out) == {"index.html": b"mine"}


def test_a_policy_that_cannot_be_believed_changes_nothing(made: Shelf, out: Path) -> None:
    build(out, made.folder)
    before = snapshot(out)
    with pytest.raises(Refused, match="E-POLICY-EXPIRED"):
        build(out, made.folder, site=replace(SITE, now=NOW + 400 * DAY))
    assert snapshot(out) == before


# --- again


def test_what_has_not_changed_is_not_done_again(made: Shelf, out: Path) -> None:
    build(out, made.folder)
    before = snapshot(out)
    shutil.copytree(made.path("good"), made.path("more"))
    edit(made.path("good") / "data/b.txt", lambda data: data)
    built = build(out, *(made.path(name) for name in ("good", "withdrawn", "unscanned", "broken")))
    assert (built.made, built.kept) == (2, 2)  # one was written to, and what data decides on is read again
    after = snapshot(out)
    assert {name for name in after if after[name] != before[name]} == {f"library/{entries(out)['good'].key}/entry.json"}


def test_what_changed_a_moment_ago_is_done_again(made: Shelf, out: Path) -> None:
    build(out, made.path("good"), clock=lambda: 0)
    assert build(out, made.path("good")).made == 1
    assert build(out, made.path("good")).kept == 1


def test_a_library_that_becomes_bad_loses_its_page_and_its_files(made: Shelf, out: Path) -> None:
    build(out, made.path("good"))
    (entry,) = entries(out).values()
    edit(made.path("good") / "data/a.txt", lambda data: data.upper())
    build(out, made.path("good"), site=replace(SITE, now=NOW + 1))
    again = entries(out)["good"]
    assert (again.key, again.state, again.news, again.listed, again.changed) == (
        entry.key, "refused", "refused", NOW, NOW + 1,
    )  # fmt: skip
    assert not (out / "library" / entry.key / "provenance.zip").exists()
    assert page(out, f"library/{entry.key}/en.html").css("#verdict.no")
    edit(made.path("good") / "data/a.txt", lambda data: data.lower())
    build(out, made.path("good"), site=replace(SITE, now=NOW + 2))
    assert entries(out)["good"].news == "cleared"


def test_time_alone_can_end_an_answer(made: Shelf, out: Path) -> None:
    build(out, made.path("good"))
    late = NOW + 30 * DAY  # the head proof is too old by then
    built = build(out, made.path("good"), site=replace(SITE, now=late))
    assert (built.made, entries(out)["good"].state) == (1, "refused")


def test_a_new_policy_that_changes_nothing_leaves_the_pages(made: Shelf, out: Path) -> None:
    build(out, made.path("good"))
    renewed = Trust(policy=sign_policy(draft_policy(version=2)), roots=ROOTS)
    assert build(out, made.path("good"), trust=renewed).kept == 1
    assert build(out, made.path("good"), trust=renewed, purpose="train:asr").made == 1


def test_a_library_that_went_away_leaves_and_nothing_else_goes(made: Shelf, out: Path) -> None:
    build(out, made.folder)
    good, broken = entries(out)["good"].key, entries(out)["broken"].key
    (out / "robots.txt").write_text("User-agent: *\n")
    (out / "library/mine").mkdir()
    (out / "library" / broken / "notes.txt").write_text("mine")
    built = build(out, made.path("withdrawn"), made.path("unscanned"), site=replace(SITE, now=NOW + 5))
    assert built.gone == 2
    assert not (out / "library" / good).exists()
    assert [path.name for path in (out / "library" / broken).iterdir()] == ["notes.txt"]
    assert (out / "library/mine").is_dir()
    assert (out / "robots.txt").exists()
    assert lost(out) == []
    feed = (out / "en/changes.xml").read_text(encoding="utf-8")
    assert "Left the catalogue: l1" in feed
    build(out, made.folder, site=replace(SITE, now=NOW + 6))
    assert "Left the catalogue: l1" not in (out / "en/changes.xml").read_text(encoding="utf-8")


def test_what_was_lost_from_the_site_is_made_again(made: Shelf, out: Path) -> None:
    build(out, made.path("good"))
    before = snapshot(out)
    for name in ("*/ru.html", "*/dcat.ttl", "*/entry.json"):
        (path,) = (out / "library").glob(name)
        path.unlink()
        assert build(out, made.path("good")).made == 1
        assert snapshot(out) == before


def test_damaged_entries_are_done_again(made: Shelf, out: Path) -> None:
    build(out, made.path("good"))
    (path,) = out.glob("library/*/entry.json")
    for data in (b"", b"{", b"[]", b'{"key": 1}', b"\xff"):
        path.write_bytes(data)
        assert build(out, made.path("good")).made == 1
        assert entries(out)["good"].state == "accepted"


def test_the_same_libraries_give_the_same_site(made: Shelf, tmp_path: Path) -> None:
    build(tmp_path / "one", *made.paths)
    build(tmp_path / "two", *reversed(made.paths))
    assert snapshot(tmp_path / "one") == snapshot(tmp_path / "two")


# --- the search index


def test_facets_count_what_can_be_filtered_by(made: Shelf, out: Path) -> None:
    sound_named(
        made.path("more"),
        "m",
        document={"licenses": [{"name": "CC-BY-4.0"}], "keywords": ["dala"]},
        block={"sector": "Health", "languages": ["kk", "ru"]},
    )
    build(out, made.folder)
    facets = head(out, "ru")["facets"]
    assert facets["sector"] == [["Health", "Health", 1]]
    assert facets["licence"] == [["CC-BY-4.0", "CC-BY-4.0", 1]]
    assert sorted(facets["language"]) == [["kk", "kk", 1], ["ru", "ru", 1]]
    assert facets["producer"] == [["kz-bin:990140000384", "maker", 4]]
    assert [value for value, _, _ in facets["purpose"]] == ["eval", "train:asr"]
    assert sum(count for _, _, count in facets["state"]) == 5
    assert {record[8] for record in records(out, "ru")} <= set(STATES)


def test_assets_are_named_by_their_content(made: Shelf, out: Path) -> None:
    stale = out / "assets" / "search.000000000000.js"
    build(out, made.path("good"))
    stale.write_text("old")
    build(out, made.path("good"))
    named = {asset(name).name for name in ASSETS} | {one.name for one in check.files()}
    assert {path.name for path in (out / "assets").iterdir()} == named


def test_an_entry_is_read_back_as_it_was_written() -> None:
    entry = Entry(key="k", folder="\u202ef", state="declared", names={"en": "</script>"}, maker={}, purposes=("a", "b"))
    assert Entry.parse(entry.serialise()) == entry
