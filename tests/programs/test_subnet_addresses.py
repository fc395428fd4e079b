"""How a network's addresses are cut."""

from ipaddress import IPv4Network
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pulumi_programs.components.addresses import MAX_ZONES, ZoneSubnets, check_cidr, subnets

PRIVATE = IPv4Network("10.0.0.0/8")
blocks = st.integers(16, 24).flatmap(
    lambda prefix: st.integers(0, 2 ** (prefix - PRIVATE.prefixlen) - 1).map(
        lambda number: IPv4Network((int(PRIVATE.network_address) + number * 2 ** (32 - prefix), prefix))
    )
)
counts = st.integers(1, MAX_ZONES)


def all_of(zones: tuple[ZoneSubnets, ...]) -> list[IPv4Network]:
    return [network for zone in zones for network in (zone.public, zone.private)]


@given(blocks, counts)
def test_subnets_lie_in_the_block_and_apart_from_each_other(cidr: IPv4Network, zones: int) -> None:
    found = all_of(subnets(cidr, zones))
    assert len(found) == 2 * zones
    assert all(network.subnet_of(cidr) for network in found)
    assert not any(one.overlaps(other) for one, other in combinations(found, 2))


@given(blocks, counts)
def test_a_zone_keeps_its_subnets_when_another_is_added(cidr: IPv4Network, zones: int) -> None:
    assert subnets(cidr, MAX_ZONES)[:zones] == subnets(cidr, zones)


@given(blocks, counts)
def test_sizes_are_what_aws_takes_and_private_ones_four_times_the_public(cidr: IPv4Network, zones: int) -> None:
    for zone in subnets(cidr, zones):
        assert zone.public.prefixlen <= 28
        assert zone.private.num_addresses == 4 * zone.public.num_addresses


def test_an_example() -> None:
    zone = subnets(IPv4Network("10.20.0.0/16"), 3)[1]
    assert (str(zone.private), str(zone.public)) == ("10.20.64.0/18", "10.20.208.0/20")


@pytest.mark.parametrize("cidr", ["10.0.0.0/15", "10.0.0.0/25", "8.8.0.0/16"])
def test_blocks_that_are_no_vpcs_are_refused(cidr: str) -> None:
    with pytest.raises(ValueError, match="must"):
        check_cidr(IPv4Network(cidr))


@pytest.mark.parametrize("zones", [0, MAX_ZONES + 1])
def test_more_zones_than_the_block_is_cut_for_are_refused(zones: int) -> None:
    with pytest.raises(ValueError, match="zones"):
        subnets(IPv4Network("10.0.0.0/16"), zones)
