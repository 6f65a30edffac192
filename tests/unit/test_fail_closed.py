"""Whatever fails, nothing is admitted: each carrier's reader raises, is missing, is killed, or gets broken input."""

import json
import os
import socket
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from datalib.errors import DatalibError
from datalib.optout import unit_process
from datalib.optout.answers import Answer
from datalib.optout.contained import UnitReader
from datalib.optout.scan import scan
from datalib.optout.site import is_store
from datalib.optout.site_files import CARRIER_OF
from tests import media_files as made
from tests.failing import scan_with
from tests.scanning import NOW, read_decisions, write_sites

QUIET = made.packet("<plus:DataMining>http://ns.useplus.org/ldf/vocab/DMI-UNSPECIFIED</plus:DataMining>")
#: Files that are admitted as they are, and the reader that each of them needs.
#: A page that a first glance cannot settle: its elements have to be read, and they say nothing.
PAGE = "<html><meta name=robots content=all><p>words"
UNITS = {
    "a.jpg": (made.jpeg(made.app1(QUIET)), "datalib.optout.media.jpeg", "read"),
    "a.png": (made.png(made.itxt(QUIET)), "datalib.optout.media.png", "read"),
    "a.webp": (made.webp((b"XMP ", QUIET)), "datalib.optout.media.riff", "read"),
    "a.tif": (made.tiff([(700, 1, QUIET)]), "datalib.optout.media.tiff", "read"),
    "a.mp4": (made.mp4(), "datalib.optout.media.bmff", "read"),
    "a.pdf": (made.pdf(QUIET), "datalib.optout.media.pdf", "read"),
    "a.epub": (made.epub(""), "datalib.optout.media.epub", "read"),
    "a.gif": (made.gif(made.gif_xmp(QUIET)), "datalib.optout.media.gif", "read"),
    "a.flac": (made.flac((2, QUIET), (4, made.comments("TITLE=x"))), "datalib.optout.media.sound", "read_flac"),
    "a.ogg": (made.ogg(b"\1vorbis", b"\3vorbis" + made.comments()), "datalib.optout.media.sound", "read_ogg"),
    "a.mp3": (made.id3((b"TCOP", b"\0x"), (b"PRIV", QUIET)), "datalib.optout.media.sound", "read_mpeg"),
    "a.psd": (made.psd(QUIET), "datalib.optout.media.psd", "read"),
    "a.swf": (made.swf((77, QUIET)), "datalib.optout.media.swf", "read"),
    "a.mkv": (b"\x1aE\xdf\xa3" + QUIET, "datalib.optout.media.packets", "scan"),
    "a.zip": (made.zipped({"a.txt": b"x"}), "datalib.optout.media.members", "members"),
    "b.zip": (made.zipped({"a.html": b"<html>"}), "datalib.optout.page", "read_page"),
    "a.docx": (made.zipped({"docProps/core.xml": b"<a/>"}), "datalib.optout.media.office", "read_properties"),
    "a.py": (b"x = 1", "datalib.optout.texts", "signals"),
    "a.json": (b'{"dataMiningPreference": {}}', "datalib.optout.declared", "erc7517"),
    "LICENSE": (b"Be kind.", "datalib.optout.licence_text", "whole"),
    "a.otf": (b"OTTO\0\1" + bytes(6) + b"head" + bytes(12), "datalib.optout.media.fonts", "read"),
    "a.svg": (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "datalib.optout.xmp", "read"),
    "signed.jpg": (made.signed(made.jpeg(), "image/jpeg", []), "datalib.optout.content_credentials", "ask"),
    "page.html": (PAGE.encode(), "datalib.optout.page", "read_page"),
    "beside.txt": (b"words", "datalib.optout.xmp", "read"),
}
SIDECAR = "beside.xmp"


def media(folder: Path) -> Path:
    folder.mkdir(parents=True)
    for name, (data, _, _) in UNITS.items():
        (folder / name).write_bytes(data)
    (folder / SIDECAR).write_bytes(QUIET)
    return folder


def failing(*pairs: tuple[str, str]) -> dict[str, list[str]]:
    plan: dict[str, list[str]] = {}
    for module, name in pairs:
        plan.setdefault(module, []).append(name)
    return plan


def test_without_a_failure_all_of_these_are_admitted(tmp_path: Path) -> None:
    found, _ = scan_with(tmp_path, [media(tmp_path / "works")])
    assert set(found) == {*UNITS, SIDECAR}
    assert {name: why for name, why in found.items() if not why.startswith("admit")} == {}


def test_a_reader_of_files_that_raises_holds_its_files(tmp_path: Path) -> None:
    plan = failing(*((module, name) for _, module, name in UNITS.values()))
    found, stopped = scan_with(tmp_path, [media(tmp_path / "works")], failing=plan)
    assert not stopped
    assert {name for name, why in found.items() if not why.startswith("hold")} == set()


def test_a_missing_library_holds_what_needs_it(tmp_path: Path) -> None:
    found, stopped = scan_with(
        tmp_path, [media(tmp_path / "works")], missing=["c2pa", "pikepdf", "selectolax", "selectolax.lexbor"]
    )
    assert not stopped
    assert [found[name].split()[0] for name in ("a.pdf", "signed.jpg", "page.html")] == ["hold"] * 3
    assert found["a.png"].startswith("admit")


# -- sites, headers, pages in tables

SITE_READERS = {
    "/robots.txt": ("datalib.optout.robots", "parse", b"User-agent: *\nAllow: /\n"),
    "/.well-known/tdmrep.json": ("datalib.optout.tdmrep", "parse", b'[{"location": "/x", "tdm-reservation": 1}]'),
    "/ai.txt": ("datalib.optout.site_files", "parse_ai_txt", b"User-Agent: *\nDisallow: *.jpg\n"),
    "/.well-known/ai.txt": ("datalib.optout.site_files", "parse_ai_txt", b"Training: allow\n"),
    "/trust.txt": ("datalib.optout.site_files", "parse_trust_txt", b"datatrainingallowed=yes\n"),
    "/.well-known/trust.txt": ("datalib.optout.site_files", "parse_trust_txt", b"datatrainingallowed=yes\n"),
    "/license.xml": ("datalib.optout.rsl", "parse", b"<rsl xmlns='https://rslstandard.org/rsl'/>"),
    "/terms": ("datalib.optout.reservation", "in_terms", b"<p>Be kind."),
}


def table(folder: Path) -> tuple[Path, Path]:
    """Make one site for each file of sites, and one for headers and one for pages, all of which admit."""
    answers = []
    rows: list[dict[str, object]] = []
    for number, (path, (_, _, body)) in enumerate(SITE_READERS.items()):
        origin = f"https://s{number}.example"
        if path != "/robots.txt":
            answers.append(Answer(origin=origin, status=404))
        answers.append(Answer(origin=origin, path=path, status=200, body=body))
        rows.append({"url": f"{origin}/a"})
    answers.append(Answer(origin="https://plain.example", status=404))
    rows.append({"url": "https://plain.example/h", "headers": [["X-Robots-Tag", "all"]]})
    rows.append({"url": "https://plain.example/p", "html": PAGE})
    rows.append({"url": "https://plain.example/l", "license": "CC-BY-4.0"})
    works = folder / "works.jsonl"
    works.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return works, write_sites(folder / "sites.jsonl", answers)


COLUMNS: dict[str, Any] = {"header_column": "headers", "html_column": "html", "license_column": "license"}


def test_readers_of_sites_headers_pages_and_licences_that_raise(tmp_path: Path) -> None:
    works, sites = table(tmp_path)
    found, _ = scan_with(tmp_path / "sound", [works], sites=[str(sites)], **COLUMNS)
    assert {why.split()[0] for why in found.values()} == {"admit"}
    plan = failing(
        *((module, name) for module, name, _ in SITE_READERS.values()),
        ("datalib.optout.robots_tags", "header_signals"),
        ("datalib.optout.page", "read_page"), ("datalib.optout.licence", "signals"),
    )  # fmt: skip
    found, stopped = scan_with(tmp_path / "broken", [works], sites=[str(sites)], failing=plan, **COLUMNS)
    assert not stopped
    assert {name: why for name, why in found.items() if why.startswith("admit")} == {}
    assert {why.split()[0] for why in found.values()} == {"hold"}


def test_the_slow_way_of_judging_a_site_fails_closed_too(tmp_path: Path) -> None:
    works, sites = table(tmp_path)
    plan = failing(("datalib.optout.site_files", "signals"), ("datalib.optout.tdmrep", "signals"))
    found, stopped = scan_with(tmp_path / "broken", [works], sites=[str(sites)], failing=plan, **COLUMNS)
    assert not stopped
    slow = [number for number, path in enumerate(SITE_READERS) if path.endswith(("tdmrep.json", "ai.txt"))]
    assert {found[f"works.jsonl#{number}"].split()[0] for number in slow} == {"hold"}


def test_every_file_of_a_site_has_its_failure_here() -> None:
    assert {CARRIER_OF[path] for path in SITE_READERS} == set(CARRIER_OF.values())


# -- broken inputs


@pytest.mark.parametrize("broken", ["snapshot", "parquet", "registry", "licences", "works-table"])
def test_an_input_that_cannot_be_read_stops_the_scan(tmp_path: Path, broken: str) -> None:
    works, sites = table(tmp_path)
    source: Path = works
    options: dict[str, object] = {"sites": [sites]}
    bad = tmp_path / "bad.jsonl"
    bad.write_bytes(b'{"origin": "https://a.example", "sta')
    if broken == "snapshot":
        options["sites"] = [bad]
    elif broken == "parquet":
        scan([works], out=tmp_path / "first", sites=[sites], now=NOW)
        store = next(path for path in (tmp_path / "first" / "sites").iterdir() if is_store(path))
        for file in store.iterdir():
            file.write_bytes(file.read_bytes()[:-3])
        options["sites"] = [store]
    elif broken == "registry":
        options["registries"] = [bad]
    elif broken == "licences":
        options["licences"] = bad
    else:
        source = tmp_path / "files"
        source.mkdir()
        (source / "a.txt").write_text("words", encoding="utf-8")
        options["works_table"] = bad
    with pytest.raises(DatalibError):
        scan([source], out=tmp_path / "out", now=NOW, **options)  # type: ignore[arg-type]  # options of several kinds
    assert not (tmp_path / "out" / "scan.json").exists()


@pytest.mark.parametrize("kind", ["pipe", "socket", "link", "gone"])
def test_what_is_no_file_is_held(tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    works = tmp_path / "works"
    works.mkdir()
    monkeypatch.chdir(works)
    if kind == "pipe":
        os.mkfifo("a.jpg")
    elif kind == "socket":
        with socket.socket(socket.AF_UNIX) as server:
            server.bind("a.jpg")
    else:
        (tmp_path / "b.jpg").write_bytes(made.jpeg())
        Path("a.jpg").symlink_to(tmp_path / ("b.jpg" if kind == "link" else "c.jpg"))
    scan([works], out=tmp_path / "out", now=NOW)
    assert [(row.verdict, row.reason) for row in read_decisions(tmp_path / "out")] == [("hold", "not-a-file")]


@pytest.mark.parametrize("name", ["a.jpg", "a.xmp", "page.html"])
def test_a_file_that_may_not_be_read_stops_the_scan(tmp_path: Path, name: str) -> None:
    works = tmp_path / "works"
    works.mkdir()
    (works / "a.jpg").write_bytes(made.jpeg())
    (works / name).write_bytes(made.jpeg())
    (works / name).chmod(0)
    with suppress(PermissionError), (works / name).open("rb"):
        pytest.skip("no file is closed to this user")
    with pytest.raises(DatalibError, match="E-IO"):
        scan([works], out=tmp_path / "out", now=NOW)
    assert not (tmp_path / "out" / "scan.json").exists()


#: Texts have no end of their own, and neither has Matroska as it is read here.
ENDLESS = {"page.html", "beside.txt", "a.svg", "a.py", "a.json", "a.mkv", "LICENSE"}


def test_a_file_that_was_cut_is_held_or_says_what_it_says(tmp_path: Path) -> None:
    """A cut never turns a refusal into silence: what is cut was refused, or is held."""
    works = tmp_path / "works"
    works.mkdir()
    for name in UNITS.keys() - ENDLESS:
        denied = UNITS[name][0].replace(b"DMI-UNSPECIFIED", b"DMI-PROHIBITED\0")
        for part in (5, 9, len(denied) // 2, len(denied) - 3):
            (works / f"{part}-{name}").write_bytes(denied[:part])
    scan([works], out=tmp_path / "out", now=NOW)
    verdicts = {row.work: row.verdict for row in read_decisions(tmp_path / "out")}
    assert {work for work, verdict in verdicts.items() if verdict == "admit"} == set()


# -- the process that reads files


@pytest.mark.parametrize(
    "limits",
    [{"MAX_SECONDS": 0.01}, {"MAX_MEMORY": 64 << 20}],
    ids=["time", "memory"],
)
def test_a_reader_out_of_time_or_memory_holds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limits: dict[str, float]
) -> None:
    assert set(limits) <= set(vars(unit_process))
    text = "import datalib.optout.unit_process as p\n" + "".join(f"p.{k} = {v}\n" for k, v in limits.items())
    (tmp_path / "strict_process.py").write_text(text + "import sys\nsys.exit(p.main())\n", encoding="utf-8")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setattr("datalib.optout.contained._MODULE", "strict_process")
    data = made.signed(made.jpeg(), "image/jpeg", []) + bytes(32 << 20)
    (tmp_path / "a.jpg").write_bytes(data)
    with UnitReader() as reader:
        found = reader.read_file(tmp_path / "a.jpg", "a.jpg")
    assert max(signal.strict.tested.label == "hold" for signal in found.signals)
