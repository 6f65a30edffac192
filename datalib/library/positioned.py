"""A file of known size that is read at a position: what ``io`` asks of such a file, whoever gives the bytes."""

import io
import os


class Positioned(io.RawIOBase):
    """A read-only file with a position, counted like ``io.IOBase``. ``_size`` is in bytes; ``readinto`` is the heir's.

    ``seek`` raises OSError before the start.
    """

    _name: str
    _size: int

    def __init__(self) -> None:
        super().__init__()
        self._position = 0

    def readable(self) -> bool:
        """Tell that reading works."""
        return True

    def seekable(self) -> bool:
        """Tell that seeking works."""
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        """Move to a position."""
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self._size}[whence]
        if base + offset < 0:
            raise OSError(22, "seek before the start", self._name)
        self._position = base + offset
        return self._position

    def tell(self) -> int:
        """Give the position in bytes."""
        return self._position

    def size(self) -> int:
        """Give the size in bytes (pyarrow asks for it)."""
        return self._size
