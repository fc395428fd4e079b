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
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import httpx
import psutil
import yaml
from filelock import FileLock

from infra_assets import processes
from infra_assets.errors import InfraError, NotRunningError
from infra_assets.sandbox.cloud import environment
from infra_assets.settings import Settings
from infra_assets.stacks.rooms import rooms, sweep

LOCATION = "infra_assets"
CODE = "code-server"
WARM = "warm"
NAMES = (CODE, WARM, "daemon", "webserver")
WEBHOOKS = "webhooks"
"""Runs only where there is a secret to check deliveries with."""
WEBHOOKS_MODULE = "infra_assets.orchestration.webhooks"
WARM_MODULE = "infra_assets.orchestration.warm"
COLD_MODULE = "infra_assets.orchestration.worker"
WEBSERVER_MODULE = "infra_assets.orchestration.webserver"
ALONE = {WARM: WARM_MODULE, WEBHOOKS: WEBHOOKS_MODULE}
"""What is started again by itself: the others do not stay connected to it."""
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
        return f"http://127.0.0.1:{self._address()}"

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
            gone = self._gone()
            if not restart and set(gone) <= ALONE.keys() and (url := self.url()) and _answers(url):
                for name in gone:
                    self._spawn(name, [sys.executable, "-m", ALONE[name]])
                return url
            progress("starting Dagster: code server, daemon, webserver")
            before = self._address()
            self.stop()
            sweep(rooms(self._settings.home))
            # Where people have it open already, if that is still to be had.
            return self._launch(port or (before if before and _is_free(before) else _free_port()))

    def missing(self) -> list[str]:
        """Return which of them do not run, of those that this host starts and that rollouts need."""
        return [name for name in self._gone() if name in NAMES]

    def _gone(self) -> list[str]:
        return [] if self._settings.dagster_url else [name for name in self._names() if not self._serves(name)]

    def _serves(self, name: str) -> bool:
        """Whether a process lives. The code server loads the code in a child, and starts no other where that one dies."""
        process = self.find(name)
        return process is not None and (name != CODE or _has_children(process))

    def webhooks_url(self) -> str | None:
        """Return where webhooks are received, None where they are not."""
        from infra_assets.orchestration.webhooks import address

        return address(self._settings.home) if self.find(WEBHOOKS) else None

    def _names(self) -> Sequence[str]:
        return (*NAMES, WEBHOOKS) if self._settings.webhook_secret else NAMES

    def _address(self) -> int | None:
        file = self._folder / "address.json"
        return int(json.loads(file.read_text(encoding="utf-8"))["port"]) if file.exists() else None

    def stop(self) -> bool:
        """Stop all of them; running deployments go on to their end. Returns whether there were any."""
        running = {name: process for name in reversed((*NAMES, WEBHOOKS)) if (process := self.find(name))}
        # The warm host's children are the runs' workers, and so are the daemon's where there was no warm host.
        processes.stop([process for name, process in running.items() if name != CODE], grace_s=STOP_S, children=False)
        processes.stop([process for name, process in running.items() if name == CODE], grace_s=STOP_S)
        for name in (*NAMES, WEBHOOKS):
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
            CODE,
            [dagster, "code-server", "start", "-m", "infra_assets.definitions", "--location-name", LOCATION, "--socket", str(code_socket)],
        )
        # The webserver and the daemon import for seconds; meanwhile the code server gets ready for them.
        self._spawn("daemon", [str(bin_folder / "dagster-daemon"), "run", "-w", str(workspace)])
        if self._settings.webhook_secret:
            self._spawn(WEBHOOKS, [sys.executable, "-m", WEBHOOKS_MODULE])
        self._spawn("webserver", [sys.executable, "-m", WEBSERVER_MODULE, "-h", "127.0.0.1", "-p", str(port), "-w", str(workspace)])
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


def _has_children(process: psutil.Process) -> bool:
    try:
        return any(child.status() != psutil.STATUS_ZOMBIE for child in process.children())
    except psutil.NoSuchProcess:
        return False


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


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
