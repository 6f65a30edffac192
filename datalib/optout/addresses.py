"""Which network addresses belong to the public Internet: a fetch goes nowhere else unless told to.

Without this, a table of URLs (or a redirect) could make the fetching machine ask its own services or those of its
network. The registries behind it: RFC 6890 and its updates, as kept by the standard library.
"""

from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address

#: RFC 6052: an IPv4 address behind a translator stands in the last 32 bits.
_NAT64 = IPv6Network("64:ff9b::/96")


def is_public(address: str) -> bool:
    """Say whether a textual IP address, zone or not, is globally reachable unicast; what is no address is not."""
    try:
        parsed = ip_address(address.partition("%")[0])
    except ValueError:
        return False
    return all(one.is_global and not one.is_multicast and not one.is_reserved for one in _behind(parsed))


def _behind(address: IPv4Address | IPv6Address) -> tuple[IPv4Address | IPv6Address, ...]:
    """Give the addresses that a packet to this address may reach: tunnels carry an IPv4 address inside."""
    if isinstance(address, IPv4Address):
        return (address,)
    if address.ipv4_mapped is not None:
        return (address.ipv4_mapped,)
    if address in _NAT64:
        return (IPv4Address(int(address) & 0xFFFFFFFF),)
    if address.sixtofour is not None:
        return (address.sixtofour,)
    if address.teredo is not None:
        return (address, *address.teredo)
    return (address,)
