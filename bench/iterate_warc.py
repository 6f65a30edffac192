"""What a scan of a web archive is compared with: FastWARC over all records, HTTP headers parsed, bodies not touched.

python iterate_warc.py FILE
"""

import sys
from pathlib import Path

from fastwarc.warc import ArchiveIterator

if __name__ == "__main__":
    with Path(sys.argv[1]).open("rb") as file:
        count = sum(1 for _ in ArchiveIterator(file, parse_http=True))
    print(count)
