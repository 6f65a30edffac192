"""Tables of works in an object store: judged as on a disk, never by half."""

import gzip
import json
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import csv, feather, parquet

from datalib.errors import Misuse, Unchecked
from datalib.library import objects
from datalib.optout import rows
from datalib.optout.chunks import form_of
from datalib.optout.scan import scan
from datalib.optout.stored import StoredTable
from datalib_cli.app import run
from tests.stores import Store, served

NOW = 1_800_000_000
TABLE = pa.table({"url": [f"https://{'ab'[n % 2]}.example/{n}" for n in range(3000)], "text": ["x" * 50] * 3000})
NAMES = ("works.parquet", "works.csv", "works.csv.gz", "works.jsonl", "works.arrow")


@pytest.fixture(scope="module")
def store() -> Iterator[Store]:
    with served() as running:
        running.put("works")
        yield running


@pytest.fixture(autouse=True)
def _credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setattr(objects, "PIECE", 10_000)


def write(folder: Path, name: str) -> Path:
    path = folder / name
    if name.endswith(".parquet"):
        parquet.write_table(TABLE, path, row_group_size=1000)
    elif name.endswith(".arrow"):
        feather.write_feather(TABLE, path, compression="uncompressed")
    elif name.endswith(".jsonl"):
        path.write_text("".join(json.dumps(row) + "\n" for row in TABLE.to_pylist()))
    else:
        csv.write_csv(TABLE, folder / "works.csv")
        if name.endswith(".gz"):
            path.write_bytes(gzip.compress((folder / "works.csv").read_bytes(), mtime=0))
    return path


def sites(folder: Path) -> Path:
    path = folder / "sites.jsonl"
    said = {"origin": "https://a.example", "status": 200, "body": "User-agent: *\nDisallow: /\n"}
    path.write_text(json.dumps(said) + "\n" + json.dumps({"origin": "https://b.example", "status": 404}) + "\n")
    return path


def files(folder: Path) -> dict[str, bytes]:
    paths = (path for path in folder.rglob("*") if path.is_file() and "work" not in path.relative_to(folder).parts)
    return {str(path.relative_to(folder)): path.read_bytes() for path in paths}


@pytest.mark.parametrize("name", NAMES)
def test_the_same_bytes_as_from_a_disk(store: Store, tmp_path: Path, name: str) -> None:
    table = write(tmp_path, name)
    store.put(f"works/{name}", table.read_bytes())
    asked = sites(tmp_path)
    here = scan([table], out=tmp_path / "here", sites=[asked], admitted=True, now=NOW)
    there = scan(
        [StoredTable.find(store.address(f"works/{name}"))],
        out=tmp_path / "there",
        sites=[asked],
        admitted=True,
        now=NOW,
        workers=2,
    )
    assert there.to_dict() == here.to_dict()
    assert here.counts["verdict"] == {"refuse": 1500, "admit": 1500}
    assert files(tmp_path / "there") == files(tmp_path / "here")


@pytest.mark.parametrize("name", NAMES)
def test_trouble_with_the_store_is_never_damage(store: Store, tmp_path: Path, name: str) -> None:
    place = f"works/trouble-{name}"
    store.put(place, write(tmp_path, name).read_bytes())
    found = StoredTable.find(store.address(place))
    form = form_of(found.name)
    assert form is not None
    opened = found.open()
    store.delete(place)
    with pytest.raises(Unchecked):
        opened.read()
    with pytest.raises(Unchecked):
        list(rows.read(found, form, columns=("url",)))
    store.put(place, b"shorter")
    with pytest.raises(Unchecked, match="E-FILE-CHANGED"):
        list(rows.read(found, form, columns=("url",)))


def test_what_goes_away_in_the_middle_is_never_damage(store: Store, tmp_path: Path) -> None:
    store.put("works/going.csv", write(tmp_path, "works.csv").read_bytes() * 20)
    found = StoredTable.find(store.address("works/going.csv"))
    with found.open() as file:
        file.read(10)
        store.put("works/going.csv", b"x")
        with pytest.raises(Unchecked):
            file.read()


def test_an_object_that_was_replaced_stops_the_scan(store: Store, tmp_path: Path) -> None:
    table = write(tmp_path, "works.csv").read_bytes()
    store.put("works/replaced.csv", table)
    found = StoredTable.find(store.address("works/replaced.csv"))
    store.put("works/replaced.csv", table.replace(b"a.example", b"b.example"))
    with pytest.raises(Unchecked, match="E-FILE-CHANGED"):
        scan([found], out=tmp_path / "out", sites=[sites(tmp_path)], now=NOW)
    assert not (tmp_path / "out/scan.json").exists()
    with pytest.raises(Unchecked, match="E-FILE-CHANGED"):
        found.check()


def test_a_damaged_table_is_held_as_on_a_disk(store: Store, tmp_path: Path) -> None:
    (tmp_path / "damaged.parquet").write_bytes(b"PAR1 no table")
    store.put("works/damaged.parquet", b"PAR1 no table")
    here = scan([tmp_path / "damaged.parquet"], out=tmp_path / "here", now=NOW)
    there = scan([StoredTable.find(store.address("works/damaged.parquet"))], out=tmp_path / "there", now=NOW)
    assert there.to_dict() == here.to_dict()
    assert there.counts["verdict"] == {"hold": 1}


@pytest.mark.parametrize(
    "place", ["works", "works/folder/", "works/page.html", "works/a.xlsx", "works/a.warc.gz", "works.csv"]
)
def test_only_tables(store: Store, place: str) -> None:
    with pytest.raises(Misuse, match="E-USAGE"):
        StoredTable.find(store.address(place))


def test_what_is_not_there_or_is_written_to(store: Store) -> None:
    with pytest.raises(Unchecked, match="E-IO"):
        StoredTable.find(store.address("works/nothing.csv"))
    store.put("works/here.csv", b"url\n")
    found = StoredTable.find(store.address("works/here.csv"))
    with pytest.raises(Misuse, match="E-STORE-READ-ONLY"):
        found.open("wb")


def test_the_command(store: Store, tmp_path: Path, capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    store.put("works/command.csv", write(tmp_path, "works.csv").read_bytes())
    options = ["--sites", str(sites(tmp_path)), "-o", str(tmp_path / "out"), "--format", "json"]
    assert run(["scan", store.address("works/command.csv"), *options]) == 0
    assert json.loads(capsysbinary.readouterr().out)["works"] == 3000
    assert run(["scan", store.address("works/nothing.csv"), *options]) == 3
