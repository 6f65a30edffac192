"""The least that a list of refusals costs: keep the rows whose host is not in it. No parents of hosts, no headers.

python anti_join.py LIST TABLE…      prints the number of rows that are kept
"""

import sys
from pathlib import Path

import duckdb

_KEPT = """
    SELECT count(*) FROM read_parquet($tables) AS works
    ANTI JOIN read_csv($list, header = false, columns = {'host': 'VARCHAR'}) AS refusals
    ON split_part(works.url, '/', 3) = refusals.host
"""


def main(refusals: Path, tables: list[str]) -> None:
    with duckdb.connect() as engine:
        engine.execute("SET threads = 2")
        found = engine.execute(_KEPT, {"tables": tables, "list": str(refusals)}).fetchone()
    print(found and found[0])


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
