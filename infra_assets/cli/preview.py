"""`infra preview`: what a proposed change would do to every stack that it touches, before it is merged."""

import getpass
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated

import typer

from infra_assets.cli.checking import follow, write_report
from infra_assets.cli.context import Context
from infra_assets.cli.options import Environments, Output, Projects, ReportForm, Rings, Tenants, Teps, selection
from infra_assets.cli.output import Format, stderr
from infra_assets.environments.proposal import open_proposal
from infra_assets.errors import DIFFERENCES, FAILED, UsageError
from infra_assets.fleet.document import read
from infra_assets.fleet.importer import teps_of
from infra_assets.fleet.models import Tep
from infra_assets.fleet.selection import Selection
from infra_assets.planning.planner import Planner
from infra_assets.previews.beginning import Proposed, begin_preview, static_preview
from infra_assets.previews.comment import MARKER, write
from infra_assets.previews.policy import FailOn, parse
from infra_assets.previews.programs import proposed_programs
from infra_assets.previews.pull_request import from_environment, links
from infra_assets.reports.markdown import as_comment
from infra_assets.reports.matrix import CHANGED, ERROR, MAYBE
from infra_assets.reports.report import Report
from infra_assets.runs import report_page

EXAMPLES = "infra preview --environments my-branch · infra preview --programs my-branch --base main --fail-on replace,delete,error"


def preview(
    teps: Teps = None, tenants: Tenants = None, environments: Environments = None, rings: Rings = None, projects: Projects = None,
    proposed_environments: Annotated[
        str | None,
        typer.Option("--environments", metavar="REF|DIR", help="Environments of a branch, a folder, or draft:PROJECT/ENV@ID."),
    ] = None,
    programs: Annotated[
        str | None, typer.Option("--programs", metavar="REF", help="Programs of a branch, a tag or a commit; . is what lies on disk.")
    ] = None,
    base: Annotated[
        str | None, typer.Option("--base", metavar="REF", help="What it is to be merged into. Default: what is live.")
    ] = None,
    fail_on: Annotated[
        str | None, typer.Option("--fail-on", metavar="WORDS", help="Exit code 1 on create, update, replace, delete, stateful, error, any; "
                                 "0 otherwise. Without it: 3 where something changes, 1 on an error.")
    ] = None,
    comment: Annotated[bool, typer.Option("--comment", help="Post or update one comment on the pull request that CI is about.")] = False,
    pull_request: Annotated[int | None, typer.Option("--pull-request", metavar="N", help="On this one.")] = None,
    static: Annotated[
        bool, typer.Option("--static", help="Say which stacks it touches, without an engine, credentials, or running anything of it.")
    ] = False,
    fleet: Annotated[
        Path | None, typer.Option("--fleet", help="With --static: the TEPs of a fleet file, in the place of the register.", dir_okay=False)
    ] = None,
    form: ReportForm = Format.TABLE, output: Output = None,
) -> None:  # fmt: skip
    """Show what a proposed change would do to every stack that it touches. Changes nothing.

    Exit code 0: nothing would change; 1: something could not be previewed, or --fail-on says so; 3: something would.

    Examples: infra preview --environments my-branch · infra preview --environments ./proposal --tenant acme ·
    infra preview --programs my-branch --base main --fail-on replace,delete,error
    """
    if proposed_environments is None and programs is None:
        raise UsageError("nothing is proposed", remedy=f"--environments REF|DIR, --programs REF, or both: {EXAMPLES}")
    if fleet is not None and not static:
        raise UsageError("--fleet is for --static: everything else knows the fleet from its register")
    policy = parse(fail_on) if fail_on is not None else None
    where = from_environment(os.environ, pull_request) if comment else None
    context = Context()
    chosen = selection(teps, tenants, environments, rings, projects)
    wanted = _proposed(context.planner, proposed_environments, programs, base)
    for line in wanted.notes:
        stderr.print(f"note: {line}", style="yellow", highlight=False, markup=False, soft_wrap=True)
    report = _static(context, chosen, wanted, fleet) if static else _previewed(context, chosen, wanted)
    write_report(report, form, output)
    if where is not None:
        published = write(where, as_comment(report, marker=MARKER, links=_links(context, report)))
        stderr.print(f"comment: {published.address}", highlight=False, markup=False, soft_wrap=True)
    _exit(report, policy)


def _proposed(planner: Planner, environments: str | None, programs: str | None, base: str | None) -> Proposed:
    # A folder and a draft have no base; it is then that of the programs alone.
    branch = base if environments and not _without_base(environments) else None
    return Proposed(
        open_proposal(planner.settings, environments, base=branch) if environments else None,
        proposed_programs(planner, programs, base) if programs else None,
    )


def _without_base(environments: str) -> bool:
    return environments.startswith(("draft:", "/", "./", "../")) or environments.endswith("/")


def _previewed(context: Context, chosen: Selection, wanted: Proposed) -> Report:
    check = begin_preview(context.planner, context.teps(chosen), chosen, wanted, getpass.getuser(), _say)
    touched = context.checks.cells(check.id)
    stderr.print(f"check {check.id}: {len({cell.tep for cell in touched})} of {len(check.teps)} TEPs are touched", highlight=False)
    return context.report(follow(context, check))


def _static(context: Context, chosen: Selection, wanted: Proposed, fleet: Path | None) -> Report:
    every: Sequence[Tep] = teps_of(read(fleet)) if fleet else context.registry.list()
    if not every:
        raise UsageError("the fleet is empty", remedy="--fleet FILE names its TEPs; infra fleet import FILE brings them in.")
    check, cells = static_preview(context.planner, chosen.pick(every), chosen, wanted, _say)
    return context.report(check, cells, {tep.name: tep for tep in every})


def _links(context: Context, report: Report) -> Mapping[str, str]:
    """Return where the whole report is, where people can reach it at all."""
    base = context.settings.public_url
    return ({"the whole report": base.rstrip("/") + report_page(report.id)} if base else {}) | dict(links(os.environ))


def _say(text: str) -> None:
    stderr.print(text, style="dim", highlight=False)


def _exit(report: Report, policy: FailOn | None) -> None:
    if policy is not None:
        reasons = policy.verdict(report)
        for reason in reasons:
            stderr.print(f"fails: {reason}", style="red", highlight=False, markup=False, soft_wrap=True)
        if reasons:
            raise typer.Exit(FAILED)
        return
    summary = report.summary
    if summary.get(ERROR):
        raise typer.Exit(FAILED)
    if summary.get(CHANGED) or summary.get(MAYBE):
        raise typer.Exit(DIFFERENCES)
