"""`targets.yaml`: which branch of the programs' repository is deployed to which TEPs, and by which rules."""

from collections.abc import Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated, Any, Literal, Self, cast

import pygit2
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator, model_validator

from infra_assets.errors import UsageError
from infra_assets.fleet.models import Ring, Tep
from infra_assets.planning.amounts import Amount, Seconds
from infra_assets.planning.calendar import Freeze, Window
from infra_assets.programs.document import Document
from infra_assets.programs.location import Location

__all__ = ["ALL", "Amount", "Freeze", "Limits", "Target", "Targets", "Window", "load_targets"]

ALL: Literal["all"] = "all"
Patterns = tuple[str, ...]


def _approvals(value: Any) -> Any:
    given = cast("list[Any]", value) if isinstance(value, list | tuple) else [value]
    if any(each not in (*Ring, ALL) for each in given):
        raise ValueError(f"must be rings ({', '.join(Ring)}) or all")
    return tuple(given)


class Limits(BaseModel):
    """How much a rollout may do before somebody must approve it; None is any number."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    cells: int | None = Field(default=None, ge=0)
    deletes: int | None = Field(default=None, ge=0)
    replacements: int | None = Field(default=None, ge=0)


class Target(BaseModel):
    """A branch, the TEPs that it is deployed to, and how."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,39}$", description="Its key in the file.")
    branch: str = Field(description="Default: the target's name.")
    teps: Patterns = ()
    tenants: Patterns = ()
    environments: Patterns = ()
    rings: Patterns = ()
    max_failures: Amount = Field(default=Amount(number=10, percent=True), description="More failed TEPs than these halt a rollout.")
    strict: bool = Field(default=False, description="Never more at once than failures are still tolerated, plus one.")
    batch: Amount | None = Field(default=None, description="Batches inside a ring; without it a ring is one wave.")
    bake: Seconds = Field(default=0, description="Seconds between waves.")
    approve: Annotated[tuple[str, ...], BeforeValidator(_approvals)] = Field(
        default=(), description="Rings that wait for approval before they start; all: the rollout as a whole."
    )
    limits: Limits = Limits()
    windows: tuple[Window, ...] = Field(default=(), description="Deployments start only inside one; without any, always.")

    def matches(self, tep: Tep) -> bool:
        """Return whether a TEP matches one pattern of every kind that has any."""
        kinds = ((tep.name, self.teps), (tep.tenant, self.tenants), (tep.environment, self.environments), (tep.ring, self.rings))
        return all(not patterns or any(fnmatchcase(value, pattern) for pattern in patterns) for value, patterns in kinds)

    @field_validator("branch")
    @classmethod
    def _is_branch(cls, branch: str) -> str:
        if branch.startswith("-") or not pygit2.reference_is_valid_name(f"refs/heads/{branch}"):
            raise ValueError("is no name of a branch")
        return branch

    @field_validator("rings")
    @classmethod
    def _are_rings(cls, rings: Patterns) -> Patterns:
        if any(not any(fnmatchcase(ring, pattern) for ring in Ring) for pattern in rings):
            raise ValueError(f"unknown ring; there are {', '.join(Ring)}")
        return rings

    @field_validator("batch")
    @classmethod
    def _holds_some(cls, batch: Amount | None) -> Amount | None:
        if batch is not None and batch.number == 0:
            raise ValueError("a batch of none never ends")
        return batch

    @model_validator(mode="after")
    def _selects(self) -> Self:
        if not (self.teps or self.tenants or self.environments or self.rings):
            raise ValueError('selects nothing: give teps, tenants, environments or rings; teps: ["*"] is everything')
        return self


class Targets(Location):
    """The whole file."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    targets: dict[str, Target] = Field(default_factory=dict[str, Target])
    """In the file's order, which decides where a TEP belongs."""
    freezes: tuple[Freeze, ...] = ()

    def of(self, tep: Tep) -> Target | None:
        """Return the target that a TEP belongs to: the first that matches."""
        return next((target for target in self.targets.values() if target.matches(tep)), None)

    def members(self, name: str, teps: Iterable[Tep]) -> list[Tep]:
        """Return those TEPs that belong to a target, in their order.

        Raises:
            UsageError: there is no such target.
        """
        target = self.get(name)
        return [tep for tep in teps if self.of(tep) is target]

    def get(self, name: str) -> Target:
        """Return a target.

        Raises:
            UsageError: there is none of that name.
        """
        if name not in self.targets:
            raise UsageError(f"no target {name!r}", remedy=f"targets.yaml has: {', '.join(self.targets) or 'none'}.")
        return self.targets[name]

    @field_validator("targets", mode="before")
    @classmethod
    def _named(cls, targets: Any) -> Any:
        """Give each target its name, and the branch of that name unless it has another."""
        if not isinstance(targets, dict):
            return targets
        given = cast("Mapping[Any, Any]", targets)
        return {name: _with_name(name, target) for name, target in given.items()}

    @model_validator(mode="after")
    def _freezes_meet_targets(self) -> Self:
        patterns = [pattern for freeze in self.freezes for pattern in freeze.targets]
        idle = [pattern for pattern in patterns if not any(fnmatchcase(name, pattern) for name in self.targets)]
        if idle:
            raise ValueError(f"freezes: targets: {_listed(idle)}: no such target")
        return self


def load_targets(path: Path) -> Targets:
    """Return what a file says of targets; without a file there are none.

    Raises:
        UsageError: it cannot be read or is not of that form; the message names every place, with its line.
    """
    return Document(path).validate(Targets)


def _with_name(name: Any, target: Any) -> Any:
    if isinstance(target, dict):
        return {"branch": name, **cast("Mapping[str, Any]", target), "name": name}
    return {"name": name, "branch": name} if target is None else target


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names)
