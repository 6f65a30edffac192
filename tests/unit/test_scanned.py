"""What a scan admitted of an input: its rows as derived files, its whole files as a subset; and which scan decided."""

import json
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from datalib.errors import Misuse, Refused
from datalib.formats import sha256_hex
from datalib.optout.answers import Answer
from datalib.optout.scan import scan
from tests.assembling import VOUCHED, assemble, check, preview
from tests.libraries import DAY, NOW, Library
from tests.scanning import NOW as SCANNED
from tests.scanning import write_sites

PAGES = b"url,text\nhttps://a.kz/yes/1,One\nhttps://a.kz/no/2,Two\nhttps://a.kz/yes/3,Three\n"
CLEAN = b"url,text\nhttps://a.kz/yes/4,Four\n"
FILES = {"pages.csv": PAGES, "more/clean.csv": CLEAN, "note.txt": b"A note.\n", "note.txt#2": b"Another.\n"}
LATER = NOW + 3 * DAY
TRUSTED: dict[str, Any] = {"trust": VOUCHED}


@pytest.fixture
def web(tmp_path: Path) -> Library:
    library = Library(folder=tmp_path / "web", log=None, name="web", files=dict(FILES))
    return library.genesis()


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "sector"


def scanned(web: Library, name: str = "scan", *, refused: str = "/no/", admitted: bool = True) -> Path:
    """Scan a library against a site that refuses what lies below a path."""
    root = web.folder.parent
    body = f"User-agent: *\nDisallow: {refused}\n".encode()
    sites = write_sites(root / f"{name}.jsonl", [Answer(origin="https://a.kz", status=200, body=body)])
    scan([web.folder], out=root / name, sites=[sites], now=SCANNED, admitted=admitted)
    return root / name


def document(out: Path) -> Any:
    return json.loads((out / "datapackage.json").read_bytes())


def files(out: Path) -> set[str]:
    return {line[66:] for line in (out / "files.sha256").read_text().splitlines()}


def texts(out: Path, below: str = "web") -> list[str]:
    return [row["text"] for path in sorted((out / below).iterdir()) for row in pq.read_table(path).to_pylist()]


def test_admitted_rows_are_taken_and_the_scan_is_kept(web: Library, out: Path) -> None:
    verdicts = scanned(web)
    asked = f"{web.folder},scan={verdicts}"
    seen = preview(out, asked, **TRUSTED)
    assert (seen.stops, seen.placed.copied, out.exists()) == ((), 2, False)
    done = assemble(out, asked, **TRUSTED)
    assert sorted(texts(out)) == ["Four", "One", "Three"]
    (part,) = done.plan.parts  # seven works: four rows, two files, and the source, of which no address is known
    assert part.scanned is not None
    assert (part.item.mode, part.scanned.admitted, part.scanned.works) == ("derived", 5, 7)
    digest = sha256_hex((verdicts / "scan.json").read_bytes())
    assert document(out)["admitted"] == [{"prefix": "web/", "lib": web.lib, "scan": digest}]
    report = check(out, **TRUSTED)
    assert report.accepted, report.refusal
    assert "derived" in report.require().not_checked
    assert assemble(out, asked, now=NOW + 60, **TRUSTED).act.kind == "none"


def test_files_with_a_work_that_was_not_admitted_stay_out_of_a_subset(web: Library, out: Path) -> None:
    assemble(out, f"{web.folder},mode=subset,scan={scanned(web)}", **TRUSTED)
    assert files(out) == {"web/more/clean.csv", "web/note.txt", "web/note.txt#2"}
    report = check(out, **TRUSTED)
    assert report.accepted, report.refusal
    assert "derived" not in report.require().not_checked


def test_where_no_whole_file_was_admitted_nothing_is_taken(tmp_path: Path, out: Path) -> None:
    web = Library(folder=tmp_path / "web", log=None, name="web", files={"pages.csv": PAGES}).genesis()
    with pytest.raises(Refused, match=r"E-TAKE-NONE.*admitted no whole file"):
        assemble(out, f"{web.folder},mode=subset,scan={scanned(web)}", **TRUSTED)
    assert not out.exists()


def test_patterns_choose_among_what_was_admitted(web: Library, out: Path) -> None:
    asked = f"{web.folder},mode=subset,scan={scanned(web)}"
    assemble(out, asked, take=["web/*.txt"], **TRUSTED)
    assert files(out) == {"web/note.txt"}
    with pytest.raises(Refused, match=r"E-TAKE-NONE.*pages.csv"):
        assemble(out, asked, take=["web/*.txt", "web/pages.csv"], now=NOW + 60, **TRUSTED)


def test_rows_and_files_may_be_taken_from_one_library(web: Library, out: Path) -> None:
    verdicts = scanned(web)
    asked = (f"{web.folder},scan={verdicts}", f"{web.folder},mode=subset,scan={verdicts},prefix=whole")
    assemble(out, *asked, take=["whole/note.txt"], **TRUSTED)
    assert [item["prefix"] for item in document(out)["admitted"]] == ["web/", "whole/"]
    again = assemble(out, f"{web.folder},prefix=web", f"{web.folder},prefix=whole", now=NOW + 60, **TRUSTED)
    assert again.act.kind == "none"
    assert check(out, **TRUSTED).accepted


def test_what_a_scan_chose_is_chosen_again_when_the_input_moves_on(web: Library, out: Path) -> None:
    old = scanned(web)
    assemble(out, f"{web.folder},scan={old}", **TRUSTED)
    assert assemble(out, web.folder, now=NOW + 60, **TRUSTED).act.kind == "none"
    web.files["pages.csv"] = PAGES.replace(b"https://a.kz/yes/1,One\n", b"")
    (web.folder / "pages.csv").write_bytes(web.files["pages.csv"])
    web.day = 41
    web.amend(reason="optout")
    with pytest.raises(Misuse, match=r"web/ is what a scan admitted: scan again"):
        assemble(out, web.folder, now=LATER, **TRUSTED)
    with pytest.raises(Refused, match=r"E-SCAN-OTHER.*pages.csv"):
        assemble(out, f"{web.folder},scan={old}", now=LATER, **TRUSTED)
    done = assemble(out, f"{web.folder},scan={scanned(web, 'new')}", now=LATER, **TRUSTED)
    assert done.act.kind == "amend"
    assert sorted(texts(out)) == ["Four", "Three"]
    assert check(out, now=LATER, **TRUSTED).accepted


def test_a_new_scan_of_the_same_library_takes_rows_out(web: Library, out: Path) -> None:
    assemble(out, f"{web.folder},scan={scanned(web)}", **TRUSTED)
    done = assemble(out, f"{web.folder},scan={scanned(web, 'new', refused='/yes/1')}", now=LATER, **TRUSTED)
    assert done.act.kind == "amend"
    assert sorted(texts(out)) == ["Four", "Three", "Two"]


def test_other_inputs_and_files_of_ones_own_leave_it_alone(web: Library, out: Path, tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    (data / "own.txt").write_text("own\n")
    assemble(out, f"{web.folder},scan={scanned(web)}", data=data, **TRUSTED)
    record = document(out)["admitted"]
    ground = Library(folder=tmp_path / "ground", log=None, name="ground", files={"a.txt": b"a"}).genesis()
    assemble(out, ground.folder, data=data, now=NOW + 60, **TRUSTED)
    assert sorted(texts(out)) == ["Four", "One", "Three"]
    assert document(out)["admitted"] == record
    assert check(out, now=NOW + 60, **TRUSTED).accepted


def test_files_of_ones_own_are_not_taken_for_a_scans(web: Library, out: Path) -> None:
    (out / "web").mkdir(parents=True)
    (out / "web/mine.txt").write_text("made by hand\n")
    assemble(out, f"{web.folder},mode=derived,prefix=web", **TRUSTED)
    assemble(out, f"{web.folder},scan={scanned(web)}", now=NOW + 60, **TRUSTED)
    assert (out / "web/mine.txt").read_text() == "made by hand\n"
    assert sorted(texts(out, "web-2")) == ["Four", "One", "Three"]


def test_what_was_taken_whole_is_not_replaced_by_rows_unsaid(web: Library, out: Path) -> None:
    assemble(out, web.folder, **TRUSTED)
    with pytest.raises(Misuse, match=r"scan= goes with mode=derived"):
        assemble(out, f"{web.folder},scan={scanned(web)}", now=NOW + 60, **TRUSTED)


def test_a_scan_that_names_files_outside_of_it_is_refused(web: Library, out: Path) -> None:
    verdicts = scanned(web)
    said = json.loads((verdicts / "scan.json").read_bytes())
    said["outputs"].append({"path": "admitted/../../secret", "rows": 1, "sha256": sha256_hex(b"secret")})
    (verdicts / "scan.json").write_text(json.dumps(said))
    (out.parent / "secret").write_bytes(b"secret")
    with pytest.raises(Refused, match="E-SCAN-FORMAT"):
        assemble(out, f"{web.folder},scan={verdicts}", **TRUSTED)
    assert not out.exists()


def test_who_takes_the_whole_library_instead_is_rid_of_the_rows(web: Library, out: Path) -> None:
    assemble(out, f"{web.folder},scan={scanned(web)}", **TRUSTED)
    assemble(out, f"{web.folder},mode=verbatim,prefix=all", now=NOW + 60, **TRUSTED)
    assert files(out) == {f"all/{path}" for path in FILES}
    assert "admitted" not in document(out)
    assert check(out, now=NOW + 60, **TRUSTED).accepted


def test_a_subset_that_moves_without_a_scan_is_nothing_that_a_scan_chose(web: Library, out: Path) -> None:
    assemble(out, f"{web.folder},mode=subset,scan={scanned(web)}", **TRUSTED)
    web.day = 41
    web.document = {"version": "2.0.0"}
    web.amend()
    assemble(out, web.folder, now=LATER, **TRUSTED)
    assert "admitted" not in document(out)
    assert check(out, now=LATER, **TRUSTED).accepted


@pytest.mark.parametrize("what", ["rows", "part", "changed", "whole", "nowhere"])
def test_what_no_scan_of_the_input_admitted_is_not_taken(web: Library, out: Path, what: str) -> None:
    root, mode = web.folder.parent, ""
    if what == "rows":
        verdicts, error = scanned(web, admitted=False), "E-TAKE-NONE.*--admitted"
    elif what == "part":
        scan([web.folder / "note.txt"], out=root / "scan", sites=[], now=SCANNED)
        verdicts, error = root / "scan", "E-SCAN-OTHER"
    elif what == "changed":
        verdicts, error = scanned(web), "E-SCAN-FORMAT"
        first = min((verdicts / "admitted").iterdir())
        first.write_bytes(first.read_bytes() + b"x")
    elif what == "whole":
        verdicts, error, mode = scanned(web), "E-USAGE.*mode=derived", ",mode=verbatim"
    else:
        verdicts, error = root / "nowhere", "E-SCAN-FORMAT"
    with pytest.raises((Refused, Misuse), match=error):
        assemble(out, f"{web.folder}{mode},scan={verdicts}", **TRUSTED)
    assert not out.exists()


def test_a_record_of_a_scan_that_is_no_record_is_refused(web: Library, out: Path) -> None:
    assemble(out, f"{web.folder},scan={scanned(web)}", **TRUSTED)
    made = document(out) | {"admitted": [{"lib": web.lib}]}
    (out / "datapackage.json").write_text(json.dumps(made))
    with pytest.raises(Refused, match=r"E-SCHEMA.*admitted"):
        assemble(out, web.folder, now=NOW + 60, **TRUSTED)
