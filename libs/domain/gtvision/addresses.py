"""Where a connection of ours may lead: rules on addresses, not on names, since a name means whatever its owner says today."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

IpAddress = IPv4Address | IPv6Address
IpNetwork = IPv4Network | IPv6Network


def _networks(*texts: str) -> tuple[IpNetwork, ...]:
    return tuple(ip_network(text) for text in texts)


_LOOPBACK = _networks("127.0.0.0/8", "::1/128")
_NEVER = _networks(
    "0.0.0.0/8",  # this host
    "169.254.0.0/16",  # link-local, and the metadata service of most clouds
    "100.100.100.200/32",  # metadata, Alibaba
    "168.63.129.16/32",  # metadata, Azure
    "192.0.0.0/24",  # protocol assignments, and the metadata service of Oracle
    "224.0.0.0/4",  # multicast
    "240.0.0.0/4",  # reserved, broadcast
    "::/128",
    "fe80::/10",
    "fec0::/10",
    "ff00::/8",
    "fd00:ec2::254/128",  # metadata, AWS
    "fd20:ce::254/128",  # metadata, Google
)
_NAT64 = ip_network("64:ff9b::/96")
_COMPATIBLE = ip_network("::/96")


@dataclass(frozen=True, slots=True)
class AddressPolicy:
    """Which addresses are acceptable. Private networks are: cameras and servers stand there."""

    allow_loopback: bool = False
    """For what runs on the same machine: demo cameras, a provider under test."""
    allowed: tuple[IpNetwork, ...] = ()
    """Exceptions to everything that is refused."""
    denied: tuple[IpNetwork, ...] = ()
    """The installation's own service networks."""

    def accepts(self, address: IpAddress) -> bool:
        """Whether the address, and every address it may stand for, is acceptable."""
        return all(self._accepts(each) for each in _readings(address))

    def _accepts(self, address: IpAddress) -> bool:
        if _inside(address, self.allowed):
            return True
        if _inside(address, self.denied) or _inside(address, _NEVER):
            return False
        return self.allow_loopback or not _inside(address, _LOOPBACK)


def _inside(address: IpAddress, networks: Iterable[IpNetwork]) -> bool:
    return any(address in network for network in networks if network.version == address.version)


def _readings(address: IpAddress) -> list[IpAddress]:
    """The address, and the IPv4 address that an IPv6 one carries: mapped, compatible, NAT64, 6to4, Teredo."""
    if isinstance(address, IPv4Address):
        return [address]
    plain = IPv6Address(int(address))  # without a zone
    inside: list[IPv4Address | None] = [plain.ipv4_mapped, plain.sixtofour, plain.teredo[1] if plain.teredo else None]
    if plain in _NAT64 or (plain in _COMPATIBLE and int(plain) > 1):
        inside.append(IPv4Address(int(plain) & 0xFFFF_FFFF))
    return [plain, *(each for each in inside if each is not None)]


def literal_address(host: str) -> IpAddress | None:
    """The address, where the host is one."""
    try:
        return ip_address(host)
    except ValueError:
        return None
