"""The gate: only accepted libraries open, and only bytes that were signed come out."""

import io
import os
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from openpyxl import Workbook

import datalib
from datalib import acts
from datalib.errors import Misuse, Refused
from datalib.library import describe, draft
from datalib.library.batches import read_batches
from datalib.library.store import Folder
from datalib.library.verified import BLOCK
from datalib.trust.keys import PrivateKey
from datalib.trust.policy import Policy
from tests.libraries import NOW as DAY_40
from tests.libraries import ROOTS, draft_policy, sign_policy, sound

NOW = 1_790_000_000
OWNER = "x-test:owner"
KEY = PrivateKey.new(seed=b"g" * 32)
POLICY = Policy.vouch([(OWNER, KEY.public)])
ROWS = 70_000


def _fill(root: Path) -> None:
    root.mkdir()
    table = pa.table({"id": list(range(ROWS)), "word": [f"w{n % 7}" for n in range(ROWS)]})
    pq.write_table(table, root / "words.parquet", compression="none")
    with pa.ipc.new_file(root / "words.arrow", table.schema) as file:
        file.write_table(table, 1000)
    with pa.ipc.new_stream(root / "words.arrows", table.schema) as stream:
        stream.write_table(table, 1000)
    (root / "count.csv").write_text("id;name;share\n7;дала;0.5\n007;;1.5\n", encoding="utf-8")
    (root / "count.jsonl").write_text('{"id": 1, "name": "a"}\n{"id": 2, "name": "b"}\n')
    (root / "big.bin").write_bytes(os.urandom(3 * BLOCK + 17))
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    for row in (["id", "name"], [1, "a"], [2, None]):
        sheet.append(row)
    book.save(root / "sheet.xlsx")


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("gate") / "library"
    _fill(root)
    said = describe.Statements(
        producer={"id": OWNER, "name": {"en": "Owner"}}, purposes=["train:llm"], sources=[{"title": "Made here"}]
    )
    with Folder(root) as folder:
        folder.write("datapackage.json", draft.render(describe.describe(folder, said, now=NOW).document))
    acts.sign(root, keys=[KEY], now=NOW)
    return root


def _open(library: Path, **options: object) -> datalib.Library:
    return datalib.open(library, policy=POLICY, now=NOW, require=(), **options)  # type: ignore[arg-type]  # passed through


def test_all_files_come_out_as_they_are(library: Path) -> None:
    with _open(library) as opened:
        paths = list(opened.paths())
        assert paths == sorted(paths)
        for path in paths:
            with opened.open(path) as file:
                assert file.read() == (library / path).read_bytes()


@pytest.mark.parametrize("name", ["words", "words-arrow", "words-arrows"])
def test_arrow_and_parquet_tables_keep_their_rows(library: Path, name: str) -> None:
    with _open(library) as opened:
        names = {resource.paths[0]: resource.name for resource in opened.manifest.resources}
        path = {"words": "words.parquet", "words-arrow": "words.arrow", "words-arrows": "words.arrows"}[name]
        batches = list(opened.table(names[path], batch_rows=4096))
    assert sum(batch.num_rows for batch in batches) == ROWS
    assert max(batch.num_rows for batch in batches) <= 4096
    assert pa.Table.from_batches(batches).column("id").to_pylist() == list(range(ROWS))


@pytest.mark.parametrize(
    ("path", "rows"),
    [
        ("count.csv", [{"id": "7", "name": "дала", "share": 0.5}, {"id": "007", "name": None, "share": 1.5}]),
        ("count.jsonl", [{"id": 1, "name": "a"}, {"id": 2, "name": "b"}]),
        ("sheet.xlsx", [{"id": "1", "name": "a"}, {"id": "2", "name": None}]),
    ],
)
def test_text_tables_have_the_types_of_their_schema(library: Path, path: str, rows: list[dict[str, object]]) -> None:
    with _open(library) as opened:
        name = next(item.name for item in opened.manifest.resources if item.paths[0] == path)
        found = [row for batch in opened.table(name) for row in batch.to_pylist()]
    assert found == rows


def test_a_purpose_that_was_not_declared_stays_closed(library: Path) -> None:
    with pytest.raises(Refused, match="E-PURPOSE-REFUSED"):
        _open(library, purpose="train:asr")


def test_a_missing_attestation_closes_the_gate(library: Path) -> None:
    with pytest.raises(Refused, match="E-ATTEST-MISSING"):
        datalib.open(library, policy=POLICY, now=NOW)


def test_what_is_not_listed_is_not_opened(library: Path) -> None:
    with _open(library) as opened:
        for path in ("aaa", "zzz", "chain.jsonl", "words", "../x"):
            with pytest.raises(Refused, match="E-FILE-UNLISTED"):
                opened.open(path)
        with pytest.raises(Misuse):
            list(opened.table("no-such-table"))


def _flip(path: Path, place: int) -> None:
    with path.open("r+b") as file:
        file.seek(place)
        byte = file.read(1)[0]
        file.seek(place)
        file.write(bytes([byte ^ 1]))


@pytest.mark.parametrize("place", [0, BLOCK, 3 * BLOCK + 16])
def test_a_byte_changed_after_the_check_raises(library: Path, place: int) -> None:
    target = library / "big.bin"
    with _open(library) as opened:
        _flip(target, place)
        try:
            with pytest.raises(Refused, match="E-READ-DIGEST"):
                opened.open("big.bin")
        finally:
            _flip(target, place)


def test_a_byte_changed_while_reading_raises(library: Path) -> None:
    target = library / "big.bin"
    with _open(library) as opened, opened.open("big.bin") as file:
        assert len(file.read(10)) == 10
        _flip(target, 2 * BLOCK + 5)
        try:
            file.seek(2 * BLOCK)
            with pytest.raises(Refused, match="E-READ-DIGEST"):
                file.read(10)
        finally:
            _flip(target, 2 * BLOCK + 5)


def test_a_table_changed_after_the_check_gives_no_rows(library: Path) -> None:
    with _open(library) as opened:
        name = next(item.name for item in opened.manifest.resources if item.paths[0] == "words.parquet")
        _flip(library / "words.parquet", 5000)
        try:
            with pytest.raises(Refused, match="E-READ-DIGEST"):
                next(opened.table(name))
        finally:
            _flip(library / "words.parquet", 5000)


def test_an_unread_file_is_checked_when_it_is_read(library: Path) -> None:
    _flip(library / "big.bin", 7)
    try:
        with _open(library, data="none") as opened, pytest.raises(Refused, match="E-READ-DIGEST"):
            opened.open("big.bin")
    finally:
        _flip(library / "big.bin", 7)


def test_a_table_in_several_files_is_read_by_the_name_of_each() -> None:
    resource = {"path": ["a.tsv", "b.tsv"], "schema": {"fields": [{"name": "n", "type": "integer"}]}}
    (batch,) = read_batches(io.BytesIO(b"n\ttext\n1\tx,y\n"), resource, "b.tsv", 10)
    assert batch.to_pylist() == [{"n": 1, "text": "x,y"}]


def test_a_policy_is_judged_at_every_opening_and_remembered(tmp_path: Path) -> None:
    root, state = sound(tmp_path / "library").folder, str(tmp_path / "state.json")
    policies = [Policy.load(sign_policy(draft_policy(version=n)), roots=ROOTS, now=DAY_40) for n in (1, 2)]
    for policy in policies:
        datalib.open(root, policy=policy, now=DAY_40, state=state).close()
    with pytest.raises(Refused, match="E-POLICY-ROLLBACK"):
        datalib.open(root, policy=policies[0], now=DAY_40, state=state)
    with pytest.raises(Refused, match="E-POLICY-EXPIRED"):
        datalib.open(root, policy=policies[1], now=policies[1].expires, state=state)
