"""Undo the content coding of a body while it arrives, within a bound: a small body may unpack to a huge one."""

import zlib
from collections.abc import Sequence

_UNCODED = frozenset({"", "identity", "none", "utf-8"})  # the last two are seen in the wild and mean nothing


class NoAnswer(Exception):
    """What a site sent is no answer; ``word`` is a key of ``answers.FAILURES``."""

    def __init__(self, word: str) -> None:
        super().__init__(word)
        self.word = word


class Unpacker:
    """Undo the content coding of one body piece by piece, never producing more than asked for."""

    def __init__(self, codings: Sequence[str]) -> None:
        coding = ", ".join(codings).strip().lower()
        if coding not in _UNCODED | {"gzip", "x-gzip", "deflate"}:
            raise NoAnswer("protocol")
        self._deflate = coding == "deflate"
        self._plain = coding in _UNCODED
        self._inflater: zlib._Decompress | None = None

    def __call__(self, chunk: bytes, room: int) -> bytes:
        """Give at most ``room`` bytes; the caller stops when they are used up."""
        if self._plain or not chunk:
            return chunk
        out = bytearray()
        try:
            while chunk and len(out) < room:
                if self._inflater is None or self._inflater.eof:
                    self._inflater = zlib.decompressobj(self._window(chunk[0]))
                out += self._inflater.decompress(chunk, room - len(out))
                chunk = self._inflater.unused_data
        except zlib.error:
            raise NoAnswer("protocol") from None
        return bytes(out)

    def finish(self) -> None:
        """Raise when the packed data has no end."""
        if self._inflater is not None and not self._inflater.eof:
            raise NoAnswer("truncated")

    def _window(self, first: int) -> int:
        """Choose the format: gzip; or, for "deflate", zlib as the RFC says or bare data as some servers send."""
        if not self._deflate:
            return 16 + zlib.MAX_WBITS
        return zlib.MAX_WBITS if first & 0x0F == zlib.DEFLATED else -zlib.MAX_WBITS
