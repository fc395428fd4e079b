"""How many, as a count or a percentage, and how long: as people write them."""

import re
from typing import Annotated, Any, Self, cast

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_serializer, model_validator

_AMOUNT = re.compile(r"(\d{1,6})(%?)")
_DURATION = re.compile(r"(?=\d)(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s?)?")
_SECONDS = (86400, 3600, 60, 1)
_WHOLE = 100


class Amount(BaseModel):
    """`3` or `10%`; written the same way in JSON."""

    model_config = ConfigDict(frozen=True)

    number: int = Field(ge=0)
    percent: bool = False

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `3` or `10%`.

        Raises:
            ValueError: it is neither.
        """
        return cls.model_validate(text)

    def of(self, total: int, *, least: int = 0) -> int:
        """Return how many of `total` these are: a count as it is, a percentage rounded down, but for 0 % at least `least`."""
        if not self.percent:
            return self.number
        return max(least, total * self.number // _WHOLE) if self.number else 0

    @model_validator(mode="before")
    @classmethod
    def _read(cls, value: Any) -> Any:
        if isinstance(value, dict):
            return cast("dict[str, Any]", value)
        found = None if isinstance(value, bool) else _AMOUNT.fullmatch(str(value))
        if found is None or (found[2] and int(found[1]) > _WHOLE):
            raise ValueError("must be a count or a percentage up to 100%, such as 3 or 10%")
        return {"number": int(found[1]), "percent": bool(found[2])}

    @model_serializer
    def _write(self) -> str:
        return str(self)

    def __str__(self) -> str:
        return f"{self.number}%" if self.percent else str(self.number)


def seconds(value: Any) -> int:
    """Read a duration: seconds, or `10m`, `2h`, `1h30m`, `1d`.

    Raises:
        ValueError: it is none.
    """
    found = None if isinstance(value, bool) else _DURATION.fullmatch(str(value))
    if found is None:
        raise ValueError("must be a duration: seconds, or such as 10m, 2h, 1h30m")
    return sum(int(part) * size for part, size in zip(found.groups(default="0"), _SECONDS, strict=True))


Seconds = Annotated[int, BeforeValidator(seconds)]
