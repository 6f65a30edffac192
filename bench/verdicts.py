"""Robots verdicts as others give them: asked for each URL and each crawler that trains.

Protego parses once per host; the binding of Google's parser parses for each question, as that parser does.

python verdicts.py PEER FOLDER SITES ROWS AGENT…      PEER: protego, google; prints the CPU seconds of the verdicts
"""

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import pyarrow.parquet as pq

Judge = Callable[[str, str], bool]


def _protego(body: str) -> Judge:
    from protego import Protego

    rules = Protego.parse(body)
    return lambda url, agent: bool(rules.can_fetch(url, agent))


def _google(body: str) -> Judge:
    from robotstxt import RobotsMatcher

    matcher = RobotsMatcher()
    return lambda url, agent: bool(matcher.is_allowed(body, agent, url))


def main(peer: str, source: Path, sites: Path, rows: int, agents: list[str]) -> None:
    bodies = {answer["origin"]: answer["body"] for answer in map(json.loads, sites.open(encoding="utf-8"))}
    urls = pq.read_table(min(source.glob("*.parquet")), columns=["url"]).column("url").to_pylist()[:rows]
    read = {"protego": _protego, "google": _google}[peer]
    parsed: dict[str, Judge] = {}
    begun = time.process_time()
    for url in urls:
        parts = urlsplit(url)
        origin = f"{parts.scheme}://{parts.netloc}"
        if origin not in bodies:
            continue
        rules = parsed.get(origin)
        if rules is None:
            rules = parsed[origin] = read(bodies[origin])
        all(rules(url, agent) for agent in agents)
    print(time.process_time() - begun)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]), int(sys.argv[4]), sys.argv[5:])
