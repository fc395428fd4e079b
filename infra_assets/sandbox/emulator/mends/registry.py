"""The list of mends."""

from collections.abc import Callable
from dataclasses import dataclass

Install = Callable[[], None]


@dataclass(frozen=True)
class Mend:
    """One answer of moto's that is put right, or a call that it lacks; `reason` says what AWS does and which resource needs it."""

    name: str
    service: str
    reason: str
    install: Install


MENDS: list[Mend] = []


def mend(service: str) -> Callable[[Install], Install]:
    """Register the decorated function as a mend; its docstring is the reason."""

    def register(install: Install) -> Install:
        MENDS.append(Mend(install.__name__, service, " ".join((install.__doc__ or "").split()), install))
        return install

    return register
