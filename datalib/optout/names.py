"""The addresses of host names, asked for once and checked before any connection is made."""

import asyncio
import socket
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from aiohttp.abc import AbstractResolver, ResolveResult

from datalib.optout.addresses import is_public

_NO_SUCH_NAME = frozenset({socket.EAI_NONAME, socket.EAI_NODATA})

Addresses = Sequence[tuple[socket.AddressFamily, str]]
LookUp = Callable[[str], Addresses]


def system_addresses(name: str) -> Addresses:
    """Ask the system for the addresses of a name. Blocks; raises OSError."""
    try:
        found = socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)
    except UnicodeError as error:  # a label of more than 63 characters
        raise socket.gaierror(socket.EAI_NONAME, str(error)) from error
    return [(family, str(address[0])) for family, _, _, _, address in found]


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """How names are resolved. ``fixed`` names have the address given: the caller vouches for it, be it private."""

    threads: ThreadPoolExecutor
    allow_private: bool
    fixed: Mapping[str, str] = field(default_factory=dict)
    look_up: LookUp = system_addresses


class PrivateAddressError(OSError):
    """The name leads to an address outside the public Internet."""


class Resolver(AbstractResolver):
    """Names to addresses: each name once, refused as a whole if one of its addresses is not public."""

    def __init__(self, names: Names) -> None:
        self._names = names
        self._known: dict[str, Addresses | OSError] = {}
        #: Whether the last name that had no address is known to have none; asking again would be in vain.
        self.certain = False

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """Give the addresses of a host. Raises OSError: there is none, or one that must not be asked."""
        del family  # both families are asked for, as the connector wishes
        known = self._known.get(host)
        if known is None:
            known = self._known[host] = await self._look_up(host)
        if isinstance(known, OSError):
            raise known
        return [
            ResolveResult(hostname=host, host=address, port=port, family=kind, proto=0, flags=socket.AI_NUMERICHOST)
            for kind, address in known
        ]

    async def close(self) -> None:
        """Forget all names."""
        self._known.clear()

    def forget_failures(self) -> None:
        """Let failed names be asked for again. Addresses stay: they were checked."""
        self._known = {name: found for name, found in self._known.items() if not isinstance(found, OSError)}

    async def _look_up(self, host: str) -> Addresses | OSError:
        names = self._names
        try:
            if host in names.fixed:
                return system_addresses(names.fixed[host])
            found = await asyncio.get_running_loop().run_in_executor(names.threads, names.look_up, host)
        except OSError as error:
            self.certain = error.errno in _NO_SUCH_NAME
            return error
        if names.allow_private or all(is_public(address) for _, address in found):
            return found
        return PrivateAddressError(host)
