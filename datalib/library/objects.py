"""A library in an S3-compatible object store, read where it is, through ``pyarrow.fs``.

The only module of the library that uses the network, and only for an address that the user has named. It never writes.
Objects have no links; what takes their place in a folder's rules is here: a name is looked at before it is asked for
(no empty segment, no ``.``, no ``..``), a listing that shows such names is refused, and an object must have the same
ETag, size and time before and after it was read. What was read is compared with its digest, as anywhere.

An object whose name ends in ``/`` stands for a folder, as consoles of stores make them; it is no file.
"""

import re
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import parse_qsl, unquote, urlsplit

from datalib.errors import Misuse, Refused, Unchecked
from datalib.library.files import UNSEEN, Entry, Seen, walk_names
from datalib.library.paths import readable, to_bytes
from datalib.library.positioned import Positioned

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

#: Objects that are read at once when a library is verified; each is a connection.
THREADS = 32
#: Bytes asked for at once, and how many such ranges of one object are asked for ahead.
PIECE, AHEAD = 1 << 20, 3
#: Seconds until a connection, and an answer, is given up; the client tries three times.
CONNECT, ANSWER = 10.0, 60.0

_BUCKET = re.compile(r"[a-z0-9][a-z0-9._-]{1,62}")
_ENDPOINT = re.compile(r"(?:[A-Za-z0-9._-]{1,253}|\[[0-9A-Fa-f:]{2,45}\])(?::[0-9]{1,5})?")
_REGION = re.compile(r"[a-z0-9-]{1,40}")
_OPTIONS = {
    "endpoint_override": _ENDPOINT,
    "region": _REGION,
    "scheme": re.compile("https?"),
    "anonymous": re.compile("true|false"),
}
_STEPS = frozenset({"", ".", ".."})
_SAID = 300  # characters of what the store's client says
_MARKS = ("ETag", "Content-Length", "Last-Modified")


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """A place in an object store: ``s3://bucket/prefix?endpoint_override=HOST:PORT&scheme=http&region=R&anonymous=true``.

    Credentials never stand in it: they come from the environment, as for every S3 client.
    """

    text: str
    root: str
    options: tuple[tuple[str, str], ...]

    @classmethod
    def parse(cls, text: str) -> "Address":
        """Read an address; ``Misuse("E-USAGE")`` for one that is none."""
        place, _, query = text.partition("?")
        try:
            parts = urlsplit(place)
            options = dict(parse_qsl(query, keep_blank_values=True, strict_parsing=True)) if query else {}
        except ValueError as error:
            raise Misuse("E-USAGE", "s3://", f"not an address: {error}") from None
        if "@" in parts.netloc:  # not repeated: it may hold a secret
            raise Misuse("E-USAGE", "s3://", "credentials belong in the environment: AWS_ACCESS_KEY_ID and its kind")
        segments = [unquote(segment) for segment in parts.path.strip("/").split("/")] if parts.path.strip("/") else []
        if not _BUCKET.fullmatch(parts.netloc) or parts.fragment or any(_is_step(segment) for segment in segments):
            raise Misuse("E-USAGE", text, "not s3://BUCKET/PREFIX")
        for name, value in options.items():
            if name not in _OPTIONS or not _OPTIONS[name].fullmatch(value):
                raise Misuse("E-USAGE", text, f"{name}={value} is none of {', '.join(_OPTIONS)}, or has no such value")
        return cls(text=text, root="/".join([parts.netloc, *segments]), options=tuple(sorted(options.items())))

    def connect(self) -> Any:
        """Give a file system of ``pyarrow.fs``; nothing is asked yet."""
        from pyarrow import fs

        options = dict(self.options)
        anonymous = options.pop("anonymous", "false") == "true"
        return fs.S3FileSystem(anonymous=anonymous, request_timeout=ANSWER, connect_timeout=CONNECT, **options)


class Objects:
    """The files of a library in an object store; `datalib.library.files.Files` says what each method means."""

    threads = THREADS

    def __init__(self, address: Address) -> None:
        self.path = address.text
        self._address = address
        self._store: Any = None
        self._pool: ThreadPoolExecutor | None = None

    def __enter__(self) -> Self:
        from pyarrow.fs import FileType

        with trouble(self.path):
            self._store = self._address.connect()
            found = self._store.get_file_info(self._address.root).type
        if found != FileType.Directory:
            raise Unchecked("E-IO", self.path, "not found" if found == FileType.NotFound else "not a folder")
        self._pool = ThreadPoolExecutor(THREADS * AHEAD, "datalib-range")
        return self

    def __exit__(self, *_: object) -> None:
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)

    def open(self, name: str, *, missing: str) -> "ObjectFile":
        """Open an object to be read anywhere."""
        return ObjectFile(self._source(name, missing), name, self._submit)

    def read(self, name: str, *, limit: int, missing: str, too_large: str) -> bytes:
        """Return the bytes of an object of at most ``limit`` bytes."""
        source = self._source(name, missing)
        with trouble(readable(name)):
            if source.size() > limit:
                raise Refused(too_large, readable(name), f"{source.size()} bytes, at most {limit} are allowed")
            data: bytes = source.read_at(source.size(), 0)
        if len(data) != source.size():
            raise Refused("E-FILE-CHANGED", readable(name), "changed while it was read")
        return data

    def exists(self, name: str) -> bool:
        """Tell whether there is an object of that name, or one below it."""
        from pyarrow.fs import FileType

        with trouble(readable(name)):
            return bool(self._store.get_file_info(self._key(name)).type != FileType.NotFound)

    def walk(self, below: str = "", *, leave_out: Callable[[str], bool] | None = None) -> Iterator[Entry]:
        """Yield every object, in byte order of the whole paths; one request for each folder and thousand names."""
        return walk_names(self._names, below, leave_out)

    def reader(self, missing: str) -> "ObjectReader":
        """Return what reads many objects, for one thread."""
        return ObjectReader(self._source, self._submit, missing)

    def _key(self, name: str) -> str:
        if any(_is_step(segment) for segment in name.split("/")):
            raise Refused("E-PATH-TRAVERSAL", readable(name))
        return f"{self._address.root}/{name}"

    def _source(self, name: str, missing: str) -> Any:
        key = self._key(name)
        try:
            return self._store.open_input_file(key)
        except FileNotFoundError:
            raise Refused(missing, readable(name)) from None
        except (OSError, ValueError) as error:
            raise _unchecked(readable(name), error) from error

    def _submit(self, source: Any, start: int, size: int) -> Future[bytes]:
        if self._pool is None:
            raise Unchecked("E-IO", self.path, "the store is not open")
        return self._pool.submit(source.read_at, size, start)

    def _names(self, folder: str) -> list[bytes]:
        """Return the sorted names in a folder, as `walk_names` wants them; what has no name below it is refused."""
        from pyarrow.fs import FileSelector, FileType

        base = f"{self._key(folder)}/" if folder else f"{self._address.root}/"
        try:
            found = self._store.get_file_info(FileSelector(base[:-1], allow_not_found=False))
        except FileNotFoundError:
            raise Refused("E-FILE-CHANGED", readable(folder) or self.path, "there is no such folder") from None
        except (OSError, ValueError) as error:
            raise _unchecked(readable(folder) or self.path, error) from error
        names = []
        for info in found:
            name = info.path.removeprefix(base) if info.path.startswith(base) else ""
            if _is_step(name) or "/" in name:
                raise Refused("E-PATH-TRAVERSAL", readable(info.path), "an object has a name that no file can have")
            names.append(to_bytes(name) + (b"/\0d" if info.type == FileType.Directory else b"\0f"))
        names.sort()
        return names


class ObjectReader:
    """Reads objects one after another."""

    def __init__(
        self, source: Callable[[str, str], Any], submit: "Callable[[Any, int, int], Future[bytes]]", missing: str
    ) -> None:
        self._source = source
        self._submit = submit
        self._missing = missing

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def look(self, _path: str) -> Seen:
        """Ask for nothing: the threads that read ask, many at once."""
        return UNSEEN

    def chunks(self, path: str, _seen: Seen, _buffer: bytearray) -> Iterator[bytes]:
        """Read an object by ranges; it must be the same before and after."""
        source = self._source(path, self._missing)
        with trouble(readable(path)):
            size, marks = source.size(), marks_of(source)
        done = 0
        try:
            for piece in _pieces(source, 0, size, self._submit):
                done += len(piece)
                yield piece
        except OSError as error:
            if self._is_same(path, marks):
                raise _unchecked(readable(path), error) from error
            done = -1
        if done != size or not self._is_same(path, marks):
            raise Refused("E-FILE-CHANGED", readable(path), "changed while it was read")

    def _is_same(self, path: str, marks: tuple[object, ...]) -> bool:
        after = self._source(path, "E-FILE-CHANGED")
        with trouble(readable(path)):
            return marks_of(after) == marks


class ObjectFile(Positioned):
    """One object, read anywhere; who reads on from where the last read ended is served by ranges asked for ahead."""

    def __init__(self, source: Any, name: str, submit: "Callable[[Any, int, int], Future[bytes]]") -> None:
        super().__init__()
        self._source = source
        self._submit = submit
        self._start = 0
        self._piece = b""
        self._rest: Iterator[bytes] | None = None
        self._name = self.where = readable(name)
        with trouble(self.where):
            self._size = source.size()

    @property
    def at_end(self) -> bool:
        """Whether everything was read."""
        return self._position >= self._size

    def readinto(self, buffer: "WriteableBuffer", /) -> int:
        """Fill the buffer, or less of it; 0 at the end. Raises OSError."""
        target = memoryview(buffer).cast("B")
        wanted = min(len(target), self._size - self._position)
        if wanted <= 0:
            return 0
        end = self._start + len(self._piece)
        if self._position == end:
            self._rest = self._rest or _pieces(self._source, end, self._size, self._submit)
            self._start, self._piece = end, next(self._rest, b"")
        elif not self._start <= self._position < end:
            self._start, self._piece, self._rest = self._position, self._source.read_at(wanted, self._position), None
        offset = self._position - self._start
        part = memoryview(self._piece)[offset : offset + wanted]
        target[: len(part)] = part
        self._position += len(part)
        return len(part)


def _pieces(source: Any, start: int, end: int, submit: "Callable[[Any, int, int], Future[bytes]]") -> Iterator[bytes]:
    """Yield the bytes between two places by ranges, some of them asked for ahead; a short one is the last."""
    if end - start <= PIECE:
        yield source.read_at(end - start, start)
        return
    starts = iter(range(start, end, PIECE))
    ahead: deque[tuple[int, Future[bytes]]] = deque()
    try:
        while True:
            while len(ahead) <= AHEAD and (at := next(starts, None)) is not None:
                size = min(PIECE, end - at)
                ahead.append((size, submit(source, at, size)))
            if not ahead:
                return
            size, future = ahead.popleft()
            piece = future.result()
            yield piece
            if len(piece) != size:
                return
    finally:
        for _, future in ahead:
            future.cancel()


def marks_of(source: Any) -> tuple[object, ...]:
    """Give what tells one state of an object from another."""
    metadata = source.metadata()
    return tuple(metadata.get(mark) for mark in _MARKS)


def _is_step(segment: str) -> bool:
    return segment in _STEPS


@contextmanager
def trouble(where: str) -> Iterator[None]:
    """Turn what the store's client raises in the block into Unchecked ``E-IO``."""
    try:
        yield
    except (OSError, ValueError) as error:
        raise _unchecked(where, error) from error


def _unchecked(where: str, error: Exception) -> Unchecked:
    """Say in one line what the store's client says."""
    return Unchecked("E-IO", where, " ".join(str(error).split())[:_SAID])
