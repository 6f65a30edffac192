"""Robots verdicts as Protego gives them: parsed once per host, asked for each URL and each crawler that trains.

python verdicts.py FOLDER SITES ROWS AGENT…      prints the CPU seconds of the verdicts alone
"""

import json
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit

import pyarrow.parquet as pq
from protego import Protego


def main(source: Path, sites: Path, rows: int, agents: list[str]) -> None:
    bodies = {answer["origin"]: answer["body"] for answer in map(json.loads, sites.open(encoding="utf-8"))}
    urls = pq.read_table(min(source.glob("*.parquet")), columns=["url"]).column("url").to_pylist()[:rows]
    parsed: dict[str, object] = {}
    begun = time.process_time()
    for url in urls:
        parts = urlsplit(url)
        origin = f"{parts.scheme}://{parts.netloc}"
        if origin not in bodies:
            continue
        rules = parsed.get(origin)
        if rules is None:
            rules = parsed[origin] = Protego.parse(bodies[origin])
        all(rules.can_fetch(url, agent) for agent in agents)  # type: ignore[attr-defined]  # Protego ships no types
    print(time.process_time() - begun)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]), sys.argv[4:])
