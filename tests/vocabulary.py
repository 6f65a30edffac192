"""Make the vocabulary's RDF files of the data that they hold.

python -m tests.vocabulary            compare; exit 1 where a file is not what the data says
python -m tests.vocabulary --write    write the files
"""

import json
import sys
from collections.abc import Mapping
from pathlib import Path

from datalib.interop import vocabulary
from datalib.interop.triples import write_turtle

FOLDER = Path(__file__).parent.parent / "vocab" / "datalib_vocab"
HEAD = b"# Made by `python -m tests.vocabulary --write` of %s: change that instead.\n"


def files() -> Mapping[str, bytes]:
    """Give the files and their content."""
    context = json.dumps(vocabulary.context(), ensure_ascii=False, indent=2) + "\n"
    return {
        "datalib.ttl": HEAD % b"terms.json" + b"".join(write_turtle(vocabulary.ontology())),
        "codes.ttl": HEAD % b"codelists.json, purposes.json and methods.json"
        + b"".join(write_turtle(vocabulary.codes())),
        "context.jsonld": context.encode(),
    }


def _holds(path: Path, data: bytes) -> bool:
    return path.is_file() and path.read_bytes() == data


def main(arguments: list[str]) -> int:
    """Compare or write."""
    different = [called for called, data in files().items() if not _holds(FOLDER / called, data)]
    if "--write" in arguments:
        for called, data in files().items():
            (FOLDER / called).write_bytes(data)
        return 0
    sys.stdout.write("".join(f"{called} is not what the data says\n" for called in different))
    return int(bool(different))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
