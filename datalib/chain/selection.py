"""Which files of a library came from an input, and whether they are the upstream's.

    verbatim   the lines of the listing under the prefix, prefix removed, give the upstream's root
    subset     each of these lines occurs in the upstream's listing, which is shipped
    derived    declared only

Source: datalib trust specification §6, "Inputs".
"""

from collections.abc import Iterator

from datalib.errors import Refused
from datalib.library import hashing, listing
from datalib.library.listing import Line
from datalib.library.manifest import Content, Input, Manifest
from datalib.library.paths import to_bytes
from datalib.library.store import Folder
from datalib.merkle import RootBuilder


class Selection:
    """The listing of the verified library, seen by the prefixes of its inputs."""

    def __init__(self, folder: Folder, manifest: Manifest) -> None:
        self._folder = folder
        self._sha256 = manifest.bound.sha256
        self._prefixes = {item.prefix for item in manifest.inputs if item.mode == "verbatim" and item.prefix}
        self._roots: dict[str, str] | None = None

    def check(self, item: Input, upstream: Content) -> None:
        """Check that the files of an input are the upstream's.

        Raises ``Refused``: ``E-INPUT-CONTENT``, ``E-INPUT-LISTING``, codes of listings, ``E-INPUT-SUBSET``.
        """
        if item.mode == "verbatim" and item.prefix:
            if self._verbatim_roots()[item.prefix] != upstream.root:
                raise Refused("E-INPUT-CONTENT", item.prefix, f"not the files of {item.lib}")
        elif item.mode == "subset" and item.prefix:
            self._check_subset(item, item.prefix, upstream)

    def _verbatim_roots(self) -> dict[str, str]:
        """Compute the roots under all prefixes in one reading of the listing."""
        if self._roots is None:
            builders = {prefix: RootBuilder() for prefix in self._prefixes}
            for sha256, path in listing.lines(self._folder, sha256=self._sha256):
                for prefix in _folders(path):
                    if builder := builders.get(prefix):
                        builder.add(_line(sha256, path, prefix))
            self._roots = {prefix: builder.root().hex() for prefix, builder in builders.items()}
        return self._roots

    def _check_subset(self, item: Input, prefix: str, upstream: Content) -> None:
        name = f"upstream/{item.lib}/{listing.NAME}"
        found = hashing.hash_file(self._folder, name, missing="E-INPUT-LISTING").sha256
        if found != upstream.sha256:
            raise Refused("E-INPUT-LISTING", name, "not the listing of the state that was taken")
        listing.examine(self._folder, expected=upstream, name=name)
        theirs = (_line(*line, "") for line in listing.lines(self._folder, sha256=upstream.sha256, name=name))
        candidate = next(theirs, None)
        for line in self._under(prefix):
            ours, path = _line(*line, prefix), to_bytes(line.path[len(prefix) :])
            # Both are sorted by path; a path stands after the digest of 64 characters and two spaces.
            while candidate is not None and candidate[66:] < path:
                candidate = next(theirs, None)
            if candidate != ours:
                raise Refused("E-INPUT-SUBSET", line.path, f"not a file of {item.lib}")

    def _under(self, prefix: str) -> Iterator[Line]:
        return (line for line in listing.lines(self._folder, sha256=self._sha256) if line.path.startswith(prefix))


def _folders(path: str) -> Iterator[str]:
    end = path.find("/")
    while end >= 0:
        yield path[: end + 1]
        end = path.find("/", end + 1)


def _line(sha256: str, path: str, prefix: str) -> bytes:
    return b"%b  %b" % (sha256.encode(), to_bytes(path[len(prefix) :]))
