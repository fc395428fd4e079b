"""`infra doctor`: what is installed, reachable and configured, and what to do about what is not."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from importlib.metadata import version
from typing import Annotated

import typer
from rich.table import Table
from sqlalchemy import make_url

from infra_assets.cli.context import Context
from infra_assets.cli.options import Form, Output
from infra_assets.cli.output import Format, stderr, write_table
from infra_assets.environments.opening import LazySealer, open_source, rules_file
from infra_assets.errors import FAILED, InfraError
from infra_assets.orchestration.notifications import problems
from infra_assets.previews.finishing import artifacts
from infra_assets.previews.models import CheckState
from infra_assets.sandbox import tools
from infra_assets.sandbox.cloud import environment
from infra_assets.settings import Settings


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    what: str
    ok: bool
    found: str
    remedy: str = ""


def print_version(wanted: bool) -> None:
    """Print the version and end, if that is wanted."""
    if wanted:
        typer.echo(version("infra-assets"))
        raise typer.Exit


def ui(
    port: Annotated[int, typer.Option("--port", help="Where to serve it; 0 chooses a free port.")] = 0,
    restart: Annotated[bool, typer.Option("--restart", help="Start Dagster anew, with another cap say; runs go on.")] = False,
) -> None:
    """Serve Dagster's UI in the background, and print its address.

    Examples: infra ui --port 3000 · INFRA_CAP=25 infra ui --restart
    """
    context = Context()
    context.sandbox.check()
    typer.echo(context.services.start(lambda text: stderr.print(text, style="dim"), port=port, restart=restart))
    if webhooks := context.services.webhooks_url():
        stderr.print(f"webhooks are received at {webhooks}", style="dim")
    stderr.print("it goes on in the background; infra sandbox down stops it", style="dim")


def doctor(
    settings: Annotated[bool, typer.Option("--settings", help="Also list every setting, its value and its meaning.")] = False,
    form: Form = Format.TABLE,
    output: Output = None,
) -> None:
    """Look at what is installed, reachable and configured, and say what to do about what is not. Exit code 1 where something is wrong.

    Examples: infra doctor --format json · infra doctor --settings
    """
    context = Context()
    findings = [*_look(context), *(_settings(context.settings) if settings else ())]
    table = Table("", "what", "found", "what to do")
    for finding in findings:
        table.add_row("[green]ok[/]" if finding.ok else "[bold red]no[/]", finding.what, finding.found, finding.remedy)
    markdown = "\n".join(f"- {'ok' if f.ok else 'NOT OK'} {f.what}: {f.found} {f.remedy}" for f in findings)
    write_table(table, [asdict(finding) for finding in findings], markdown, form, output)
    if not all(finding.ok for finding in findings):
        raise typer.Exit(FAILED)


def _look(context: Context) -> Iterator[Finding]:
    settings = context.settings
    yield _tools(settings)
    yield _sandbox(context)
    yield _fleet(context)
    yield _environments(settings)
    url = context.services.url()
    yield Finding("Dagster", True, url or "not running", "" if url else "infra rollout starts it when it needs it; make ui serves its page")
    yield _targets(context)
    yield _drift(context)
    for problem in problems(settings):
        yield Finding("notifications", False, problem, "docs/notifications.md says what belongs together.")
    for project in context.catalogue.projects:
        yield Finding(f"project {project.name}", True, str(project.file.relative_to(settings.root)))
    for problem in context.catalogue.problems:
        yield Finding(f"project {problem.name}", False, problem.message, "Mend it; the other projects are not concerned.")


def _targets(context: Context) -> Finding:
    planner = context.planner
    try:
        names, branches = list(planner.targets.targets), planner.mirror.fetch() if planner.targets.targets else dict[str, str]()
    except InfraError as error:
        return Finding("targets", False, error.message, error.remedy or f"See {context.settings.targets}.")
    if not names:
        return Finding("targets", True, f"none in {context.settings.targets}", "with them a merge deploys by itself: docs/rollouts.md")
    missing = [target.name for target in planner.targets.targets.values() if target.branch not in branches]
    return Finding("targets", True, ", ".join(names), f"no branch yet for {', '.join(missing)}" if missing else "")


def _drift(context: Context) -> Finding:
    settings = context.settings
    try:
        kept = len(artifacts(settings).list())
    except InfraError as error:
        return Finding("reports", False, error.message, error.remedy or "Check INFRA_REPORTS.")
    last = next(iter(context.checks.checks(kind="drift", states=[CheckState.DONE], limit=1)), None)
    when = f"every night ({settings.drift_cron} {settings.drift_zone})" if settings.drift_cron else "never by itself"
    found = f"{when}, last {last.created_at:%Y-%m-%d %H:%M} UTC" if last else f"{when}, not yet"
    return Finding("drift", True, f"{found}; {kept} files of reports in {settings.reports_url}", "" if last else "infra drift looks now")


def _settings(settings: Settings) -> Iterator[Finding]:
    for name, about in Settings.model_fields.items():
        value = getattr(settings, name)
        shown = make_url(value).render_as_string(hide_password=True) if name == "database_url" else value
        yield Finding(f"INFRA_{name.upper()}", True, "not set" if shown is None else str(shown), about.description or "")


def _tools(settings: Settings) -> Finding:
    found = tools.find(settings)
    if found is None:
        return Finding("engine and provider", False, "not set up", "infra sandbox up gets them: downloads, or builds from Go modules")
    origins = ", ".join(f"{name} {origin}" for name, origin in found.origin.items())
    return Finding("engine and provider", True, f"Pulumi {found.engine_version}, AWS provider {found.provider_version} ({origins})")


def _sandbox(context: Context) -> Finding:
    if context.settings.cloud != "sandbox":
        try:
            environment(context.settings)
        except InfraError as error:
            return Finding("AWS", False, error.message, error.remedy)
        return Finding("AWS", True, "the real one")
    status = context.sandbox.status()
    if not status.healthy:
        return Finding("sandbox", False, "does not run" if status.emulator is None else "does not answer", "infra sandbox up")
    try:
        context.sandbox.check()
    except InfraError as error:
        return Finding("sandbox", False, error.message, error.remedy)
    return Finding("sandbox", True, f"AWS at {status.emulator.server_url if status.emulator else ''}")


def _environments(settings: Settings) -> Finding:
    try:
        source = open_source(settings)
        count, problems = len(source.list()), list(source.problems())
        LazySealer(settings).sealer  # noqa: B018  # reads the keys
    except InfraError as error:
        return Finding("environments", False, error.message, error.remedy or "Check INFRA_ENVIRONMENTS and INFRA_SEAL_KEY_FILE.")
    if problems:
        return Finding("environments", False, "; ".join(problems), "Move or rename these files.")
    rules = rules_file(settings)
    access = f"access by {rules[0]}" if rules else "access by the default rules"
    return Finding("environments", True, f"{count} from {settings.environments}, {access}", "infra env lint looks into them")


def _fleet(context: Context) -> Finding:
    try:
        count = len(context.registry.list())
    except InfraError as error:
        return Finding("database", False, error.message, error.remedy)
    return Finding("fleet", True, f"{count} TEPs", "" if count else "infra fleet import fleet.yaml brings in the example")
