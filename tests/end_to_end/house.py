"""A control plane of its own for a test: a home, a sandbox, a Dagster, and the `infra` command on them."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from infra_assets.fleet.accounts import role_arn
from infra_assets.fleet.database import connect
from infra_assets.fleet.models import Tep
from infra_assets.fleet.registry import Registry
from infra_assets.orchestration.client import DagsterClient
from infra_assets.orchestration.services import Services
from infra_assets.sandbox import emulator
from infra_assets.sandbox.cloud import Aws, environment
from infra_assets.sandbox.emulator import Emulator
from infra_assets.settings import Settings
from infra_assets.stacks.ledger import Ledger
from infra_assets.stacks.state import FolderStore, read_checkpoint, read_locks

# A shell's background job ignores Ctrl-C; a test says whether the command does. Not by `preexec_fn`: that forks, and gRPC, which tests
# use in this process, does not always survive a fork.
HEARING = ["/usr/bin/env", "--default-signal=INT"]
DEAF = ["/usr/bin/env", "--ignore-signal=INT"]
INFRA = str(Path(sys.executable).with_name("infra"))


@dataclass(frozen=True)
class Said:
    """What a command said."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Its standard output as JSON."""
        return json.loads(self.out)


class House:
    """Everything of one control plane, in one folder."""

    def __init__(self, root: Path, home: Path, cap: int = 3) -> None:
        home.mkdir(parents=True, exist_ok=True)
        ours = Path(__file__).parents[2]
        shutil.copy(ours / "dagster_home" / "dagster.yaml", home)
        self.environments = home / "environments"
        """A copy of the sample set, for a test to edit."""
        shutil.copytree(ours / "environments", self.environments, dirs_exist_ok=True)
        self.root = root
        self.home = home
        self.cap = cap
        self.variables = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("INFRA_", "DAGSTER_", "PYTHONDONTWRITE"))},
            "INFRA_ROOT": str(root),
            "INFRA_HOME": str(home),
            "INFRA_CAP": str(cap),
            "INFRA_TARGETS": str(self.targets),
            "INFRA_ENVIRONMENTS": self._sources,
            "INFRA_SEAL_KEY_FILE": str(self.environments / "demo.key"),
            "INFRA_GRACE_S": "60",
            "NO_COLOR": "1",
            "COLUMNS": "200",
        }

    @property
    def settings(self) -> Settings:
        return Settings.model_validate(
            {
                "root": self.root,
                "home": self.home,
                "cache_dir": Path.home() / ".cache" / "infra-assets",
                "state_backend": self.state.as_uri(),
                "database_url": f"sqlite:///{self.home / 'infra.db'}",
                "cap": self.cap,
                "targets": self.targets,
                "environments": self._sources,
                "seal_key_file": self.environments / "demo.key",
            }
        )

    @property
    def targets(self) -> Path:
        """Which branch deploys to which TEPs; there is no such file until a test writes it, so that nothing deploys by itself."""
        return self.home / "targets.yaml"

    @property
    def _sources(self) -> str:
        return f"store,{self.environments}"

    @property
    def state(self) -> Path:
        return self.home / "sandbox" / "state"

    @property
    def emulator(self) -> Emulator:
        found = emulator.find(self.home / "sandbox")
        assert found is not None, "the emulator does not run"
        return found

    @property
    def ledger(self) -> Ledger:
        return Ledger(connect(self.settings.database_url))

    @property
    def registry(self) -> Registry:
        return Registry(connect(self.settings.database_url))

    @property
    def dagster(self) -> DagsterClient:
        url = Services(self.settings).url()
        assert url is not None, "Dagster does not run"
        return DagsterClient(url)

    def infra(self, *arguments: str, timeout_s: float = 240, deaf: bool = False, **variables: str) -> Said:
        """Run the command, as a user does; `deaf`: in a shell's background, where Ctrl-C is ignored."""
        done = subprocess.run(
            [*(DEAF if deaf else HEARING), INFRA, *arguments],
            env=self.variables | variables,
            cwd=self.root,
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=False,
        )
        return Said(done.returncode, done.stdout, done.stderr)

    def done(self, *arguments: str, **options: Any) -> Said:
        """Run the command and expect success."""
        said = self.infra(*arguments, **options)
        assert said.code == 0, f"infra {' '.join(arguments)} → {said.code}\n{said.out}\n{said.err}"
        return said

    def started(self, *arguments: str) -> "subprocess.Popen[str]":
        """Start the command in the background."""
        return subprocess.Popen(
            [*HEARING, INFRA, *arguments],
            env=self.variables,
            cwd=self.root,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def import_fleet(self, text: str) -> Said:
        """Bring in a fleet file of this content; what it has as `settings` becomes the TEP's environment."""
        content = yaml.safe_load(text)
        for tenant, entry in content["tenants"].items():
            for name, about in entry["environments"].items():
                if "settings" in about:
                    self.configure(f"{tenant}-{name}", about.pop("settings"))
        file = self.home / "fleet.yaml"
        file.write_text(yaml.safe_dump(content))
        return self.done("fleet", "import", str(file))

    def configure(self, tep: str, settings: Mapping[str, Mapping[str, Any]], **values: Any) -> None:
        """Write a TEP's environment: configuration by project and key, other values besides."""
        configuration = {f"{project}:{key}": value for project, keys in settings.items() for key, value in keys.items()}
        self.write(f"tenants/{tep}", {"imports": [f"fleet/{tep}"], "values": {"pulumiConfig": configuration, **values}})

    def write(self, environment: str, content: Any) -> Path:
        """Write an environment; returns its file."""
        file = self.environments / f"{environment}.yaml"
        file.parent.mkdir(exist_ok=True)
        file.write_text(content if isinstance(content, str) else json.dumps(content, indent=2))
        return file

    def client(self, tep: Tep, service: str) -> Any:
        """Return a boto3 client in the TEP's account, by the role that stacks are deployed with."""
        aws = Aws(environment(self.settings))
        session = aws.session(role_arn=role_arn(tep, "deploy"), external_id=tep.external_id)
        return aws.client(session, service, tep.region)

    def states(self, *arguments: str) -> dict[tuple[str, str], str]:
        """Return what `infra status` shows, by TEP and project."""
        return {(cell["tep"], cell["project"]): cell["state"] for cell in self.done("status", "--format", "json", *arguments).json["cells"]}

    def leftovers(self, project: str, tep: str) -> Mapping[str, Any]:
        """Return the locks and pending operations of a stack."""
        store = FolderStore(self.state)
        checkpoint = read_checkpoint(store, project, tep)
        return {"locks": read_locks(store, project, tep), "pending": checkpoint.pending if checkpoint else ()}

    def resource_ids(self, project: str, tep: str, kind: str) -> set[str]:
        """Return the ids of a stack's resources of one type, from its state."""
        content = json.loads((self.state / f".pulumi/stacks/{project}/{tep}.json").read_text())
        return {r["id"] for r in content["checkpoint"]["latest"].get("resources") or () if r["type"] == kind}

    def close(self) -> None:
        """Stop everything."""
        self.infra("sandbox", "down", "--force")
        for work in psutil_workers(self.home):
            work.kill()


def psutil_workers(home: Path) -> list[Any]:
    """Return processes that still work in a home: there should be none."""
    import psutil

    everyone = psutil.process_iter(["environ"])
    return [process for process in everyone if (process.info["environ"] or {}).get("INFRA_HOME") == str(home)]


def wait_for(what: str, ready: Callable[[], Any], seconds: float = 60) -> Any:
    """Wait until something is true and return it."""
    deadline = time.monotonic() + seconds
    while not (result := ready()):
        assert time.monotonic() < deadline, f"waited {seconds:.0f} s for {what}"
        time.sleep(0.1)
    return result


def interrupt(process: "subprocess.Popen[str]") -> None:
    """Press Ctrl-C."""
    process.send_signal(signal.SIGINT)
