"""Open a library to read, wherever it lies."""

import os

from datalib.library.files import Files
from datalib.library.store import Folder

#: How addresses of object stores begin.
STORE = "s3://"


def files_of(library: str | os.PathLike[str]) -> Files:
    """Give the files of a library in a folder, or at an address that begins with ``s3://``.

    Nothing is reached for before the ``with`` block. Raises ``Misuse("E-USAGE")`` for an address that is none.
    """
    if is_address(library):
        from datalib.library.objects import Address, Objects

        return Objects(Address.parse(str(library)))
    return Folder(library)


def is_address(library: str | os.PathLike[str]) -> bool:
    """Tell whether this names a place in an object store."""
    return isinstance(library, str) and library.startswith(STORE)
