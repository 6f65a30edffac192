"""A file that hands out only bytes that were checked against a signed digest.

Check-then-read is a race, and columnar formats read at random. So the file is hashed once from start to end, each block
keeps a digest of its own, and every later read compares the blocks it takes from the disk before it gives them away.
Memory: 32 bytes per MiB of file. Source: datalib trust specification §10, "read data through the library's own open".
"""

import hashlib
import io
from typing import TYPE_CHECKING

from datalib.errors import Refused, Unchecked
from datalib.library.positioned import Positioned

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

BLOCK = 1 << 20


class VerifiedFile(Positioned):
    """A seekable, read-only file over a file that it owns.

    Raises ``Refused("E-READ-DIGEST")`` when the file is not, or no longer, what was signed.
    """

    def __init__(self, file: io.RawIOBase, *, name: str, sha256: str) -> None:
        super().__init__()
        self._file = file
        self._name = name
        self._held = -1
        self._block = b""
        try:
            self._digests, self._size = self._survey(sha256)
        except BaseException:  # the file is ours: no way out may leave it open
            self.close()
            raise

    @property
    def name(self) -> str:
        """The path inside the library."""
        return self._name

    def _survey(self, sha256: str) -> tuple[list[bytes], int]:
        whole, digests, size = hashlib.sha256(), list[bytes](), 0
        while block := self._pread(size):
            whole.update(block)
            digests.append(hashlib.sha256(block).digest())
            size += len(block)
            if len(block) < BLOCK:
                break
        if whole.hexdigest() != sha256:
            raise Refused("E-READ-DIGEST", self._name)
        return digests, size

    def _pread(self, offset: int) -> bytes:
        parts, missing = list[bytes](), BLOCK
        try:
            self._file.seek(offset)
            while missing and (part := self._file.read(missing)):
                parts.append(part)
                missing -= len(part)
        except OSError as error:
            raise Unchecked("E-IO", self._name, error.strerror or "") from error
        return b"".join(parts)

    def _load(self, index: int) -> bytes:
        if index != self._held:
            block = self._pread(index * BLOCK)
            if hashlib.sha256(block).digest() != self._digests[index]:
                raise Refused("E-READ-DIGEST", self._name)
            self._held, self._block = index, block
        return self._block

    def read(self, size: int = -1, /) -> bytes:
        """Read up to ``size`` bytes, all of them unless the file ends; to the end without a size."""
        end = self._size if size < 0 else min(self._size, self._position + size)
        parts = list[bytes]()
        while self._position < end:
            index, start = divmod(self._position, BLOCK)
            parts.append(self._load(index)[start : start + end - self._position])
            self._position += len(parts[-1])
        return b"".join(parts)

    def readinto(self, buffer: "WriteableBuffer", /) -> int:
        """Fill the buffer from one checked block; 0 at the end."""
        if self._position >= self._size:
            return 0
        index, start = divmod(self._position, BLOCK)
        target = memoryview(buffer).cast("B")
        part = memoryview(self._load(index))[start : start + len(target)]
        target[: len(part)] = part
        self._position += len(part)
        return len(part)

    def close(self) -> None:
        """Close the file."""
        if not self.closed:
            self._file.close()
        super().close()
