"""The Dagster of this host: code server, daemon, webserver and the warm host, as background processes.

They share one code server, find each other through files in `HOME/run`, and outlive the command that started them. Does not import
dagster: the commands that only ask whether it runs must be quick.
"""

import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import httpx
import psutil
import yaml
from filelock import FileLock

from infra_assets import processes
from infra_assets.errors import InfraError, NotRunningError
from infra_assets.sandbox.cloud import environment
from infra_assets.settings import Settings

LOCATION = "infra_assets"
WARM = "warm"
NAMES = ("code-server", WARM, "daemon", "webserver")
WARM_MODULE = "infra_assets.orchestration.warm"
COLD_MODULE = "infra_assets.orchestration.worker"
CONFIG = "dagster.yaml"
START_S = 90.0
STOP_S = 10.0


class Services:
    """Starts, finds and stops the Dagster of this host."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._folder = settings.home / "run"

    def url(self) -> str | None:
        """Return the webserver's address, None if no Dagster runs. Cheap: nobody is asked."""
        if self._settings.dagster_url:
            return self._settings.dagster_url.rstrip("/")
        if any(self.find(name) is None for name in ("daemon", "webserver")):
            return None
        port = json.loads((self._folder / "address.json").read_text(encoding="utf-8"))["port"]
        return f"http://127.0.0.1:{port}"

    def find(self, name: str) -> psutil.Process | None:
        """Return one of the processes if it lives."""
        return processes.find(self._folder / f"{name}.json")

    def start(self, progress: Callable[[str], None] = lambda _: None, *, port: int = 0, restart: bool = False) -> str:
        """Start what does not run yet (or everything anew) and return the webserver's address; harmless when all runs.

        Raises:
            InfraError: one of them does not come up; the message holds the end of its log.
        """
        if self._settings.dagster_url and not _answers(self._settings.dagster_url):
            raise NotRunningError(f"Dagster at {self._settings.dagster_url} does not answer", remedy="Check INFRA_DAGSTER_URL.")
        self._folder.mkdir(parents=True, exist_ok=True)
        with FileLock(self._folder / "start.lock"):
            if not restart and (url := self.url()) and _answers(url):
                return url
            progress("starting Dagster: code server, daemon, webserver")
            self.stop()
            return self._launch(port or _free_port())

    def stop(self) -> bool:
        """Stop all of them; running deployments go on to their end. Returns whether there were any."""
        running = {name: process for name in reversed(NAMES) if (process := self.find(name))}
        # The warm host's children are the runs' workers.
        processes.stop([process for name, process in running.items() if name != WARM], grace_s=STOP_S)
        processes.stop([process for name, process in running.items() if name == WARM], grace_s=STOP_S, children=False)
        for name in NAMES:
            (self._folder / f"{name}.json").unlink(missing_ok=True)
        return bool(running)

    def workers(self) -> list[psutil.Process]:
        """Return the processes of runs that are going on, whether or not a Dagster still knows of them."""
        host = self.find(WARM)
        found: list[psutil.Process] = []
        for process in psutil.process_iter(["cmdline", "environ"]):
            variables: Mapping[str, str] = process.info["environ"] or {}
            command: list[str] = process.info["cmdline"] or []
            ours = variables.get("INFRA_HOME") == str(self._settings.home)
            worker = ours and (WARM_MODULE in command or COLD_MODULE in command)
            if worker and (host is None or process.pid != host.pid):
                found.append(process)
        return found

    def stop_workers(self) -> int:
        """Ask the runs that are going on to stop gracefully, wait for them, and return how many there were."""
        workers = self.workers()
        processes.stop(workers, grace_s=self._settings.grace_s, children=False)
        return len(workers)

    def _launch(self, port: int) -> str:
        bin_folder = Path(sys.executable).parent
        code_socket = self._folder / "code.sock"
        workspace = self._folder / "workspace.yaml"
        workspace.write_text(
            yaml.safe_dump({"load_from": [{"grpc_server": {"socket": str(code_socket), "location_name": LOCATION}}]}), encoding="utf-8"
        )
        code_socket.unlink(missing_ok=True)
        self._write_config()
        self._create_storage()
        dagster = str(bin_folder / "dagster")
        self._spawn(WARM, [sys.executable, "-m", WARM_MODULE])
        self._spawn(
            "code-server",
            [dagster, "code-server", "start", "-m", "infra_assets.definitions", "--location-name", LOCATION, "--socket", str(code_socket)],
        )
        # The webserver and the daemon import for seconds; meanwhile the code server gets ready for them.
        self._spawn("daemon", [str(bin_folder / "dagster-daemon"), "run", "-w", str(workspace)])
        self._spawn("webserver", [str(bin_folder / "dagster-webserver"), "-h", "127.0.0.1", "-p", str(port), "-w", str(workspace)])
        (self._folder / "address.json").write_text(json.dumps({"port": port}), encoding="utf-8")
        url = f"http://127.0.0.1:{port}"
        if not processes.wait_until(lambda: _answers(url) or self._dead() != "", seconds=START_S) or self._dead():
            name = self._dead() or "webserver"
            end = processes.log_end(self._folder / f"{name}.log")
            self.stop()
            raise InfraError(f"Dagster's {name} did not come up\n{end}", remedy=f"Its log: {self._folder / f'{name}.log'}")
        return url

    def _write_config(self) -> None:
        """See to it that the home has a dagster.yaml: without it Dagster would run with a queue and a launcher of its own."""
        ours, standard = self._settings.home / CONFIG, self._settings.root / "dagster_home" / CONFIG
        if ours.exists():
            return
        if not standard.exists():
            raise InfraError(f"no {CONFIG} in {self._settings.home}", remedy="Copy the one of the project's dagster_home there.")
        shutil.copyfile(standard, ours)

    def _create_storage(self) -> None:
        """Create Dagster's own databases before several processes try to at once, and fail on each other's migrations."""
        created = self._settings.home / "run" / "storage-created"
        if created.exists():
            return
        code = "import dagster; dagster.DagsterInstance.get().get_runs_count()"
        done = subprocess.run([sys.executable, "-c", code], env=dict(self._environment()), capture_output=True, text=True, check=False)
        if done.returncode:
            raise InfraError(
                f"Dagster cannot open its storage:\n{done.stderr[-2000:]}", remedy=f"See {self._settings.home / 'dagster.yaml'}."
            )
        created.touch()

    def _spawn(self, name: str, command: list[str]) -> None:
        pid = processes.spawn(command, self._environment(), self._folder / f"{name}.log")
        processes.record(self._folder / f"{name}.json", pid)

    def _dead(self) -> str:
        return next((name for name in NAMES if self.find(name) is None), "")

    def _environment(self) -> Mapping[str, str]:
        """The environment of Dagster and of every run: nothing of AWS but what the settings say."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "PULUMI_", "PYTHONDONTWRITE"))}
        kept |= {"INFRA_ROOT": str(self._settings.root), "INFRA_HOME": str(self._settings.home), "DAGSTER_HOME": str(self._settings.home)}
        # In runs every AWS call gets its proxy and credentials explicitly (see cloud.environment); loopback must stay direct.
        kept |= {"NO_PROXY": "127.0.0.1,localhost", "no_proxy": "127.0.0.1,localhost"}
        environment(self._settings)  # refuses early where AWS cannot be reached at all
        return kept


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _answers(url: str) -> bool:
    """Whether the webserver serves a code location that is loaded."""
    query = "{ repositoriesOrError { ... on RepositoryConnection { nodes { name } } } }"
    try:
        answer = httpx.post(f"{url}/graphql", json={"query": query}, timeout=10, trust_env=False).json()
        return bool(answer["data"]["repositoriesOrError"].get("nodes"))
    except (httpx.HTTPError, ValueError, KeyError, TypeError):
        return False
