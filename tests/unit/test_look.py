"""Files of a library searched for personal data: tables by column, texts, and what is not read."""

import codecs
import gzip
import json
import random
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from openpyxl import Workbook

from datalib.errors import Unchecked
from datalib.personal import look as module
from datalib.personal.column import Column
from datalib.personal.found import Looked
from datalib.personal.look import look
from tests.made_identifiers import TODAY, bin_, card, email, iin, phone

RANDOM = random.Random(6)
IINS = [iin(RANDOM) for _ in range(40)]
PHONES = [phone(RANDOM) for _ in range(40)]


def _look(folder: Path, *, full: bool = True, document: Mapping[str, Any] | None = None) -> Looked:
    return look(folder, document or {}, full=full, today=TODAY)


def _places(found: Looked) -> dict[str, dict[str, int]]:
    return {f"{place.where}#{place.column}": dict(place.counts) for place in found.places}


def test_a_table_is_searched_column_by_column(tmp_path: Path) -> None:
    rows = "".join(f"{n},{number},ring {one}\n" for n, (number, one) in enumerate(zip(IINS, PHONES, strict=True)))
    (tmp_path / "people.csv").write_text("n,who,note\n" + rows, encoding="utf-8")
    found = _look(tmp_path)
    assert _places(found) == {"people.csv#who": {"iin": 40}, "people.csv#note": {"phone": 40}}
    assert found.counts == {"iin": 40, "phone": 40}
    assert found.columns == ("note", "who")
    assert (found.full, found.files, found.read, found.unread) == (True, 1, 1, {})
    assert not any(number in json.dumps(found.to_dict()) for number in IINS)


def test_a_table_of_the_manifest_has_its_name_and_its_delimiter(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(f"x;y\n{IINS[0]};1\n", encoding="cp1251")
    schema = {"fields": [{"name": "x", "type": "integer"}, {"name": "y", "type": "integer"}]}
    resource = {"name": "people", "path": ["a.csv"], "dialect": {"delimiter": ";"}, "schema": schema}
    assert _places(_look(tmp_path, document={"resources": [resource, {"name": "b", "data": 1}]})) == {
        "people#x": {"iin": 1}
    }


@pytest.mark.parametrize("kind", ["jsonl", "parquet", "arrow", "xlsx", "tsv"])
def test_every_kind_of_table_is_searched(tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"people.{kind}"
    rows = [{"who": number, "note": "-"} for number in IINS]
    if kind == "jsonl":
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    elif kind == "tsv":
        path.write_text("who\tnote\n" + "".join(f"{number}\t-\n" for number in IINS))
    elif kind == "xlsx":
        book = Workbook()
        for row in [("who", "note"), *((number, "-") for number in IINS)]:
            book.worksheets[0].append(row)
        book.save(path)
    elif kind == "parquet":
        pq.write_table(pa.Table.from_pylist(rows), path)
    else:
        table = pa.Table.from_pylist(rows)
        with pa.ipc.new_file(str(path), table.schema) as writer:
            writer.write_table(table)
    assert _places(_look(tmp_path)) == {f"people.{kind}#who": {"iin": 40}}


def _counted(values: pa.Array) -> Mapping[str, int]:
    column = Column(today=TODAY)
    column.add(values)
    return column.counts()


@pytest.mark.parametrize(
    "values",
    [
        pa.array([int(number) for number in IINS]),
        pa.array([*map(float, IINS), None, 0.5, float("nan"), float("inf"), 1e300]),
        pa.array(IINS).dictionary_encode(),
        pa.array([number.encode() for number in IINS]),
        pa.array([[{"who": number, "age": 3}] for number in IINS]),
        pa.array([{"who": int(number), "known": True} for number in IINS]),
        pa.array(IINS, pa.large_string()),
        pa.array([int(number) for number in IINS]).cast(pa.decimal128(20)),
    ],
    ids=lambda values: str(values.type),
)
def test_every_type_of_column_shows_its_iins_without_the_zeros_before_them_too(values: pa.Array) -> None:
    assert any(number.startswith("0") for number in IINS)
    assert _counted(values) == {"iin": 40}


def test_chance_is_not_taken_for_a_column_of_identifiers() -> None:
    running = [str(880_101_300_000 + number) for number in range(400)]
    assert _counted(pa.array(running)) == {}
    assert _counted(pa.array([str(4_000_001_000_000_000 + number) for number in range(400)])) == {}
    assert _counted(pa.array(running[:19])) == {"iin": 2}  # few values say nothing of chance
    assert _counted(pa.array([True, False])) == {}


def test_few_iins_among_many_bins_count() -> None:
    assert _counted(pa.array([bin_(RANDOM) for _ in range(200)] + IINS[:3])) == {"iin": 3}


def test_cards_and_bare_phone_numbers_in_columns_count() -> None:
    cards = ["".join(one for one in card(RANDOM) if one.isdigit()) for _ in range(30)]
    assert _counted(pa.array(cards)) == {"card": 30}
    assert _counted(pa.array([87011234567 + number for number in range(30)])) == {"phone": 30}


def test_texts_are_searched_packed_and_in_other_encodings_too(tmp_path: Path) -> None:
    text = f"Телефоны: {PHONES[0]}, {IINS[0]}\n"
    (tmp_path / "a.txt").write_text(text, encoding="utf-8")
    (tmp_path / "b").write_bytes(codecs.BOM_UTF16_LE + text.encode("utf-16-le"))
    (tmp_path / "c.csv.gz").write_bytes(gzip.compress(text.encode()))
    (tmp_path / "d.html").write_bytes(text.encode("cp1251"))
    found = _look(tmp_path)
    assert _places(found) == {name: {"iin": 1, "phone": 1} for name in ("a.txt#", "b#", "c.csv.gz#", "d.html#")}


def test_a_text_table_that_its_reader_refuses_is_read_as_text(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(f"x,y\n{IINS[0]},1\n" + "1,2\n" * 600 + f"{IINS[1]},2,3\n", encoding="utf-8")
    assert _places(_look(tmp_path)) == {"a.csv#": {"iin": 2}}


def test_what_no_detector_reads_is_said(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"\x89PNG\r\n\0\0" + bytes(100))
    (tmp_path / "b.parquet").write_bytes(b"PAR1 but no more")
    (tmp_path / "c.txt.gz").write_bytes(gzip.compress(b"some text" * 1000)[:30])
    (tmp_path / "d").symlink_to("a.png")
    pq.write_table(pa.table({"image": [b"\xff\xd8\xff\0"], "nested": [[b"\xff\0"]]}), tmp_path / "e.parquet")
    found = _look(tmp_path)
    assert found.unread == {"binary": 1, "binary-column": 2, "damaged": 2, "link": 1}
    assert (found.files, found.read, found.counts) == (5, 4, {})


def test_files_of_datalib_are_left_out(tmp_path: Path) -> None:
    for name in (
        "datapackage.json",
        "evidence/a",
        "manifests/b.json",
        ".datalib-tmp-0123456789abcdef",
        "docs/chain.jsonl",
    ):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(f'"{IINS[0]}"')
    assert list(_places(_look(tmp_path))) == ["docs/chain.jsonl#"]


def test_parts_of_a_long_text_cut_no_identifier_in_two(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_BLOCK", 1 << 10)
    words = [RANDOM.choice([*IINS, *PHONES, email(RANDOM), "сөз"]) for _ in range(3000)]
    (tmp_path / "lines.txt").write_text("\n".join(words), encoding="utf-8")
    (tmp_path / "one.json").write_text(json.dumps(words, ensure_ascii=False, separators=(",", ":")), encoding="utf-8")
    (tmp_path / "wall").write_text("б" * 200_000 + " " + "7" * 200_000, encoding="utf-8")
    first, second = _look(tmp_path).places
    assert first.counts == second.counts
    assert sum(first.counts.values()) == sum(word != "сөз" for word in words)


def test_a_sample_is_the_same_files_each_time_and_their_beginnings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "SAMPLE_FILES", 10)
    monkeypatch.setattr(module, "SAMPLE_BYTES", 1 << 10)
    for number in range(40):
        (tmp_path / f"{number}.txt").write_text(f"{IINS[number]}\n" + "сөз\n" * 500 + IINS[number])
    first, again = _look(tmp_path, full=False), _look(tmp_path, full=False)
    assert first == again
    assert (first.full, first.files, first.read, first.counts) == (False, 40, 10, {"iin": 10})


def test_a_sample_of_a_table_is_its_first_rows(tmp_path: Path) -> None:
    pq.write_table(pa.table({"x": ["-"] * module.SAMPLE_ROWS * 2 + IINS}), tmp_path / "a.parquet")
    assert _look(tmp_path, full=False).counts == {}
    assert _look(tmp_path).counts == {"iin": 40}


def test_places_are_bounded_and_counts_are_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PLACES", 3)
    for number in range(5):
        (tmp_path / f"{number}.txt").write_text(IINS[number])
    found = _look(tmp_path)
    assert (len(found.places), found.beyond, found.counts) == (3, 2, {"iin": 5})


def test_a_folder_that_is_not_there_could_not_be_searched(tmp_path: Path) -> None:
    with pytest.raises(Unchecked, match="E-IO"):
        _look(tmp_path / "none")


def test_a_column_of_another_kind_is_said_to_be_unread_or_read_as_what_it_stores(tmp_path: Path) -> None:
    uuids = pa.ExtensionArray.from_storage(pa.uuid(), pa.array([bytes(16), b"\xff" * 16], pa.binary(16)))
    texts = pa.ExtensionArray.from_storage(pa.json_(), pa.array([f'{{"who": "{IINS[0]}"}}']))
    times = pa.array([0, 1], pa.timestamp("s"))
    for values, binary, counts in ((uuids, True, {}), (texts, False, {"iin": 1}), (times, False, {})):
        column = Column(today=TODAY)
        column.add(values)
        assert (column.binary, column.counts()) == (binary, counts)
    runs = Column(today=TODAY)
    runs.add(pa.RunEndEncodedArray.from_arrays(pa.array([3], pa.int32()), pa.array([IINS[0]])))
    assert runs.counts() == {"iin": 3}


def test_texts_that_are_no_unicode_are_read_all_the_same(tmp_path: Path) -> None:
    broken = b"\xff\xfe " + IINS[0].encode()
    offsets = pa.py_buffer(b"\0\0\0\0" + len(broken).to_bytes(4, "little"))
    values = pa.StringArray.from_buffers(1, offsets, pa.py_buffer(broken))
    pq.write_table(pa.table({"who": values}), tmp_path / "a.parquet")
    assert _places(_look(tmp_path)) == {"a.parquet#who": {"iin": 1}}
    assert _counted(values) == {"iin": 1}


def test_long_documents_are_held_a_few_at_a_time(tmp_path: Path) -> None:
    text = "сөз " * 50_000
    pq.write_table(pa.table({"text": [f"{text}{number}" for number in IINS]}), tmp_path / "a.parquet")
    with (tmp_path / "a.parquet").open("rb") as file:
        assert module.rows_held(file, "a.parquet") < 60
        assert file.tell() == 0
    assert _look(tmp_path).counts == {"iin": 40}


def test_what_unpacks_without_end_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "UNPACKED_LIMIT", 1 << 20)
    (tmp_path / "a.gz").write_bytes(gzip.compress(f"{IINS[0]}\n".encode() + b"\n" * (50 << 20)))
    (tmp_path / "b.gz").write_bytes(gzip.compress(RANDOM.randbytes(1 << 20).hex().encode() + f"\n{IINS[1]}".encode()))
    found = _look(tmp_path)
    assert found.unread == {"damaged": 1}
    assert found.counts["iin"] == 2
