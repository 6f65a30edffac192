"""Archives as they come: what is read, and what is refused."""

import gzip
import io
import os
import stat
import struct
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from datalib.archive import unpack
from datalib.archive.entries import check_name
from datalib.archive.reading import Archive
from datalib.errors import Refused
from tests.archives import FILES, content, names, refusal, tar, zipped


@pytest.mark.parametrize("form", [tarfile.PAX_FORMAT, tarfile.GNU_FORMAT, tarfile.USTAR_FORMAT])
@pytest.mark.parametrize("mode", ["w", "w:gz"])
def test_tar_archives_of_every_form_are_read(tmp_path: Path, form: int, mode: str) -> None:
    long = {"/".join(["folder" * 10] * 3) + "/f.txt": b"deep"}
    files = FILES | long if form != tarfile.USTAR_FORMAT else FILES | {"a" * 90 + "/" + "b" * 90: b"prefix"}
    made = tar(tmp_path / "made", files, form=form, mode=mode)
    assert content(made) == files
    assert names(made) == list(files)


def test_very_long_names_come_from_gnu_tar_too(tmp_path: Path) -> None:
    files = {"/".join(["s" * 120] * 8): b"deep"}
    assert content(tar(tmp_path / "made", files, form=tarfile.GNU_FORMAT)) == files
    assert content(tar(tmp_path / "made", files)) == files


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_zip_archives_are_read(tmp_path: Path, method: int) -> None:
    made = zipped(tmp_path / "made", FILES, method)
    assert content(made) == FILES
    assert names(made) == list(FILES)


def test_zip_archives_written_without_seeking_are_read(tmp_path: Path) -> None:
    class Pipe(io.BytesIO):
        def seekable(self) -> bool:
            return False

        def tell(self) -> int:
            raise OSError

    pipe = Pipe()
    with zipfile.ZipFile(pipe, "w", zipfile.ZIP_DEFLATED) as made:
        for name, data in FILES.items():
            made.writestr(name, data)
    (tmp_path / "made").write_bytes(pipe.getvalue())
    assert content(tmp_path / "made") == FILES


def test_large_zip_archives_are_read(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "made", "w") as made:
        with made.open(zipfile.ZipInfo("big"), "w", force_zip64=True) as file:
            file.write(b"1" * 10)
        for number in range(66_000):
            made.writestr(f"{number}", b"")
    found = names(tmp_path / "made")
    assert (len(found), found[-1]) == (66_001, "65999")


def test_the_system_programs_are_understood(tmp_path: Path) -> None:
    import subprocess

    folder = tmp_path / "lib"
    (folder / "data").mkdir(parents=True)
    (folder / "data" / "a.txt").write_bytes(b"alpha\n")
    (folder / "chain.jsonl").write_bytes(b"line\n")
    subprocess.run(["tar", "-C", str(folder), "-czf", str(tmp_path / "dot.tgz"), "."], check=True)  # noqa: S607 - the tar on the path is the one meant
    subprocess.run(["tar", "-C", str(tmp_path), "-cf", str(tmp_path / "top.tar"), "lib"], check=True)  # noqa: S607 - likewise
    for made, base in (("dot.tgz", ""), ("top.tar", "lib/")):
        with Archive(tmp_path / made) as archive:
            found = unpack.survey(archive)
        assert (found.base, found.kept) == (base, {"chain.jsonl": b"line\n"})


@pytest.mark.parametrize(
    "name",
    [
        *("/etc/passwd", "../up", "a/../../up", "..", "C:/windows", "c:x", "a\\b", "\\\\host\\share", "a//b", "a/./b"),
        *("a\nb", "n" * 256, "/".join(["n" * 200] * 7)),
    ],
)
def test_names_that_leave_the_folder_are_refused(tmp_path: Path, name: str) -> None:
    assert refusal(tar(tmp_path / "t", {name: b""}), names) == "E-ARCHIVE-PATH"
    assert refusal(zipped(tmp_path / "z", {name: b""}), names) == "E-ARCHIVE-PATH"


@pytest.mark.parametrize("raw", [b"", b"/", b"\xff", b"a\0b"])
def test_names_that_are_none_are_refused(raw: bytes) -> None:
    with pytest.raises(Refused, match="E-ARCHIVE-PATH"):
        check_name(raw)


@pytest.mark.parametrize(
    ("raw", "path"),
    [(b"./", ""), (b".", ""), (b"././", ""), (b"./a/", "a"), (b"././a", "a"), (b"a/b", "a/b"), (b"...", "...")],
)
def test_a_leading_dot_is_dropped(raw: bytes, path: str) -> None:
    assert check_name(raw) == path


def test_a_file_needs_a_name(tmp_path: Path) -> None:
    assert refusal(tar(tmp_path / "t", {"./.": b""})) == "E-ARCHIVE-PATH"
    assert refusal(zipped(tmp_path / "z", {"./.": b""})) == "E-ARCHIVE-PATH"


KINDS = [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE]


@pytest.mark.parametrize("kind", KINDS)
def test_links_and_devices_in_tar_are_refused(tmp_path: Path, kind: bytes) -> None:
    with tarfile.open(tmp_path / "t", "w") as made:
        member = tarfile.TarInfo("link")
        member.type, member.linkname = kind, "/etc/passwd"
        made.addfile(member)
    assert refusal(tmp_path / "t", names) == "E-ARCHIVE-LINK"


@pytest.mark.parametrize(
    ("folder", "mode", "good"),
    [(False, 0o4755, False), (False, 0o2755, False), (True, 0o2755, True), (True, 0o4755, False), (True, 0o1777, True)],
)
def test_files_that_run_as_somebody_else_are_refused(tmp_path: Path, folder: bool, mode: int, good: bool) -> None:
    with tarfile.open(tmp_path / "t", "w") as made:
        member = tarfile.TarInfo("x")
        member.type, member.mode = tarfile.DIRTYPE if folder else tarfile.REGTYPE, mode
        made.addfile(member)
    if good:
        assert names(tmp_path / "t") == ["x"]
    else:
        assert refusal(tmp_path / "t", names) == "E-ARCHIVE-LINK"


@pytest.mark.parametrize("mode", [stat.S_IFLNK | 0o777, stat.S_IFIFO | 0o644, stat.S_IFREG | 0o4755])
def test_links_and_devices_in_zip_are_refused(tmp_path: Path, mode: int) -> None:
    with zipfile.ZipFile(tmp_path / "z", "w") as made:
        member = zipfile.ZipInfo("link")
        member.external_attr = mode << 16
        made.writestr(member, "/etc/passwd")
    assert refusal(tmp_path / "z", names) == "E-ARCHIVE-LINK"


def member(name: bytes = b"f", size: bytes = b"00000000000", kind: bytes = b"0", **fields: bytes) -> bytes:
    """Write one tar header by hand."""
    header = bytearray(512)
    places = {"name": 0, "mode": 100, "size": 124, "kind": 156, "magic": 257, "prefix": 345}
    values = {"name": name, "mode": b"0000644", "size": size, "kind": kind, "magic": b"ustar\0" + b"00"}
    for field, value in (values | fields).items():
        header[places[field] : places[field] + len(value)] = value
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    return bytes(header)


def pax(*records: bytes, kind: bytes = b"x") -> bytes:
    data = b"".join(records)
    return member(size=b"%011o" % len(data), kind=kind) + data + bytes(-len(data) % 512)


def record(name: bytes, value: bytes) -> bytes:
    length = len(name) + len(value) + 4
    assert length < 98
    return b"%d %b=%b\n" % (length + (length > 8), name, value) if length > 8 else b"%d %b=%b\n" % (length, name, value)


BAD_TARS = {
    "noise": b"x" * 512,
    "short": member()[:300],
    "sum": member()[:-1] + b"x",
    "number": member(size=b"0000000009x"),
    "inner blank": member(size=b"0000000 001"),
    "negative": member(size=b"\xff" * 12),
    "huge": member(size=b"\x80" + b"\x7f" * 11),
    "kind": member(kind=b"S"),
    "volume": member(kind=b"V"),
    "full folder": member(b"d/", size=b"00000000001", kind=b"5") + bytes(512),
    "file cut off": member(size=b"00000001000") + bytes(100),
    "extension cut off": member(size=b"00000001000", kind=b"x") + bytes(100),
    "large extension": member(size=b"00100000000", kind=b"x") + bytes(512),
    "many extensions": pax(record(b"comment", b"x")) * 9 + member(),
    "sparse": pax(record(b"GNU.sparse.major", b"1")) + member(),
    "record": pax(b"99 path=x\n") + member(),
    "record without end": pax(b"9 path=xx") + member(),
    "record without name": pax(b"5 ab\n") + member(),
    "record without length": pax(b"path=x\n") + member(),
    "size of another form": pax(record(b"size", b"-1")) + member(),
    "size beyond all bounds": pax(record(b"size", b"9" * 30)) + member(),
    "a name for all": pax(record(b"path", b"x"), kind=b"g") + member(),
}


@pytest.mark.parametrize("case", BAD_TARS)
@pytest.mark.parametrize("packed", [False, True])
def test_tar_archives_that_are_none_are_refused(tmp_path: Path, case: str, packed: bool) -> None:
    data = BAD_TARS[case]
    (tmp_path / "t").write_bytes(gzip.compress(data) if packed else data)
    assert refusal(tmp_path / "t") == "E-ARCHIVE-FORMAT"
    if case == "file cut off":
        assert refusal(tmp_path / "t", names) == "E-ARCHIVE-FORMAT"


def test_extension_headers_say_name_and_size(tmp_path: Path) -> None:
    data = (
        pax(record(b"comment", b"a commit"), kind=b"g")
        + member(b"././@LongLink", size=b"00000000010", kind=b"K") + b"target\0\0".ljust(512, b"\0")
        + pax(record(b"path", b"real"), record(b"size", b"3"))
        + member(b"short", size=b"00000000000") + b"abc".ljust(512, b"\0")
        + member(b"large", size=b"\x80" + (5).to_bytes(11, "big")) + b"12345".ljust(512, b"\0")
        + member(b"old/", kind=b"\0", magic=b"\0" * 8)
    )  # fmt: skip
    (tmp_path / "t").write_bytes(data)
    assert content(tmp_path / "t") == {"real": b"abc", "large": b"12345"}
    assert names(tmp_path / "t") == ["real", "large", "old"]


def test_an_archive_may_end_without_its_end_mark(tmp_path: Path) -> None:
    (tmp_path / "t").write_bytes(member())
    assert names(tmp_path / "t") == ["f"]
    (tmp_path / "t").write_bytes(b"")
    assert names(tmp_path / "t") == []


@pytest.mark.parametrize("change", [lambda data: data[:900], lambda data: data[:40] + b"\xff" * 9 + data[49:]])
def test_damaged_gzip_is_refused(tmp_path: Path, change: Callable[[bytes], bytes]) -> None:
    path = tar(tmp_path / "t", {"a": os.urandom(2000)}, mode="w:gz")
    path.write_bytes(change(path.read_bytes()))
    assert refusal(path) == "E-ARCHIVE-FORMAT"


def broken(path: Path, change: Callable[[bytearray], None]) -> Path:
    data = bytearray(zipped(path, {"aaa": b"a" * 1000, "bbb": b"b" * 1000}).read_bytes())
    change(data)
    path.write_bytes(data)
    return path


def put(mark: bytes, offset: int, value: bytes, which: int = 0) -> Callable[[bytearray], None]:
    """Change a field of the n-th record that begins with a mark."""

    def change(data: bytearray) -> None:
        at = -1
        for _ in range(which + 1):
            at = data.index(mark, at + 1)
        data[at + offset : at + offset + len(value)] = value

    return change


def both(*places: tuple[bytes, int], value: bytes) -> Callable[[bytearray], None]:
    """Change a field of the first file in both of its records."""

    def change(data: bytearray) -> None:
        for mark, offset in places:
            put(mark, offset, value)(data)

    return change


CENTRAL, LOCAL, END = b"PK\1\2", b"PK\3\4", b"PK\5\6"
BAD_ZIPS = {
    "encrypted": (put(CENTRAL, 8, b"\1\0"), "E-ARCHIVE-FORMAT"),
    "method": (put(CENTRAL, 10, b"\x0c\0"), "E-ARCHIVE-FORMAT"),
    "second volume": (put(CENTRAL, 34, b"\1\0"), "E-ARCHIVE-FORMAT"),
    "stored with two sizes": (put(CENTRAL, 10, b"\0\0"), "E-ARCHIVE-FORMAT"),
    "other name before the data": (put(LOCAL, 30, b"x"), "E-ARCHIVE-FORMAT"),
    "other size before the data": (put(LOCAL, 22, b"\1"), "E-ARCHIVE-FORMAT"),
    "no header before the data": (put(LOCAL, 0, b"PK\7\7"), "E-ARCHIVE-FORMAT"),
    "no entry in the directory": (put(CENTRAL, 0, b"PK\7\7"), "E-ARCHIVE-FORMAT"),
    "check sum": (both((CENTRAL, 16), (LOCAL, 14), value=b"0000"), "E-ARCHIVE-FORMAT"),
    "more than said": (both((CENTRAL, 24), (LOCAL, 22), value=b"\1\0"), "E-ARCHIVE-BOMB"),
    "less than said": (both((CENTRAL, 24), (LOCAL, 22), value=b"\xff\xff"), "E-ARCHIVE-FORMAT"),
    "shared data": (put(CENTRAL, 42, b"\0\0\0\0", 1), "E-ARCHIVE-BOMB"),
    "far away": (put(CENTRAL, 42, b"\0\0\0\x10"), "E-ARCHIVE-FORMAT"),
    "data beyond the end": (put(CENTRAL, 20, b"\xff\xff", 1), "E-ARCHIVE-FORMAT"),
    "inside the data": (put(b"PK\3\4", 40, b"\xff" * 5), "E-ARCHIVE-FORMAT"),
    "fewer entries": (put(END, 8, b"\3\0\3\0"), "E-ARCHIVE-FORMAT"),
    "more entries": (put(END, 8, b"\1\0\1\0"), "E-ARCHIVE-FORMAT"),
    "volumes": (put(END, 4, b"\1\0"), "E-ARCHIVE-FORMAT"),
    "something before": (lambda data: data.__setitem__(slice(0, 0), b"PK\3\4" + bytes(60)), "E-ARCHIVE-FORMAT"),
    "no end": (lambda data: data.__delitem__(slice(-22, None)), "E-ARCHIVE-FORMAT"),
    "only a start": (lambda data: data.__delitem__(slice(10, None)), "E-ARCHIVE-FORMAT"),
    "something behind": (lambda data: data.extend(b"x"), "E-ARCHIVE-FORMAT"),
    "large without a size": (put(CENTRAL, 24, b"\xff\xff\xff\xff"), "E-ARCHIVE-FORMAT"),
    "long name": (put(CENTRAL, 28, b"\xff\xff", 1), "E-ARCHIVE-FORMAT"),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD_ZIPS)
def test_zip_archives_that_lie_are_refused(tmp_path: Path, case: str) -> None:
    change, code = BAD_ZIPS[case]
    assert refusal(broken(tmp_path / "z", change)) == code


def test_data_behind_deflated_data_is_refused(tmp_path: Path) -> None:
    def change(data: bytearray) -> None:
        # The first file takes over the header of the second one.
        size = data.index(LOCAL, 4) - 33 + 33
        for mark, offset in ((LOCAL, 18), (CENTRAL, 20)):
            put(mark, offset, struct.pack("<L", size))(data)

    with pytest.raises(Refused):
        content(broken(tmp_path / "z", change))


def test_a_comment_may_look_like_an_end(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "z", "w") as made:
        made.writestr("a", b"1")
        made.comment = b"PK\5\6" + b"x" * 30
    assert content(tmp_path / "z") == {"a": b"1"}


def end64(count: int, size: int, start: int, **changes: int) -> bytes:
    fields = {"length": 44, "disk": 0, "position": start + size, "short": 0xFFFF} | changes
    last = struct.pack("<4sQ2H2L4Q", b"PK\6\6", fields["length"], 45, 45, fields["disk"], 0, count, count, size, start)
    locator = struct.pack("<4sLQL", b"PK\6\7", 0, fields["position"], 1)
    short = fields["short"]
    return last + locator + struct.pack("<4s4H2LH", END, 0, 0, short, short, 0xFFFFFFFF, 0xFFFFFFFF, 0)


@pytest.mark.parametrize("changes", [{"length": 40}, {"disk": 1}, {"position": 1 << 40}, {"position": 3}, {"short": 7}])
def test_large_zip_archives_that_contradict_themselves_are_refused(tmp_path: Path, changes: dict[str, int]) -> None:
    data = zipped(tmp_path / "z", {"a": b"1", "b": b"2"}).read_bytes()
    at, end = data.index(CENTRAL), data.index(END)
    (tmp_path / "z").write_bytes(data[:end] + end64(2, end - at, at))
    assert content(tmp_path / "z") == {"a": b"1", "b": b"2"}
    (tmp_path / "z").write_bytes(data[:end] + end64(2, end - at, at, **changes))
    assert refusal(tmp_path / "z") == "E-ARCHIVE-FORMAT"


def test_folders_in_zip_are_folders_by_name_and_mode(tmp_path: Path) -> None:
    def made(name: str, mode: int, data: bytes = b"") -> Path:
        with zipfile.ZipFile(tmp_path / "z", "w") as archive:
            info = zipfile.ZipInfo(name)
            info.external_attr = mode << 16
            archive.writestr(info, data)
        return tmp_path / "z"

    assert names(made("d/", stat.S_IFDIR | 0o755)) == ["d"]
    assert names(made("d/", 0)) == ["d"]
    assert refusal(made("d", stat.S_IFDIR | 0o755)) == "E-ARCHIVE-FORMAT"
    assert refusal(made("d/", stat.S_IFREG | 0o755)) == "E-ARCHIVE-FORMAT"
    assert refusal(made("d/", 0, b"x")) == "E-ARCHIVE-FORMAT"
