"""What a comparison of environments found."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

MISSING = "[missing]"
"""Stands for a value where there is none."""
DECLARED = "[declared]"
"""Stands for a resource's being there at all."""
RESOURCE, SETTING = "resource", "setting"


@dataclass(frozen=True, slots=True)
class Side:
    """Some TEPs that have the same."""

    value: Any
    """With placeholders for what is each TEP's own; `[secret]` for a secret, `[missing]` where there is nothing."""
    teps: Sequence[str]
    layers: Sequence[str] = ()
    """Environments that set it, `tenants/{tep}` for the TEPs' own."""

    def as_json(self) -> dict[str, Any]:
        """Return it as plain values."""
        return {"value": self.value, "teps": list(self.teps), "layers": list(self.layers)}


@dataclass(frozen=True, slots=True)
class Difference:
    """One property or setting that is not the same everywhere."""

    project: str
    """"" for settings that are of no project."""
    kind: str
    """`resource` or `setting`."""
    item: str
    """`aws:ec2/vpc:Vpc network`, or a setting's key, `network:cidr`."""
    path: str
    """The property, `tags.Name`; "" for the whole: a setting that is one value, or whether there is such a resource."""
    sides: Sequence[Side]
    """The reference first: the first environment, or the value that most have."""

    def as_json(self) -> dict[str, Any]:
        """Return it as plain values."""
        sides = [side.as_json() for side in self.sides]
        return {"project": self.project, "kind": self.kind, "item": self.item, "path": self.path, "sides": sides}


@dataclass(frozen=True, slots=True)
class Unread:
    """Something that could not be compared, and why."""

    tep: str
    project: str
    """"" for the TEP's whole configuration."""
    kind: str
    cause: str

    @property
    def name(self) -> str:
        """`network/acme-prod`."""
        return f"{self.project}/{self.tep}" if self.project else self.tep

    def as_json(self) -> dict[str, str]:
        """Return it as plain values."""
        return {"tep": self.tep, "project": self.project, "kind": self.kind, "cause": self.cause}


@dataclass(slots=True)
class Counts:
    """How many things are identical everywhere."""

    resources: int = 0
    settings: int = 0


@dataclass(frozen=True, slots=True)
class Parity:
    """How alike environments are."""

    environments: Sequence[str]
    """Two of the same tenants, or one across tenants."""
    teps: Sequence[str]
    """Those that were compared."""
    differences: Sequence[Difference]
    identical: Mapping[str, Counts]
    """By project; "" for settings that are of no project."""
    unread: Sequence[Unread] = ()
    left_out: Sequence[str] = ()
    """What was not compared on purpose, and why, a line each."""
    commits: Mapping[str, Mapping[str, Sequence[str]]] = field(default_factory=dict[str, Mapping[str, Sequence[str]]])
    """Projects that are deployed from several commits: which TEPs from which; "" where that is not known."""

    @property
    def alike(self) -> bool:
        """Whether nothing differs, and everything could be compared."""
        return not self.differences and not self.unread

    def as_json(self) -> dict[str, Any]:
        """Return it as plain values."""
        return {
            "environments": list(self.environments),
            "teps": list(self.teps),
            "alike": self.alike,
            "differences": [difference.as_json() for difference in self.differences],
            "identical": {name: {"resources": counts.resources, "settings": counts.settings} for name, counts in self.identical.items()},
            "unread": [item.as_json() for item in self.unread],
            "left_out": list(self.left_out),
            "commits": {project: {commit: list(teps) for commit, teps in found.items()} for project, found in self.commits.items()},
        }
