"""Environment parity: what is declared and set differently where it ought to be alike. No engine runs, and nothing is changed.

Two environments are compared tenant by tenant, one across tenants with what most of them have. What is each TEP's own (account, names,
region, ids) is made neutral first.
"""

from collections.abc import Mapping, Sequence
from urllib.parse import urlsplit

from infra_assets.errors import InfraError
from infra_assets.fleet.database import connect
from infra_assets.fleet.models import Tep
from infra_assets.fleet.selection import Selection
from infra_assets.garbage import uncollected
from infra_assets.planning.planner import Planner
from infra_assets.planning.sharing import shared
from infra_assets.previews.parity.choosing import choose
from infra_assets.previews.parity.comparing import Comparison
from infra_assets.previews.parity.leaves import NOT_OPENED
from infra_assets.previews.parity.result import RESOURCE, SETTING, Parity, Unread
from infra_assets.previews.parity.secrets import open_secrets, secret_digests
from infra_assets.previews.parity.settings import read_settings
from infra_assets.previews.parity.sides import Asked, Sides
from infra_assets.previews.parity.states import read_states
from infra_assets.sandbox.cloud import Aws, environment
from infra_assets.stacks.ledger import Key, Standing
from infra_assets.stacks.projects import Catalogue
from infra_assets.stacks.state import Store, open_store
from infra_assets.texts import counted

LEAST = 100
"""TEPs for which another process is worth its start."""


def parity(planner: Planner, selection: Selection, environments: Sequence[str]) -> Parity:
    """Return what differs between two environments of the tenants that are meant, or across tenants in one.

    Raises:
        UsageError: an environment that does not exist, more than two, or nothing that could be compared.
        InfraError: the programs cannot be had.
    """
    fleet = planner.registry.list()
    groups, left_out = choose(fleet, selection, environments)
    chosen = {name for group in groups for name in group}
    teps = [tep for tep in fleet if tep.name in chosen]
    successes = planner.ledger.standings([tep.name for tep in teps])[1]
    asked, absent = _asked(planner, teps, selection, successes)
    found = _read(planner, asked)
    found.unread += absent
    digests, said = secret_digests(open_secrets(planner.settings), found, {tep.name: tep for tep in teps})
    with uncollected():
        differences, identical = Comparison(found, teps, digests).differences(groups, pairs=len(environments) == 2)
    left_out += said + _not_opened(found)
    return Parity(
        environments, [tep.name for tep in teps], differences, dict(sorted(identical.items())), sorted(found.unread, key=_place), left_out,
        _commits(asked, successes),
    )  # fmt: skip


def _asked(
    planner: Planner, teps: Sequence[Tep], selection: Selection, successes: Mapping[Key, Standing]
) -> tuple[list[Asked], list[Unread]]:
    deployed: dict[str, set[str]] = {}
    for tep, project in successes:
        deployed.setdefault(tep, set()).add(project)
    catalogues = {tep.name: planner.catalogue(planner.commit_of(tep)) for tep in teps}
    every = dict.fromkeys(name for found in _distinct(catalogues) for name in _names(found))
    every |= dict.fromkeys(sorted(name for names in deployed.values() for name in names))
    compared = set(selection.pick_projects(every))
    variables = {
        id(found): {item.project: item.environment for item in found.wanted() if item.environment and item.project in compared}
        for found in _distinct(catalogues)
    }
    asked: list[Asked] = []
    absent: list[Unread] = []
    for tep in teps:
        catalogue, mine = catalogues[tep.name], deployed.get(tep.name, set[str]())
        has = {*_names(catalogue), *mine}
        projects = [name for name in every if name in has and name in compared]
        others = [name for name in every if name in has and name not in compared]
        asked.append(Asked(tep, projects, others, frozenset(mine), variables[id(catalogue)]))
        absent += [
            Unread(tep.name, name, RESOURCE, "it is not among the TEP's programs") for name in every if name in compared and name not in has
        ]
    return asked, absent


def _distinct(catalogues: Mapping[str, Catalogue]) -> list[Catalogue]:
    return list({id(found): found for found in catalogues.values()}.values())


def _names(catalogue: Catalogue) -> list[str]:
    return [*(item.name for item in catalogue.projects), *(item.name for item in catalogue.problems)]


def _read(planner: Planner, asked: Sequence[Asked]) -> Sides:
    digests = open_secrets(planner.settings)
    url = planner.settings.database_url

    def work(some: Sequence[Asked]) -> Sides:
        found = Sides()
        read_states(_store(planner), some, found)
        read_settings(planner.resolver([each.tep for each in some]), some, digests, found)
        return found

    with uncollected():
        first, *others = shared(work, asked, least=LEAST, begin=lambda: connect(url).dispose(close=False))
        for other in others:
            first.take(other)
    return first


def _store(planner: Planner) -> Store | InfraError:
    url = planner.settings.state_backend
    try:
        # A folder is read where no AWS is.
        return open_store(url, Aws({} if urlsplit(url).scheme == "file" else environment(planner.settings)))
    except InfraError as error:
        return error


def _not_opened(found: Sides) -> list[str]:
    """Return a line for each setting that only a deployment opens: that it is opened by the same does not make it equal."""
    closed = {
        number
        for number, variant in enumerate(found.variants)
        if any(isinstance(value, str) and value.startswith(NOT_OPENED) for value in variant.leaves.values())
    }
    return [
        f"{item.name} is opened only when it is deployed, and was not compared in {counted(number, 'TEP')}"
        for item, having in found.items.items()
        if item.kind == SETTING and (number := sum(variant in closed for variant in having.values()))
    ]


def _commits(asked: Sequence[Asked], successes: Mapping[Key, Standing]) -> dict[str, dict[str, list[str]]]:
    found: dict[str, dict[str, list[str]]] = {}
    for each in asked:
        for project in each.projects:
            if standing := successes.get((each.tep.name, project)):
                found.setdefault(project, {}).setdefault(standing.commit or "", []).append(each.tep.name)
    return {project: commits for project, commits in found.items() if len(commits) > 1}


def _place(item: Unread) -> tuple[str, str]:
    return item.project, item.tep
