"""`infra env lint`."""

from dataclasses import asdict

import typer

from infra_assets.cli.context import Context
from infra_assets.cli.options import Form, Output
from infra_assets.cli.output import Format, markdown_table, plain_table, stderr, write_table
from infra_assets.environments.layers import FLEET
from infra_assets.environments.lint import ERROR, Finding, Lint
from infra_assets.environments.opening import open_source
from infra_assets.errors import FAILED
from infra_assets.stacks.keys import configuration_keys


def lint(form: Form = Format.TABLE, output: Output = None) -> None:
    """Look over all environments: errors, plaintext secrets, unknown configuration, unused keys, unreachable environments.

    Exit code 1 where there is an error, 0 where there are only warnings.

    Example: infra env lint --format json
    """
    context = Context()
    teps = context.registry.list()
    resolver = context.resolver(teps)
    keys = {project.name: configuration_keys(project) for project in context.catalogue.projects}
    resolutions = resolver.resolve_all(teps, context.catalogue.wanted(), closed=True).values()
    source = open_source(context.settings)
    shadowed = [name for name in source.list() if name.startswith(f"{FLEET}/")]
    found = Lint(resolver.library, teps, keys, shadowed=shadowed, strangers=source.problems()).findings(resolutions)
    headings = ("severity", "rule", "place", "what")
    rows = [(item.severity, item.rule, item.place, item.message) for item in found]
    table = plain_table(headings, rows)
    if form is Format.TABLE and not found:
        stderr.print(f"{len(resolver.library.names())} environments, nothing found", style="dim")
    else:
        write_table(
            table, {"summary": _summary(found), "findings": [asdict(item) for item in found]}, markdown_table(headings, rows), form, output
        )
    if any(item.severity == ERROR for item in found):
        raise typer.Exit(FAILED)


def _summary(found: list[Finding]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for item in found:
        counts[item.rule] = counts.get(item.rule, 0) + 1
    return counts
