"""A folder in, a draft out."""

import hashlib
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from datalib.errors import DatalibError, Refused
from datalib.library import clutter, draft, manifest, resources
from datalib.library.describe import Draft, Statements, describe
from datalib.library.draft import Listed
from datalib.library.mediatypes import mediatype_of
from datalib.library.names import slug, unique
from datalib.library.store import Folder
from datalib.library.suggestions import repair, suggest_all
from datalib.library.summary import COLLECTIONS_LIMIT, Summary
from tests import folders
from tests.folders import NOW, statements, write


def run(path: Path, said: Statements | None = None, *, leave_out_clutter: bool = False) -> Draft:
    with Folder(path) as folder:
        return describe(folder, said or statements(), now=NOW, leave_out_clutter=leave_out_clutter)


def code_of(path: Path, said: Statements | None = None) -> str:
    with pytest.raises(DatalibError) as caught:
        run(path, said)
    return caught.value.code


def test_a_small_library(tmp_path: Path) -> None:
    home = write(
        tmp_path / "Менің дерекнамам",
        {"data/a.csv": "id,word\n1,нан\n", "README.md": "#", "img/1.png": b"1", "img/2.PNG": b"22"},
    )
    result = run(home)
    assert result == Draft(
        document={
            "$schema": "https://datapackage.org/profiles/2.0/datapackage.json",
            "name": "menin-dereknamam",
            "created": "2026-09-21T14:13:20Z",
            "sources": [{"title": "Own field recordings", "path": "https://example.kz/src"}],
            "resources": [
                {
                    "name": "a",
                    "type": "table",
                    "path": "data/a.csv",
                    "format": "csv",
                    "mediatype": "text/csv",
                    "bytes": 17,
                    "schema": {"fields": [{"name": "id", "type": "integer"}, {"name": "word", "type": "string"}]},
                }
            ],
            "datalib": {
                "spec": "1",
                "producer": folders.PRODUCER,
                "purpose": ["train:asr", "eval"],
                "collections": [
                    {"prefix": "", "files": 1, "bytes": 1, "mediatypes": ["text/markdown"]},
                    {"prefix": "img/", "files": 2, "bytes": 3, "mediatypes": ["image/png"]},
                ],
            },
        }
    )
    assert list(result.document)[-2:] == ["resources", "datalib"]
    manifest.parse_draft(draft.render(result.document))


def test_alike_tables_are_one_resource(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "d/part-1.csv": "a\n1\n",
            "d/part-2.csv": "a\n2\n",
            "d/other.csv": "b\n2\n",
            "e/1.csv": "a\n1\n",
            "e/2.csv": "a\n2\n",
            "1.csv": "a\n1\n",
            "2.csv": "a\n1\n",
        },
    )
    folders.parquet(tmp_path / "d/part-1.parquet")
    found = run(tmp_path).document["resources"]
    assert [(item["name"], item["path"]) for item in found] == [
        ("1", ["1.csv", "2.csv"]),
        ("other", "d/other.csv"),
        ("part", ["d/part-1.csv", "d/part-2.csv"]),
        ("part-1", "d/part-1.parquet"),
        ("e", ["e/1.csv", "e/2.csv"]),
    ]
    assert "bytes" not in found[2]
    assert "bytes" in found[1]


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"a.txt": "1", "b/c.bin": "22", "d": "2"}, ("c", "b/c.bin", "bin", "application/octet-stream")),
        ({"a.txt": "22", "b.txt": "22"}, ("a", "a.txt", "txt", "text/plain")),
        ({"LICENSE": "1"}, ("license", "LICENSE", None, "application/octet-stream")),
        ({"bad.parquet": "1"}, ("bad", "bad.parquet", "parquet", "application/vnd.apache.parquet")),
    ],
)
def test_without_a_table_the_largest_file(tmp_path: Path, files: dict[str, str], expected: tuple[Any, ...]) -> None:
    document = run(write(tmp_path, files)).document
    (found,) = document["resources"]
    assert (found["name"], found["path"], found.get("format"), found["mediatype"]) == expected
    assert found["bytes"] == (tmp_path / found["path"]).stat().st_size
    others = sum(item["files"] for item in document["datalib"].get("collections", []))
    assert others == len(files) - 1


def test_damaged_tables_are_files(tmp_path: Path) -> None:
    write(tmp_path, {"a.csv": "a\n1\n", "b.parquet": b"PAR1", "c.csv": b"\0" * 9, "d.xlsx": b"PK"})
    result = run(tmp_path)
    assert [item["name"] for item in result.document["resources"]] == ["a"]
    assert [(note.code, note.where) for note in result.warnings] == [
        ("W-TABLE-READ", path) for path in ("b.parquet", "c.csv", "d.xlsx")
    ]
    assert result.document["datalib"]["collections"][0]["files"] == 3


def test_notes_of_tables_are_warnings(tmp_path: Path) -> None:
    result = run(write(tmp_path, {"a.csv": "1,2\n3,4\n"}))
    assert [(note.code, note.where) for note in result.warnings] == [("W-TABLE", "a.csv")]


def test_nothing_there(tmp_path: Path) -> None:
    assert code_of(tmp_path) == "E-EMPTY"
    assert code_of(write(tmp_path, {"datapackage.json": "{}"})) == "E-EMPTY"


def test_at_most_so_many_resources(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, {f"{number}.csv": f"a{number}\n" for number in range(9)})
    monkeypatch.setattr(resources, "RESOURCES_LIMIT", 4)
    result = run(tmp_path)
    assert len(result.document["resources"]) == 4
    assert [(note.code, note.detail) for note in result.warnings] == [("W-TABLES-MANY", "5 tables")]
    assert result.document["datalib"]["collections"][0]["files"] == 5
    monkeypatch.setattr(resources, "TABLES_LIMIT", 3)
    result = run(tmp_path)
    assert (len(result.document["resources"]), result.warnings[0].detail) == (3, "6 tables")
    monkeypatch.setattr(resources, "TEXT_LIMIT", 10)
    assert [item["mediatype"] for item in run(tmp_path).document["resources"]] == ["text/csv"]


def test_schemas_of_bounded_length(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resources, "SCHEMA_LIMIT", 100)
    result = run(write(tmp_path, {"a.csv": f"{'x' * 200}\n"}))
    assert [note.detail for note in result.warnings] == ["the names of its columns are too long"]


# --- what is there already ---


def test_descriptor_is_kept_and_completed(tmp_path: Path) -> None:
    descriptor = {
        "name": "kept",
        "title": "Kept",
        "foreign": [1],
        "licenses": [{"name": "ODC-PDDL-1.0"}],
        "sources": [{"title": "S"}],
        "resources": [
            {"name": "kept", "path": "a.csv", "title": "T", "hash": hashlib.md5(b"a\n1\n").hexdigest(), "bytes": 4},  # noqa: S324 -- a digest of old
            {"name": "mine", "path": "b.csv", "schema": {"fields": [{"name": "own"}]}},
            {"name": "both", "path": ["c.csv", "d.csv"]},
            {"name": "inline", "data": [[1]]},
            {"name": "picture", "path": "p.png"},
            {"name": "bad", "path": "bad.csv"},
            {"name": "plain", "path": "LICENSE"},
        ],
    }
    files: dict[str, str | bytes] = {f"{name}.csv": "a\n1\n" for name in "abcdnew"}
    files |= {"p.png": b"1", "bad.csv": b"\0", "LICENSE": "x"}
    result = run(write(tmp_path, {**files, "datapackage.json": json.dumps(descriptor)}))
    document = result.document
    assert [document[name] for name in ("name", "title", "foreign", "licenses")] == [
        "kept",
        "Kept",
        [1],
        [{"name": "ODC-PDDL-1.0"}],
    ]
    assert [source["title"] for source in document["sources"]] == ["S", "Own field recordings"]
    found = {item["name"]: item for item in document["resources"]}
    fields = {"fields": [{"name": "a", "type": "integer"}]}
    assert found["kept"] == {
        "name": "kept",
        "type": "table",
        "path": "a.csv",
        "title": "T",
        "format": "csv",
        "mediatype": "text/csv",
        "bytes": 4,
        "schema": fields,
    }
    assert found["mine"] == {
        "name": "mine",
        "path": "b.csv",
        "format": "csv",
        "mediatype": "text/csv",
        "bytes": 4,
        "schema": {"fields": [{"name": "own"}]},
    }
    assert found["both"]["schema"] == fields
    assert "bytes" not in found["both"]
    assert found["inline"] == {"name": "inline", "data": [[1]]}
    assert found["picture"] == {
        "name": "picture",
        "path": "p.png",
        "format": "png",
        "mediatype": "image/png",
        "bytes": 1,
    }
    assert found["bad"]["format"] == "csv"
    assert found["plain"] == {"name": "plain", "path": "LICENSE", "mediatype": "application/octet-stream", "bytes": 1}
    assert found["e"]["path"] == ["e.csv", "n.csv", "w.csv"]
    assert [note.code for note in result.warnings] == ["W-DESCRIPTOR", "W-TABLE-READ"]


@pytest.mark.parametrize(
    ("said", "warned"),
    [
        ({"bytes": 4}, False),
        ({"bytes": 5}, True),
        ({"hash": f"sha256:{hashlib.sha256(b'a' + bytes([10]) + b'1' + bytes([10])).hexdigest()}"}, False),
        ({"hash": f"sha256:{'0' * 64}"}, True),
        ({"hash": f"sha512:{'0' * 128}"}, True),
        ({"hash": "crc32:00"}, False),
    ],
)
def test_files_are_compared_with_what_was_said(tmp_path: Path, said: dict[str, Any], warned: bool) -> None:
    descriptor = {"resources": [{"name": "a", "path": "a.csv", **said}]}
    result = run(write(tmp_path, {"a.csv": "a\n1\n", "datapackage.json": json.dumps(descriptor)}))
    assert ("W-FILE-DIFFERS" in [note.code for note in result.warnings]) is warned


def test_all_missing_files_are_named(tmp_path: Path) -> None:
    descriptor = {"resources": [{"name": "a", "path": "a.csv"}, {"name": "b", "path": ["b.csv", "c.csv"]}]}
    write(tmp_path, {"b.csv": "a\n", "datapackage.json": json.dumps(descriptor)})
    with pytest.raises(Refused, match=r"E-RES-UNLISTED.*2 of its files are not in the folder: a.csv, c.csv"):
        run(tmp_path)
    with pytest.raises(Refused, match=r"and 5 more"):
        draft.refuse_unlisted([str(number) for number in range(25)])


def test_sources_of_resources_are_the_librarys(tmp_path: Path) -> None:
    descriptor = {"resources": [{"path": "a.csv", "sources": [{"title": "R"}, {"title": "R"}]}]}
    write(tmp_path, {"a.csv": "a\n", "datapackage.json": json.dumps(descriptor)})
    assert run(tmp_path, statements(sources=[])).document["sources"] == [{"title": "R"}]


def test_the_caller_wins(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "a.csv": "a\n",
            "b.csv": "b\n",
            "datapackage.json": json.dumps({"name": "x", "title": "x", "licenses": [{"name": "MIT"}]}),
        },
    )
    members = {
        "name": "y",
        "license": "BSD-2-Clause",
        "resources": [{"path": "a.csv", "title": "A"}],
        "sources": [{"title": "F", "basis": "own"}],
        "datalib": {"purpose": ["statistics"], "languages": ["kk"]},
    }
    document = run(tmp_path, statements(members=members, purposes=[], license="https://example.org/l")).document
    assert (document["name"], document["title"]) == ("y", "x")
    assert document["licenses"] == [{"path": "https://example.org/l"}]
    assert document["resources"][0]["title"] == "A"
    assert (document["datalib"]["purpose"], document["datalib"]["languages"]) == (["statistics"], ["kk"])
    assert [source["title"] for source in document["sources"]] == ["F", "Own field recordings"]
    assert run(tmp_path, statements(license="CC0-1.0")).document["licenses"] == [{"name": "CC0-1.0"}]


def test_own_profile_survives(tmp_path: Path) -> None:
    write(tmp_path, {"a.csv": "a\n", "datapackage.json": json.dumps({"profile": "https://example.org/p.json"})})
    assert run(tmp_path, statements(members={"title": "t"})).document["$schema"] == "https://example.org/p.json"


def test_describing_twice_gives_the_same(tmp_path: Path) -> None:
    write(tmp_path, {"a.csv": "a\n1\n", "b.csv": "a\n2\n", "x/y.txt": "z"})
    first = run(tmp_path).document
    write(tmp_path, {"datapackage.json": draft.render(first)})
    with Folder(tmp_path) as folder:
        again = describe(folder, Statements(), now=NOW + 1).document
    assert draft.render(again) == draft.render(first)


def test_a_signed_library(tmp_path: Path) -> None:
    write(tmp_path, {"a.csv": "a\n1\n"})
    signed = draft.complete(
        run(tmp_path).document,
        {"a.csv": Listed("a.csv", 4, "0" * 64)},
        Summary(),
        {"files": 1, "bytes": 4, "sha256": "1" * 64, "root": "2" * 64},
    )
    write(
        tmp_path,
        {
            "datapackage.json": draft.render(signed),
            "chain.jsonl": "x",
            "files.sha256": "x",
            "manifests/a.json": "x",
            "proofs/p": "x",
        },
    )
    document = run(tmp_path).document
    assert "content" not in document["datalib"]
    assert "collections" not in document["datalib"]
    other = {**folders.PRODUCER, "name": {"ru": "x"}}
    assert code_of(tmp_path, statements(producer=other)) == "E-PRODUCER-CHANGED"


# --- what is refused ---


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"producer": {}}, "E-PRODUCER-MISSING"),
        ({"producer": {"id": "kz-bin:990140000385", "name": {"ru": "x"}}}, "E-PARTY-ID"),
        ({"producer": {"id": "kz-bin:990140000384"}}, "E-SCHEMA"),
        ({"producer": {**folders.PRODUCER, "address": "x"}}, "E-SCHEMA-UNKNOWN"),
        ({"purposes": []}, "E-PURPOSE-MISSING"),
        ({"purposes": ["social-scoring"]}, "E-PURPOSE-FORBIDDEN"),
        ({"sources": []}, "E-SOURCE-MISSING"),
        ({"sources": [{"title": "a", "origin": "leak"}]}, "E-SOURCE-LEAK"),
        ({"members": {"datalib": {"foreign": 1}}}, "E-SCHEMA-UNKNOWN"),
        ({"members": {"datalib": {"spec": "2"}}}, "E-SPEC-VERSION"),
        ({"members": {"resources": 5}}, "E-DESCRIPTOR"),
    ],
)
def test_refused_statements(tmp_path: Path, changes: dict[str, Any], code: str) -> None:
    assert code_of(write(tmp_path, {"a.csv": "a\n"}), statements(**changes)) == code


def test_every_refused_path_at_once(tmp_path: Path) -> None:
    write(
        tmp_path,
        {"ok.csv": "a\n", "a:b.txt": "1", "Data/x.txt": "1", "data/y.txt": "1", "evidence/z": "1", "sub /q": "1"},
    )
    (tmp_path / "link").symlink_to("ok.csv")
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / os.fsdecode(b"bad\xff")).write_text("")
    result = run(tmp_path)
    assert result.document == {}
    assert [(item.path, item.code, item.suggestion) for item in result.refused] == [
        ("link", "E-FILE-SYMLINK", ""),
        ("pipe", "E-FILE-TYPE", ""),
        ("a:b.txt", "E-PATH-CHAR", "a_b.txt"),
        ("bad\\xff", "E-PATH-NFC", "bad_"),
        ("data/y.txt", "E-PATH-COLLISION", "Data/y.txt"),
        ("evidence/z", "E-PATH-RESERVED", "data-evidence/z"),
        ("sub /q", "E-PATH-PORTABLE", "sub/q"),
    ]


def test_leftovers_of_interrupted_writes_are_passed_over(tmp_path: Path) -> None:
    document = run(write(tmp_path, {"a.csv": "a\n", ".datalib-tmp-0123456789abcdef": "x"})).document
    assert "collections" not in document["datalib"]


@pytest.mark.parametrize(
    "path",
    [
        ".git/config",
        "sub/.svn/a",
        "__pycache__/a.pyc",
        ".ipynb_checkpoints/a",
        "d/.DS_Store",
        "Thumbs.db",
        "a/CVS/Root",
        "~$a.xlsx",
        "a.pyc",
        "._x",
        ".git",
    ],
)
def test_clutter_stops(tmp_path: Path, path: str) -> None:
    write(tmp_path, {"a.csv": "a\n", path: "x"})
    assert code_of(tmp_path) == "E-CLUTTER"
    result = run(tmp_path, leave_out_clutter=True)
    assert len(result.left_out) == 1
    assert "collections" not in result.document["datalib"]
    with Folder(tmp_path) as folder:
        target = clutter.set_aside(folder.path, result.left_out)
    assert target.name == f"{tmp_path.name}.left-out"
    assert (target / path).read_text() == "x"
    assert run(tmp_path).document == result.document


@pytest.mark.parametrize("path", ["cvs/ann.pdf", "git/a", ".gitignore", "data.csv.dvc", "cache/x"])
def test_what_is_no_clutter(tmp_path: Path, path: str) -> None:
    assert run(write(tmp_path, {"a.csv": "a\n", path: "x"})).left_out == ()


def test_many_clutter_is_counted(tmp_path: Path) -> None:
    write(tmp_path, {f"{number}/.DS_Store": "x" for number in range(12)})
    with pytest.raises(Refused, match=r"12 found: .* …"):
        run(tmp_path)


def test_setting_aside_never_overwrites(tmp_path: Path) -> None:
    home = write(tmp_path / "lib", {"a.csv": "a\n", ".git/x": "new"})
    write(tmp_path / "lib.left-out", {".git/x": "old"})
    with pytest.raises(Refused, match="E-OUT-EXISTS"):
        clutter.set_aside(home, [".git"])
    assert (home / ".git/x").read_text() == "new"
    with pytest.raises(DatalibError, match="E-IO"):
        clutter.set_aside(home, ["not-there"])


def test_a_damaged_descriptor(tmp_path: Path) -> None:
    assert code_of(write(tmp_path, {"a.csv": "a\n", "datapackage.json": "{"})) == "E-JSON-SYNTAX"
    (tmp_path / "datapackage.json").unlink()
    (tmp_path / "datapackage.json").symlink_to("a.csv")
    assert code_of(tmp_path) == "E-FILE-SYMLINK"


# --- completing ---


def test_complete(tmp_path: Path) -> None:
    write(tmp_path, {"a.csv": "a\n1\n", "b/1.csv": "b\n", "b/2.csv": "b\n", "c.txt": "c"})
    document = run(tmp_path).document
    tally = draft.Tally(document)
    for path, size in (("a.csv", 9), ("b/1.csv", 9), ("b/2.csv", 9), ("c.txt", 5)):
        tally.add(Listed(path, size, "a" * 64))
    assert tally.bytes == 32
    content = {"files": 4, "bytes": 32, "sha256": "1" * 64, "root": "2" * 64}
    signed = draft.complete(document, tally.listed, tally.rest, content)
    assert (signed["resources"][0]["bytes"], signed["resources"][0]["hash"]) == (9, f"sha256:{'a' * 64}")
    assert not {"bytes", "hash"} & set(signed["resources"][1])
    assert signed["datalib"]["content"] == content
    assert signed["datalib"]["collections"] == [{"prefix": "", "files": 1, "bytes": 5, "mediatypes": ["text/plain"]}]
    manifest.parse(draft.render(signed))
    with pytest.raises(Refused, match="E-RES-UNLISTED"):
        draft.complete(document, {}, tally.rest, content)


# --- small parts ---


def test_summary_cuts_the_tree() -> None:
    summary = Summary()
    for outer in range(3):
        for inner in range(COLLECTIONS_LIMIT):
            summary.add(f"{outer}/{inner}/x.txt", 2)
    summary.add("0/a.png", 1)
    assert summary.collections() == [
        {"prefix": "0/", "files": 101, "bytes": 201, "mediatypes": ["image/png", "text/plain"]},
        {"prefix": "1/", "files": 100, "bytes": 200, "mediatypes": ["text/plain"]},
        {"prefix": "2/", "files": 100, "bytes": 200, "mediatypes": ["text/plain"]},
    ]


def test_slugs() -> None:
    assert [slug(text) for text in ("Қазақ тілі", "Émile.CSV", "щука", "数据", "--a--", "Ёж")] == [
        "qazaq-tili", "emile.csv", "shchuka", "resource", "a", "iozh",
    ]  # fmt: skip
    taken: set[str] = set()
    assert [unique("a", taken) for _ in range(3)] == ["a", "a-2", "a-3"]


@pytest.mark.parametrize(
    ("path", "mediatype"),
    [
        ("a.JPG", "image/jpeg"),
        ("a.b/c", "application/octet-stream"),
        (".txt", "application/octet-stream"),
        ("x.wav", "audio/wav"),
    ],
)
def test_mediatypes(path: str, mediatype: str) -> None:
    assert mediatype_of(path) == mediatype


@pytest.mark.parametrize(
    ("path", "better"),
    [
        ("con.txt", "con_.txt"),
        ("a/NUL", "a/NUL_"),
        ("a./b ", "a/b"),
        (" a", "a"),
        ("...", "_"),
        ("e\u0301.txt", "é.txt"),
        ("a\u200bb", "ab"),
        ("a\u2028b", "a_b"),
        ("a\uff0fb", "a_b"),
        ('a\\b*?"<>|', "a_b______"),
        ("Chain.jsonl", "data-Chain.jsonl"),
        ("Proofs/x", "data-Proofs/x"),
        ("x" * 300 + ".txt", "x" * 243 + ".txt"),
        ("қ" * 200, "қ" * 123),
        ("x" * 300 + "." + "y" * 300, "x" * 247),
        ("/".join(["f" * 200] * 8), "/".join(["f" * 200] * 5)),
    ],
)
def test_repair(path: str, better: str) -> None:
    assert repair(path) == better


def suggested(paths: Sequence[str]) -> list[tuple[str, str, str]]:
    return [tuple(item) for item in suggest_all(lambda: sorted(paths, key=os.fsencode))]  # type: ignore[misc]  # three texts


def test_suggestions_are_free() -> None:
    assert suggested(["a", "b"]) == []
    assert suggested(["A.txt", "a.txt", "a:b", "a_b", "x/1", "X/1"]) == [
        ("a.txt", "E-PATH-COLLISION", "a-2.txt"),
        ("a:b", "E-PATH-CHAR", "a_b-2"),
        ("x/1", "E-PATH-COLLISION", "X/1-2"),
    ]
    assert suggested(["A", "a/b"]) == [("a/b", "E-PATH-COLLISION", "a-2/b")]
