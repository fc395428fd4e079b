"""Plans are tried on the same small installation as rollouts."""

from tests.rollouts.conftest import clock, house, template

__all__ = ["clock", "house", "template"]
