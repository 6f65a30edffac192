"""Reading of what a finished scan left: only files that are what ``scan.json`` says."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from datalib.errors import Refused, Unchecked
from datalib.optout.outputs import sha256_of
from datalib.optout.result import ScanFile, ScanResult

_BATCH: Final = 1 << 17


def decisions(out: Path, result: ScanResult, columns: Sequence[str]) -> Iterator[Any]:
    """Give columns of all decisions, some rows at a time. Raises Refused (E-SCAN-FORMAT), Unchecked (E-IO)."""
    for file in result.decisions:
        check(out, file)
        with opened(out, file) as table:
            yield from table.iter_batches(_BATCH, columns=list(columns))


def having(batch: Any, wanted: Mapping[str, Iterable[str]]) -> Any:
    """Give the decisions of a batch that have one of some codes in each of these columns."""
    import pyarrow as pa
    import pyarrow.compute as pc

    for name, codes in wanted.items():
        said = batch.column(name).cast(pa.string())
        batch = batch.filter(pc.is_in(said, pa.array(sorted(codes), pa.string())))
    return batch


@contextmanager
def opened(out: Path, file: ScanFile) -> Iterator[Any]:
    """Open a file of decisions, whatever its digest. Raises Refused (E-SCAN-FORMAT), Unchecked (E-IO)."""
    import pyarrow.parquet as pq

    from datalib.optout.decisions import SCHEMA

    path = out / file.path
    with reading(path), pq.ParquetFile(path) as table:
        if not table.schema_arrow.equals(SCHEMA):
            raise Refused("E-SCAN-FORMAT", str(path), "has other columns than decisions")
        yield table


def check(out: Path, file: ScanFile) -> None:
    """Make sure that a file is what ``scan.json`` says. Raises Refused (E-SCAN-FORMAT), Unchecked (E-IO)."""
    path = out / file.path
    if (path.exists() and not path.is_file()) or sha256_of(path) != file.sha256:
        raise Refused("E-SCAN-FORMAT", str(path), "is not what scan.json says")


def checked(out: Path, result: ScanResult, name: str) -> Path:
    """Find a file of the result by its name and check it, as above."""
    file = next((file for file in result.outputs if file.path == name), None)
    if file is None:
        raise Refused("E-SCAN-FORMAT", str(out / name), "is not what scan.json says")
    check(out, file)
    return out / name


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Turn what readers of damaged results raise into this library's errors."""
    from pyarrow import ArrowException

    try:
        yield
    except (OSError, ArrowException, KeyError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise Unchecked("E-IO", str(path), error.strerror or str(error)) from error
        raise Refused("E-SCAN-FORMAT", str(path), str(error).partition("\n")[0]) from error
