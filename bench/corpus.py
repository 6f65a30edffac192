"""A folder to describe, sign and verify: many small texts and tables, some Parquet files, one large binary.

    python -m bench.corpus FOLDER [--full]

The same sizes always give the same bytes.
"""

import argparse
import json
import random
from dataclasses import dataclass
from pathlib import Path

_WORDS = "дата kitap data өлең table көше train жыл licence аудио model сөз river тау page"
_PAGE = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """``small`` files of 2 to 50 KiB, ``shards`` Parquet files of ``rows`` rows (16 bytes each), a binary in MiB."""

    small: int
    shards: int
    rows: int
    binary: int


#: Large enough that starting a program does not decide; ``FULL`` is what the aims speak of.
USUAL = Size(small=4_000, shards=4, rows=5_500_000, binary=2_048)
FULL = Size(small=20_000, shards=6, rows=5_500_000, binary=2_048)


def make(folder: Path, size: Size) -> int:
    """Fill a new folder; give the number of its bytes."""
    chance = random.Random(20260901)
    folder.mkdir(parents=True)
    _small(folder, size.small, chance)
    for number in range(size.shards):
        _shard(folder / f"part-{number:03d}.parquet", size.rows, chance.randrange(1 << 32))
    with (folder / "model.bin").open("wb") as file:
        for _ in range(size.binary):
            file.write(chance.randbytes(1 << 20))
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def _small(folder: Path, count: int, chance: random.Random) -> None:
    vocabulary = _WORDS.split()
    page = " ".join(chance.choices(vocabulary, k=_PAGE // 8))
    for number in range(count):
        length = chance.randrange(2 << 10, 50 << 10)
        begin = chance.randrange(len(page) - length)
        text = page[begin : begin + length].encode()[:length].decode(errors="ignore")
        name, body = _form(number, text)
        path = folder / f"texts/{number % 7}/{number // 7 % 60:02d}/{name}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(body, encoding="utf-8")


def _form(number: int, text: str) -> tuple[str, str]:
    match number % 4:
        case 0:
            return f"{number:06d}.txt", text
        case 1:
            record = {"id": number, "url": f"https://site{number % 500}.example/{number}", "text": text}
            return f"{number:06d}.json", json.dumps(record, ensure_ascii=False)
        case 2:
            return f"{number:06d}.csv", "id,word\n" + "\n".join(
                f"{row},{word}" for row, word in enumerate(text.split())
            )
        case _:
            return f"{number:06d}.html", f"<!doctype html><html lang=kk><title>{number}</title><p>{text}</p></html>"


def _shard(path: Path, rows: int, seed: int) -> None:
    import numpy as np
    import pyarrow as pa
    import pyarrow.parquet as pq

    chance = np.random.default_rng(seed)
    table = pa.table({"id": np.arange(rows), "value": chance.random(rows)})
    pq.write_table(table, path, compression="none", use_dictionary=False)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--full", action="store_true")
    options = parser.parse_args()
    print(make(options.folder, FULL if options.full else USUAL), "bytes")
