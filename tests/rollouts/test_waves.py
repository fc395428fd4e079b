"""How a rollout is cut into waves."""

import pytest

from infra_assets.fleet.models import Ring, Tep
from infra_assets.planning.amounts import Amount
from infra_assets.rollouts.models import Options
from infra_assets.rollouts.waves import cut


def teps(*names: str) -> list[Tep]:
    """TEPs `tenant-environment/ring`, ring by its first letter."""
    rings = {ring.value[0]: ring for ring in Ring}
    return [Tep(*name.split("/")[0].split("-"), rings[name.split("/")[1]], "us-east-1", "1", "x") for name in names]  # type: ignore[misc]


def shown(waves: list[tuple[object, list[Tep]]]) -> dict[str, list[str]]:
    return {wave.name: [tep.name for tep in mine] for wave, mine in waves}  # type: ignore[attr-defined]


def test_rings_come_in_their_order_and_empty_ones_not_at_all() -> None:
    found = cut(teps("a-prod/r", "b-prod/i", "c-prod/r"), Options())
    assert shown(found) == {"internal": ["b-prod"], "regular": ["a-prod", "c-prod"]}
    assert cut([], Options()) == []
    assert cut([], Options(at_once=True)) == []


def test_one_with_many_does_not_keep_the_others_waiting() -> None:
    found = cut(teps("a-1/r", "a-2/r", "a-3/r", "b-1/r", "c-1/r", "c-2/r"), Options())
    assert shown(found) == {"regular": ["a-1", "b-1", "c-1", "a-2", "c-2", "a-3"]}


@pytest.mark.parametrize(
    ("batch", "sizes"), [("1", [1] * 7), ("3", [3, 3, 1]), ("7", [7]), ("100", [7]), ("50%", [3, 3, 1]), ("1%", [1] * 7), ("100%", [7])]
)
def test_batches(batch: str, sizes: list[int]) -> None:
    waves = cut(teps(*(f"t{number}-prod/r" for number in range(7))), Options(batch=Amount.parse(batch)))
    assert [len(mine) for _, mine in waves] == sizes
    names = [wave.name for wave, _ in waves]
    assert names == (["regular"] if len(sizes) == 1 else [f"regular {number}/{len(sizes)}" for number in range(1, len(sizes) + 1)])
    assert {wave.ring for wave, _ in waves} == {"regular"}


def test_at_once_is_one_wave_whatever_the_batch() -> None:
    found = cut(teps("a-prod/r", "b-prod/i"), Options(at_once=True, batch=Amount.parse("1")))
    assert shown(found) == {"all": ["a-prod", "b-prod"]}
