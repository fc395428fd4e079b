"""`infra env`: what a TEP is configured by, who set it, and what has changed."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from infra_assets.cli import env_edit, env_lint, env_usage
from infra_assets.cli.context import Context
from infra_assets.cli.options import Form, Output
from infra_assets.cli.output import Format, markdown_table, plain_table, stderr, write_table
from infra_assets.environments import layers
from infra_assets.environments.comparing import compare, history_source, pins
from infra_assets.environments.explanation import Leaf, chain, find, leaves, shown
from infra_assets.environments.language import Evaluation, always
from infra_assets.environments.language.model import Diagnostic, LoadError, Site, Value
from infra_assets.environments.offline import evaluate_folder
from infra_assets.environments.resolution import Resolution, placed, told
from infra_assets.environments.resolver import Resolver
from infra_assets.environments.usage import Usage
from infra_assets.errors import DIFFERENCES, FAILED, InfraError, UsageError
from infra_assets.fleet.database import connect
from infra_assets.fleet.models import Tep
from infra_assets.stacks.ledger import DEPLOYED

app = typer.Typer(help="Configuration as Pulumi ESC environments: what a TEP gets, who set it, what changed.", no_args_is_help=True)
for command in (
    env_lint.lint, env_usage.usage, env_edit.seal, env_edit.reveal, env_edit.key, env_edit.rotate,
    env_edit.list_, env_edit.get, env_edit.history, env_edit.put, env_edit.tag, env_edit.remove,
):  # fmt: skip
    app.command(command.__name__.rstrip("_"))(command)

TepArgument = Annotated[str, typer.Argument(metavar="TEP", help="A TEP, such as acme-prod.")]
ProjectOption = Annotated[str | None, typer.Option("--project", help="Only what this project's stack gets of pulumiConfig, by key.")]
Reveal = Annotated[bool, typer.Option("--reveal", help="Open what is to be opened, and show secrets in clear.")]


@app.command()
def show(tep: TepArgument, project: ProjectOption = None, reveal: Reveal = False, form: Form = Format.TABLE, output: Output = None) -> None:
    """Show what a TEP's environment comes to, each value with the layer that set it; secrets masked, nothing opened.

    Examples: infra env show customer1-prod · infra env show customer1-prod --project cluster --format json
    """
    context = Context()
    found, resolver = _opened(context, tep)
    if project is not None:
        context.catalogue.get(project)
    evaluation = _evaluate(context, resolver, found, opens=reveal)
    properties = _part(evaluation, project)
    rows = leaves(properties, reveal=reveal)
    shown = [(leaf.path, _text(leaf), _place(resolver, leaf)) for leaf in rows]
    table = plain_table(("value", "is", "set by"), shown)
    plain = {
        "tep": tep,
        "environment": layers.root(found),
        "values": {name: _plain(value, reveal=reveal) for name, value in properties.items()},
        "secrets": [leaf.path for leaf in rows if leaf.secret],
        "environmentVariables": {name: _plain(value, reveal=reveal) for name, value in evaluation.environment_variables().items()},
        "files": {name: _plain(value, reveal=reveal) for name, value in evaluation.files().items()},
        "closure": dict(sorted(evaluation.closure.items())),
        "diagnostics": _diagnostics(resolver, evaluation.diagnostics),
    }
    write_table(table, plain, markdown_table(("value", "is", "set by"), shown), form, output, private=reveal)
    _end(resolver, evaluation, resolver.resolve(found, context.catalogue.wanted(), closed=True))


@app.command()
def explain(
    tep: TepArgument,
    path: Annotated[str, typer.Argument(metavar="PATH", help="A configuration key, network:cidr, or a path, aws.login.")],
    reveal: Reveal = False, form: Form = Format.TABLE, output: Output = None,
) -> None:  # fmt: skip
    """Tell who set a value, and whom that overrides: each layer with file, line and revision.

    Examples: infra env explain customer1-prod cluster:instance_type · infra env explain customer1-prod aws.login
    """
    context = Context()
    found, resolver = _opened(context, tep)
    evaluation = _evaluate(context, resolver, found, opens=reveal)
    value = find(evaluation.properties or {}, path)
    chained = chain(value, resolver.where, reveal=reveal)
    headings = ("", "layer", "place", "revision", "value")
    rows = [
        ("set by" if index == 0 else "overrides", layer.environment, layer.place, layer.revision[:10], json.dumps(layer.value))
        for index, layer in enumerate(chained)
    ]
    table = plain_table(headings, rows)
    plain = {"tep": tep, "path": path, "value": chained[0].value if chained else None, "layers": [asdict(layer) for layer in chained]}
    write_table(table, plain, markdown_table(headings, rows), form, output, private=reveal)


@app.command()
def diff(
    tep: TepArgument,
    at: Annotated[
        str | None, typer.Option("--at", metavar="REV|REF", help="A git ref, or a revision of its environment. Default: as last deployed.")
    ] = None,
    reveal: Reveal = False, form: Form = Format.TABLE, output: Output = None,
) -> None:  # fmt: skip
    """Show what differs between a TEP's environment as it is now and as it was. Exit code 3 where something does.

    Examples: infra env diff customer1-prod · infra env diff customer1-prod --at main~1
    """
    context = Context()
    found, resolver = _opened(context, tep)
    after = _evaluate(context, resolver, found, opens=reveal)
    options, shown_at = _earlier(context, found, at)
    before = _before(context, context.resolver([found], **options), found, opens=reveal, shown_at=shown_at)
    differences = compare(before.properties or {}, after.properties or {}, reveal=reveal)
    headings = ("", "value", "was", "is")
    rows = [(item.kind, item.path, _json(item.before), _json(item.after)) for item in differences]
    table = plain_table(headings, rows)
    plain = {"tep": tep, "at": shown_at, "differences": [asdict(item) for item in differences]}
    if form is Format.TABLE and not rows:
        stderr.print(f"nothing differs from {shown_at}", style="dim")
    else:
        write_table(table, plain, markdown_table(headings, rows), form, output, private=reveal)
    if differences:
        raise typer.Exit(DIFFERENCES)


@app.command("eval")
def eval_(
    folder: Annotated[Path, typer.Argument(metavar="DIR", exists=True, file_okay=False, help="Holds DIR/PROJECT/ENV.yaml.")],
    name: Annotated[str, typer.Argument(metavar="PROJECT/ENV", help="Which one.")],
    reveal: Annotated[bool, typer.Option("--reveal", help="Show secrets in clear.")] = False,
    form: Form = Format.JSON, output: Output = None,
) -> None:  # fmt: skip
    """Evaluate an environment of a folder, with no fleet around it. Exit code 1 where it has errors.

    Example: infra env eval environments shared/network
    """
    evaluation = evaluate_folder(Context().settings, folder, name)
    properties = evaluation.properties or {}
    plain = {
        "values": {key: value.plain(reveal=reveal) for key, value in properties.items()},
        "redacted": {key: value.plain() for key, value in properties.items()},
        "environmentVariables": {key: value.plain(reveal=reveal) for key, value in evaluation.environment_variables().items()},
        "files": {key: value.plain(reveal=reveal) for key, value in evaluation.files().items()},
        "diagnostics": [{"severity": item.severity, "summary": item.summary, "path": item.path} for item in evaluation.diagnostics],
    }
    rows = [(leaf.path, _text(leaf)) for leaf in leaves(properties, reveal=reveal)]
    table = plain_table(("value", "is"), rows)
    write_table(table, plain, markdown_table(("value", "is"), rows), form, output, private=reveal)
    if form is not Format.JSON:
        for item in evaluation.diagnostics:
            stderr.print(f"{item.severity}: {told(item, item.range.environment if item.range else name)}", markup=False, highlight=False)
    if any(item.error for item in evaluation.diagnostics):
        raise typer.Exit(FAILED)


def _earlier(context: Context, tep: Tep, at: str | None) -> tuple[dict[str, Any], str]:
    """Return what to open a resolver with to see the environment as it was, and in words when that was."""
    if at is not None:
        return history_source(context.settings, tep, at), at
    deployed = [entry for entry in context.ledger.history(tep.name) if entry.state == DEPLOYED and entry.environments]
    if not deployed:
        raise UsageError(
            f"{tep.name} was never deployed from environments", remedy="--at REV|REF compares with a git ref or with a revision."
        )
    newest = deployed[0]
    return {"pins": pins(newest.environments or {})}, f"{newest.project}/{tep.name} as deployed at {newest.started_at:%Y-%m-%d %H:%M} UTC"


def _before(context: Context, resolver: Resolver, tep: Tep, *, opens: bool, shown_at: str) -> Evaluation:
    try:
        return _evaluate(context, resolver, tep, opens=opens)
    except InfraError as error:
        raise UsageError(
            f"{shown_at}: {error.message}", remedy="An edit that was never committed is not kept: --at REF compares with a commit."
        ) from None


def _opened(context: Context, tep: str) -> tuple[Tep, Resolver]:
    found = context.registry.get(tep)
    return found, context.resolver([found])


def _evaluate(context: Context, resolver: Resolver, tep: Tep, *, opens: bool) -> Evaluation:
    if refused := resolver.denied(tep):
        raise InfraError("\n".join(map(str, refused)))
    try:
        evaluation = resolver.evaluate(tep, opens=always if opens else _never)
    except LoadError as error:
        raise InfraError(f"{layers.root(tep)}: {error}") from None
    if opens:
        resolver.bill.count(layers.root(tep), evaluation.closure)
        Usage(connect(context.settings.database_url)).record(resolver.uses())
    return evaluation


def _never(_site: Site) -> bool:
    return False


def _part(evaluation: Evaluation, project: str | None) -> Mapping[str, Value]:
    properties = evaluation.properties or {}
    if project is None:
        return properties
    configuration = properties.get(layers.CONFIGURATION)
    every = configuration.value if configuration else None
    if not isinstance(every, dict):
        return {}
    return {key: value for key, value in every.items() if key.partition(":")[0] in (project, "aws") or ":" not in key}


def _text(leaf: Leaf) -> str:
    return leaf.value if isinstance(leaf.value, str) else json.dumps(leaf.value)


def _plain(value: Value, *, reveal: bool) -> Any:
    return shown(value, reveal=reveal)


def _place(resolver: Resolver, leaf: Leaf) -> str:
    if leaf.definition is None:
        return ""
    return f"{resolver.place(leaf.definition.environment)}:{leaf.definition.begin.line}"


def _json(plain: Any) -> str:
    return "" if plain is None else json.dumps(plain)


def _diagnostics(resolver: Resolver, diagnostics: Sequence[Diagnostic]) -> list[dict[str, str]]:
    return [
        {
            "severity": item.severity,
            "summary": item.summary,
            "path": item.path,
            "place": placed(resolver.place(item.range.environment), item.range) if item.range else "",
        }
        for item in diagnostics
    ]


def _end(resolver: Resolver, evaluation: Evaluation, resolution: Resolution) -> None:
    errors, warnings = resolver.told(evaluation)
    for text in warnings:
        stderr.print(f"warning: {text}", style="yellow", markup=False, highlight=False, soft_wrap=True)
    every = list(dict.fromkeys([*errors, *resolution.problems]))
    for problem in every:
        stderr.print(f"error: {problem}", style="red", markup=False, highlight=False, soft_wrap=True)
    if every:
        raise typer.Exit(FAILED)
