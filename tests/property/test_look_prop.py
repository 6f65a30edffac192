"""Whatever bytes a file has, the look ends with what it found or with one of our errors; finds lie in their text."""

import io
import json
import os
import random
import tempfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from openpyxl import Workbook

from datalib.errors import DatalibError
from datalib.personal.detectors import KINDS, find
from datalib.personal.look import look
from tests.made_identifiers import TODAY, made

SOAK = bool(os.environ.get("DATALIB_SOAK"))
ROWS = [{"who": one.text, "n": number} for number, one in enumerate(made(3, 300))]


def _files() -> dict[str, bytes]:
    table = pa.Table.from_pylist(ROWS)
    parquet, arrow, sheet = io.BytesIO(), io.BytesIO(), io.BytesIO()
    pq.write_table(table, parquet)
    with pa.ipc.new_file(arrow, table.schema) as writer:
        writer.write_table(table)
    book = Workbook()
    for row in ROWS[:50]:
        book.worksheets[0].append([row["who"], row["n"]])
    book.save(sheet)
    lines = "".join(json.dumps(row) + "\n" for row in ROWS).encode()
    texts = "".join(f'{row["n"]},"{row["who"]}"\n' for row in ROWS).encode()
    return {"a.parquet": parquet.getvalue(), "a.arrow": arrow.getvalue(), "a.xlsx": sheet.getvalue(),
            "a.jsonl": lines, "a.csv": b"n,who\n" + texts, "a.txt": texts}  # fmt: skip


@pytest.mark.parametrize(("name", "data"), _files().items(), ids=lambda value: value if isinstance(value, str) else "")
def test_damaged_files_are_read_as_far_as_they_go_or_said_to_be_unread(name: str, data: bytes, tmp_path: Path) -> None:
    dice = random.Random(name)
    for _ in range(400 if SOAK else 25):
        changed = bytearray(data)
        for _ in range(dice.randrange(1, 6)):
            changed[dice.randrange(len(changed))] = dice.randrange(256)
        cut = dice.choice([len(changed), dice.randrange(len(changed))])
        (tmp_path / name).write_bytes(changed[:cut])
        found = look(tmp_path, {}, full=True, today=TODAY)
        assert found.read == 1


@given(
    data=st.binary(max_size=300),
    name=st.sampled_from(["a", "a.csv", "a.tsv", "a.jsonl", "a.parquet", "a.arrow", "a.xlsx", "a.gz"]),
)
def test_any_bytes_are_looked_at(data: bytes, name: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / name).write_bytes(data)
        try:
            found = look(Path(folder), {}, full=True, today=TODAY)
        except DatalibError as error:
            pytest.fail(f"{error.code}: one file keeps the others from being searched")
        assert found.files == 1


_PIECES = st.lists(
    st.sampled_from([*"0123456789 -.()+@,\n", "7", "8", "+7", "KZ", "ИИН", "a@b.kz", "4", "\u00a0", "²", "é"]),
    max_size=60,
)


@given(text=_PIECES.map("".join) | st.text(max_size=80))
def test_finds_lie_in_their_text(text: str) -> None:
    for one in find(text, TODAY):
        assert one.kind in KINDS
        assert 0 <= one.start < one.end <= len(text)
        assert text[one.start : one.end] == text[one.start : one.end].strip()
