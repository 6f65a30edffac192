"""The yardstick of the scan: read the URL column of every file and write it back, nothing else.

python copy_urls.py FOLDER OUT
"""

import sys
from pathlib import Path

import pyarrow.parquet as pq


def main(source: Path, out: Path) -> None:
    out.mkdir()
    for path in sorted(source.glob("*.parquet")):
        file = pq.ParquetFile(path)
        schema = file.schema_arrow
        with pq.ParquetWriter(
            out / path.name, schema.empty_table().select(["url"]).schema, compression="zstd"
        ) as writer:
            for batch in file.iter_batches(1 << 17, columns=["url"], use_threads=False):
                writer.write_batch(batch)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
