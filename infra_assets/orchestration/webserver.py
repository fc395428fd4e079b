"""Dagster's webserver, which also shows reports: the matrix is one click away from the asset, behind the same door.

`python -m infra_assets.orchestration.webserver` takes what `dagster-webserver` takes.
"""

from typing import Any

from dagster_webserver import cli
from dagster_webserver.webserver import DagsterWebserver
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from infra_assets import settings
from infra_assets.errors import InfraError
from infra_assets.fleet.database import connect
from infra_assets.previews.finishing import artifacts
from infra_assets.previews.store import CheckStore
from infra_assets.reports.artifacts import made_at
from infra_assets.runs import report_page

KINDS = {
    "html": "text/html; charset=utf-8",
    "json": "application/json",
    "csv": "text/csv; charset=utf-8",
    "md": "text/markdown; charset=utf-8",
}
_POLICY = ("default-src 'none'", "style-src 'unsafe-inline'", "script-src 'unsafe-inline'", "img-src data:", "frame-ancestors 'self'")
# The page brings all that it needs, and talks to nobody.
SAFE = {
    "Content-Security-Policy": "; ".join(_POLICY),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "private, no-cache",
}


class FleetWebserver(DagsterWebserver[Any, Any]):
    """Dagster's, with reports below `/reports`."""

    def build_routes(self) -> Any:
        """Return Dagster's routes, after ours: its last one takes everything."""
        ours = [
            Route("/reports", newest),
            Route("/reports/latest", newest),
            Route("/reports/{check}/report.{form}", report),
        ]
        return [*ours, *super().build_routes()]


async def newest(_: Request) -> Response:
    """Lead to the newest report of drift."""
    store = CheckStore(connect(settings.load().database_url))
    found = await run_in_threadpool(lambda: store.checks(kind="drift", states=["done"], limit=10))
    kept = next((check for check in found if check.reported), None)
    if kept is None:
        return PlainTextResponse("There is no report yet: infra drift makes one, and every night does.", status_code=404)
    return RedirectResponse(report_page(kept.id), status_code=307)


async def report(request: Request) -> Response:
    """Show a report."""
    check, form = str(request.path_params["check"]), str(request.path_params["form"])
    if made_at(check) is None or form not in KINDS:
        return PlainTextResponse("There is no such report.", status_code=404)
    try:
        content = await run_in_threadpool(lambda: artifacts(settings.load()).get(f"{check}/report.{form}"))
    except InfraError as error:
        return PlainTextResponse(str(error), status_code=503)
    if content is None:
        said = f"There is no report {check}: it is not written yet, or was removed after INFRA_REPORTS_DAYS."
        return PlainTextResponse(said, status_code=404)
    return Response(content, media_type=KINDS[form], headers=SAFE)


def _app(workspace_process_context: Any, path_prefix: str = "", live_data_poll_rate: int | None = None, **options: Any) -> Any:
    server: Any = FleetWebserver(workspace_process_context, path_prefix, live_data_poll_rate)
    return server.create_asgi_app(**options)


if __name__ == "__main__":
    cli.create_app_from_workspace_process_context = _app  # pyright: ignore[reportPrivateImportUsage]
    cli.main()
