"""Pulumi projects in `pulumi_programs/`: a `Pulumi.yaml` and a `__main__.py`, and what the control plane is told in the key `infra`.

A project that cannot be loaded never hides the others: `discover` returns the good ones, in dependency order, and the problems.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal, cast

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from infra_assets.environments.resolution import Wanted
from infra_assets.errors import UsageError
from infra_assets.stacks.sources import source_hash

PROGRAMS = "pulumi_programs"
MOST_KINDS = 10

# What Dagster takes for an asset: one that it does not take would keep all the others from loading.
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9_]+$")]
Owner = Annotated[str, Field(pattern=r"^(team:[A-Za-z0-9_-]+|\S+@\S+\.\S+)$")]


class About(BaseModel):
    """The key `infra` of a Pulumi.yaml: what the control plane must know of a project."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    scope: Literal["tenant"] = Field("tenant", description="tenant: a stack in every TEP.")
    role: Literal["bootstrap", "deploy"] = Field("deploy", description="Which role is assumed in the TEP's account.")
    depends_on: tuple[str, ...] = Field((), description="Projects whose outputs it reads.")
    environment: tuple[str, ...] = Field(
        (), description="Names of `environmentVariables` and `files` of the TEP's environment that its program reads from os.environ."
    )
    group: Name = "infra"
    owners: tuple[Owner, ...] = ()
    kinds: tuple[str, ...] = Field(("aws", "pulumi"), max_length=MOST_KINDS)
    public_outputs: tuple[str, ...] = Field((), description="Outputs whose values may be shown; others are shown by name.")
    main_resources: tuple[str, ...] = Field((), description="Resource types that get a link into the AWS console.")


@dataclass(frozen=True)
class Project:
    """One Pulumi project."""

    name: str
    description: str
    folder: Path
    about: About
    commit: str | None = None
    """Where it is from; None for what lies on disk."""

    @property
    def file(self) -> Path:
        """Its Pulumi.yaml."""
        return self.folder / "Pulumi.yaml"

    @property
    def place(self) -> str:
        """Where a person finds its Pulumi.yaml: on disk, or in the repository."""
        return str(self.file.relative_to(self.folder.parent.parent) if self.commit else self.file)

    @property
    def program(self) -> Path:
        """The program: what a bare `pulumi up` runs too."""
        return self.folder / "__main__.py"

    @cached_property
    def tree_hash(self) -> str:
        """SHA-256 over the project's files, the components it imports, and the installed SDKs' versions."""
        return source_hash(self.folder)

    @property
    def version(self) -> str:
        """The tree hash, short: what Dagster shows as the asset's code version."""
        return self.tree_hash[:16]


@dataclass(frozen=True, slots=True)
class Problem:
    """A project that cannot be deployed, and why; names the file."""

    name: str
    message: str


@dataclass(frozen=True, slots=True)
class Catalogue:
    """What `pulumi_programs/` holds: projects that can be deployed, upstream first, and those that cannot."""

    projects: Sequence[Project]
    problems: Sequence[Problem]

    def get(self, name: str) -> Project:
        """Return a project.

        Raises:
            UsageError: there is none of that name, or it cannot be loaded; then the message says why.
        """
        for problem in self.problems:
            if problem.name == name:
                raise UsageError(problem.message)
        for project in self.projects:
            if project.name == name:
                return project
        raise UsageError(f"no project {name!r}", remedy=f"There are: {', '.join(project.name for project in self.projects)}.")

    def tenant_projects(self) -> list[Project]:
        """Return the projects that stand in every TEP, upstream first."""
        return list(self.projects)

    def wanted(self) -> list[Wanted]:
        """Return what each tenant project wants from its TEP's environment."""
        upstream: dict[str, set[str]] = {}
        for project in self.projects:
            direct = project.about.depends_on
            upstream[project.name] = {*direct, *(name for one in direct for name in upstream.get(one, ()))}
        return [
            Wanted(project.name, tuple(sorted(upstream[project.name])), project.about.environment, project.about.role)
            for project in self.projects
        ]

    def downstream(self, name: str) -> list[Project]:
        """Return the projects that read a project's outputs, directly or not, upstream first."""
        reached = {name}
        found: list[Project] = []
        for project in self.projects:
            if reached & set(project.about.depends_on):
                reached.add(project.name)
                found.append(project)
        return found


def discover(root: Path, commit: str | None = None) -> Catalogue:
    """Return the projects below `root/pulumi_programs`; `commit` is what is checked out there."""
    loaded: dict[str, Project] = {}
    problems: list[Problem] = []
    for file in sorted((root / PROGRAMS).glob("*/Pulumi.yaml")):
        try:
            project = _load(file, commit)
            if project.name in loaded:
                raise UsageError(f"{project.place}: project {project.name!r} is also in {loaded[project.name].place}")
            loaded[project.name] = project
        except UsageError as error:
            problems.append(Problem(file.parent.name, error.message))
    return _in_order(loaded, problems)


def merged(catalogues: Sequence[Catalogue]) -> Catalogue:
    """Return several as one: a project is as the first has it that has it, and depends on all that any of them says.

    What would make it depend on itself is left out: that is for whoever deploys that commit to refuse.
    """
    found: dict[str, Project] = {}
    upstream: dict[str, dict[str, None]] = {}
    for catalogue in catalogues:
        for project in catalogue.projects:
            found.setdefault(project.name, project)
            upstream.setdefault(project.name, {}).update(dict.fromkeys(project.about.depends_on))
    names = list(found)
    acyclic: dict[str, Project] = {}
    for name, project in found.items():
        about = project.about.model_copy(update={"depends_on": tuple(each for each in upstream[name] if each in names)})
        candidate = replace(project, about=about)
        acyclic[name] = candidate if not _cycle(name, {**found, **acyclic, name: candidate}) else project
    problems = [problem for catalogue in catalogues for problem in catalogue.problems]
    return _in_order(acyclic, [problem for problem in problems if problem.name not in acyclic])


def _load(file: Path, commit: str | None) -> Project:
    place = file.relative_to(file.parents[2]) if commit else file
    try:
        content: Any = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise UsageError(f"{place}: {' '.join(str(error).split())}") from None
    if not isinstance(content, dict) or not isinstance(cast("dict[str, Any]", content).get("name"), str):
        raise UsageError(f"{place}: no project name")
    settings = cast("dict[str, Any]", content)
    if not re.fullmatch(r"[A-Za-z0-9_]+", settings["name"]):
        raise UsageError(f"{place}: name: {settings['name']!r}: a project's name is its asset's: letters, digits and _")
    if not (file.parent / "__main__.py").is_file():
        raise UsageError(f"{place}: there is no __main__.py beside it")
    try:
        about = About.model_validate(settings.get("infra") or {})
    except ValidationError as error:
        places = "; ".join(f"infra.{'.'.join(map(str, item['loc']))}: {item['msg']}" for item in error.errors())
        raise UsageError(f"{place}: {places}") from None
    description = str(settings.get("description") or "")
    return Project(name=settings["name"], description=description, folder=file.parent, about=about, commit=commit)


def _in_order(loaded: Mapping[str, Project], problems: list[Problem]) -> Catalogue:
    """Sort upstream first; what depends on a missing or broken project, or on itself, becomes a problem."""
    ordered: list[Project] = []
    waiting = dict(loaded)
    while ready := [p for p in waiting.values() if all(d in {o.name for o in ordered} for d in p.about.depends_on)]:
        for project in ready:
            ordered.append(project)
            del waiting[project.name]
    broken = {problem.name for problem in problems}
    for project in waiting.values():
        missing = [name for name in project.about.depends_on if name not in loaded]
        if cycle := _cycle(project.name, loaded):
            reason = f"depends on itself: {' → '.join(cycle)}"
        elif missing:
            known = "cannot be loaded" if missing[0] in broken else "does not exist"
            reason = f"depends on project {missing[0]!r}, which {known}"
        else:
            reason = f"depends on {next(name for name in project.about.depends_on if name in waiting)!r}, which cannot be deployed"
        problems.append(Problem(project.name, f"{project.place}: project {project.name!r} {reason}"))
    return Catalogue(ordered, problems)


def _cycle(start: str, projects: Mapping[str, Project]) -> list[str]:
    """Return the path from a project back to itself, empty if there is none."""
    paths = [[start]]
    seen: set[str] = set()
    while paths:
        path = paths.pop()
        for name in projects[path[-1]].about.depends_on if path[-1] in projects else ():
            if name == start:
                return [*path, name]
            if name not in seen:
                seen.add(name)
                paths.append([*path, name])
    return []
