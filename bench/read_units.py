"""Read what works say of themselves, by one reader; a program of its own, so that its CPU time is its own.

python read_units.py pages|pages-selectolax TABLE        prints the CPU seconds of reading alone
python read_units.py media|media-c2pa FOLDER
"""

import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

_Reading = tuple[Sequence[Any], Callable[[Any], object]]  # works, and what reads one of them


def _pages(table: Path) -> list[bytes]:
    import pyarrow.parquet as pq

    return [text.encode() for text in pq.read_table(table, columns=["html"]).column(0).to_pylist()]


def _judge_pages(table: Path) -> _Reading:
    from datalib.optout import agents
    from datalib.optout.judge import judge_page
    from datalib.optout.statement import Evidence

    names, evidence = agents.default(), Evidence(locator="#html", sha256="0" * 64)
    return _pages(table), lambda html: judge_page(html, "datalib", names, evidence)


def _selectolax(table: Path) -> _Reading:
    """Build a page's tree and read the attributes of its meta elements; nothing is judged."""
    from selectolax.lexbor import LexborHTMLParser

    return _pages(table), lambda html: [node.attributes for node in LexborHTMLParser(html).css("meta")]


def _read_media(folder: Path) -> _Reading:
    from datalib.optout.unit import read_unit

    def read(path: Path) -> object:
        with path.open("rb") as stream:
            return read_unit(stream, path.stat().st_size, path.name)

    return sorted(folder.iterdir()), read


def _c2pa(folder: Path) -> _Reading:
    """Ask the C2PA library alone for the manifest store of a file."""
    import c2pa

    def read(path: Path) -> object:
        try:
            with c2pa.Reader(str(path)) as reader:
                return reader.json()
        except c2pa.C2paError:
            return None

    return sorted(folder.iterdir()), read


READERS = {"pages": _judge_pages, "pages-selectolax": _selectolax, "media": _read_media, "media-c2pa": _c2pa}


def main(reader: str, place: Path) -> None:
    works, read = READERS[reader](place)
    read(works[0])  # what is loaded once
    begun = time.process_time()
    for work in works:
        read(work)
    print(time.process_time() - begun)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
