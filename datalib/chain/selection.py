"""Which files of a library came from an input, and whether they are the upstream's.

    verbatim   the lines of the listing under the prefix, prefix removed, give the upstream's root
    subset     each of these lines occurs in the upstream's listing, which is shipped
    derived    declared only

Source: datalib trust specification §6, "Inputs".
"""

from typing import Self

from datalib.errors import Refused
from datalib.library import hashing, listing
from datalib.library.files import Files
from datalib.library.lookup import Lookup
from datalib.library.manifest import Content, Input, Manifest
from datalib.library.paths import from_bytes, to_bytes
from datalib.merkle import root

_HEAD = 66  # of a line: 64 hex digits and two spaces


class Selection:
    """The listing of the verified library, seen by the prefixes of its inputs. Use it in a ``with`` block."""

    def __init__(self, folder: Files, manifest: Manifest) -> None:
        self._folder = folder
        self._sha256 = manifest.bound.sha256
        self._lookup: Lookup | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._lookup is not None:
            self._lookup.close()

    def check(self, item: Input, upstream: Content) -> None:
        """Check that the files of an input are the upstream's.

        Raises ``Refused``: ``E-INPUT-CONTENT``, ``E-INPUT-LISTING``, codes of listings, ``E-INPUT-SUBSET``.
        """
        if item.mode == "verbatim" and item.prefix:
            if root(self._ours().under(item.prefix)).hex() != upstream.root:
                raise Refused("E-INPUT-CONTENT", item.prefix, f"not the files of {item.lib}")
        elif item.mode == "subset" and item.prefix:
            self._check_subset(item, item.prefix, upstream)

    def _ours(self) -> Lookup:
        if self._lookup is None:
            self._lookup = Lookup(self._folder, self._sha256)
        return self._lookup

    def _check_subset(self, item: Input, prefix: str, upstream: Content) -> None:
        name = f"upstream/{item.lib}/{listing.NAME}"
        found = hashing.hash_file(self._folder, name, missing="E-INPUT-LISTING").sha256
        if found != upstream.sha256:
            raise Refused("E-INPUT-LISTING", name, "not the listing of the state that was taken")
        listing.examine(self._folder, expected=upstream, name=name)
        lines = listing.lines(self._folder, sha256=upstream.sha256, name=name)
        theirs = (b"%b  %b" % (sha256.encode(), to_bytes(path)) for sha256, path in lines)
        candidate = next(theirs, None)
        for ours in self._ours().under(prefix):
            # Both are sorted by path.
            while candidate is not None and candidate[_HEAD:] < ours[_HEAD:]:
                candidate = next(theirs, None)
            if candidate != ours:
                raise Refused("E-INPUT-SUBSET", prefix + from_bytes(ours[_HEAD:]), f"not a file of {item.lib}")
