"""Which addresses a network's subnets get: arithmetic only, no Pulumi.

A VPC's block is cut into quarters. The first three are the private subnets of zones 1 to 3; the last one is cut into quarters again, whose
first three are the public subnets. So a zone's subnets stay where they are when a zone is added later, and private subnets, in which the
workloads run, are four times as large as the public ones.
"""

from dataclasses import dataclass
from ipaddress import IPv4Network
from itertools import islice

MAX_ZONES = 3
LARGEST_PREFIX, SMALLEST_PREFIX = 16, 24
"""A VPC's block is a /16 at most; a public subnet is a sixteenth of it, and AWS takes none smaller than /28 (Amazon VPC user guide)."""


@dataclass(frozen=True)
class ZoneSubnets:
    """The two subnets of one zone."""

    public: IPv4Network
    private: IPv4Network


def check_cidr(cidr: IPv4Network) -> IPv4Network:
    """Return `cidr` if it fits a VPC that is cut as above.

    Raises:
        ValueError: it is too large, too small, or not private.
    """
    if not LARGEST_PREFIX <= cidr.prefixlen <= SMALLEST_PREFIX:
        raise ValueError(f"must have a prefix from /{LARGEST_PREFIX} to /{SMALLEST_PREFIX}")
    if not cidr.is_private:
        raise ValueError("must be of a private range (RFC 1918)")
    return cidr


def subnets(cidr: IPv4Network, zones: int) -> tuple[ZoneSubnets, ...]:
    """Return the subnets of the first `zones` zones, in order.

    Raises:
        ValueError: `cidr` does not fit a VPC, or there are more zones than it is cut for.
    """
    if not 1 <= zones <= MAX_ZONES:
        raise ValueError(f"zones: {zones} is not in 1..{MAX_ZONES}")
    *private, last = check_cidr(cidr).subnets(prefixlen_diff=2)
    pairs = zip(last.subnets(prefixlen_diff=2), private, strict=False)
    return tuple(ZoneSubnets(public=public, private=own) for public, own in islice(pairs, zones))
