"""A secret goes through everything that could let it out, and is looked for everywhere: in clear, as base64, URL- and JSON-escaped."""

import base64
import json
import shutil
import threading
from collections.abc import Generator
from pathlib import Path
from urllib.parse import quote, quote_plus

import psutil
import pytest

from infra_assets.sandbox.tools import Tools
from infra_assets.stacks.encryption import PassphraseCrypter
from tests.end_to_end.house import House, Said

pytestmark = [pytest.mark.engine, pytest.mark.dagster, pytest.mark.timeout(600)]

CANARY = 'C4nary/s3cr3t+"é w0rd'
FORMS = sorted(
    {
        CANARY,
        json.dumps(CANARY)[1:-1],
        json.dumps(CANARY, ensure_ascii=False)[1:-1],
        quote(CANARY),
        quote(CANARY, safe=""),
        quote_plus(CANARY),
        base64.b64encode(CANARY.encode()).decode(),
        base64.urlsafe_b64encode(CANARY.encode()).decode(),
    }
)

LEAKY = """
import os, sys
from pathlib import Path

import pulumi
import pulumi_aws as aws

config = pulumi.Config()
token = config.require_secret("token")
clear = config.require("token")
print("printed:", clear)
print("to stderr:", clear, file=sys.stderr)
assert os.environ["SERVICE_TOKEN"] == clear
assert Path(os.environ["SERVICE_FILE"]).read_text() == "file of " + clear
topic = aws.sns.Topic("topic", display_name=config.require_object("nested")["label"])
pulumi.export("token", token)
pulumi.export("nested", {"deep": [pulumi.Output.secret(clear)], "name": topic.name})
pulumi.log.warn("logged: " + clear)
"""
RAISING = """
import pulumi

raise ValueError("cannot parse " + pulumi.Config().require("token"))
"""


class Watch(threading.Thread):
    """Looks at every process' arguments and at every temporary file for as long as something runs."""

    def __init__(self, *folders: Path) -> None:
        super().__init__(daemon=True)
        self.folders = folders
        self.found: set[str] = set()
        self.looks = 0
        self.programs: set[str] = set()
        self._end = threading.Event()

    def run(self) -> None:
        while not self._end.is_set():
            for process in psutil.process_iter(["cmdline", "name"]):
                line = " ".join(process.info["cmdline"] or ())
                self.programs.add(str(process.info["name"]))
                self.found |= {f"process {process.info['name']}" for form in FORMS if form in line}
            for folder in self.folders:
                self.found |= {f"file {path}" for path in clear_in(folder)}
            self.looks += 1
            self._end.wait(0.05)

    def end(self) -> None:
        self._end.set()
        self.join()


def clear_in(folder: Path) -> list[Path]:
    """Return the files below a folder that hold the canary in some form."""
    forms = [form.encode() for form in FORMS]
    found: list[Path] = []
    for path in folder.rglob("*"):
        try:
            content = path.read_bytes() if path.is_file() and not path.is_symlink() else b""
        except OSError:
            continue
        if any(form in content for form in forms):
            found.append(path)
    return found


@pytest.fixture(scope="module")
def temporary(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("temporary")


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory, temporary: Path, tools: Tools) -> Generator[House]:
    root = tmp_path_factory.mktemp("root")
    for name, program, about in (
        ("leaky", LEAKY, "{role: bootstrap, public_outputs: [nested], environment: [SERVICE_TOKEN, SERVICE_FILE]}"),
        ("raising", RAISING, "{role: bootstrap}"),
    ):
        folder = root / "pulumi_programs" / name
        folder.mkdir(parents=True)
        (folder / "Pulumi.yaml").write_text(f"name: {name}\nruntime: python\ninfra: {about}\n")
        (folder / "__main__.py").write_text(program)
    shutil.copy(Path(__file__).parents[2] / "workspace.yaml", root)
    built = House(root, tmp_path_factory.mktemp("home"))
    built.variables["TMPDIR"] = str(temporary)
    try:
        built.done("sandbox", "up")
        built.import_fleet("tenants: {acme: {environments: {dev: {}}}}")
        values = {
            "secret": {"fn::secret": CANARY},
            "pulumiConfig": {
                "leaky:token": "${secret}",
                "leaky:nested": {"label": "plain", "password": "${secret}"},
                "raising:token": "${secret}",
            },
            "environmentVariables": {"SERVICE_TOKEN": "${secret}"},
            "files": {"SERVICE_FILE": "file of ${secret}"},
        }
        draft = {"imports": ["fleet/acme-dev"], "values": values}
        file = built.write("tenants/acme-dev", draft)
        built.done("env", "seal", "--write", str(file))
        yield built
    finally:
        built.close()


@pytest.fixture(scope="module")
def watch(house: House, temporary: Path) -> Watch:
    return Watch(house.home, temporary)


@pytest.fixture(scope="module")
def rolled(house: House, watch: Watch) -> Said:
    watch.start()
    try:
        house.done("env", "show", "acme-dev", "--format", "json")
        house.infra("plan")
        return house.infra("rollout", "--wait", "--format", "json")
    finally:
        watch.end()


def test_the_secret_reaches_the_program_and_one_stack_is_deployed(house: House, rolled: Said) -> None:
    states = {cell["project"]: cell["state"] for cell in rolled.json["cells"]}
    assert states == {"leaky": "deployed", "raising": "failed"}, rolled.err
    state = json.loads((house.state / ".pulumi/stacks/leaky/acme-dev.json").read_text())["checkpoint"]["latest"]
    outputs = next(item["outputs"] for item in state["resources"] if item["type"] == "pulumi:pulumi:Stack")
    crypter = PassphraseCrypter((house.home / "sandbox" / "passphrase").read_text(), state["secrets_providers"]["state"]["salt"])
    assert json.loads(crypter.decrypt(outputs["token"]["ciphertext"])) == CANARY


def test_it_is_nowhere_in_clear(house: House, temporary: Path, rolled: Said, watch: Watch) -> None:
    assert watch.looks > 10
    assert {"pulumi"} <= watch.programs
    assert watch.found == set()
    assert clear_in(house.home) == []
    assert clear_in(temporary) == []


def test_what_is_told_of_it_is_masked(house: House, rolled: Said) -> None:
    everything = rolled.out + rolled.err + house.done("history", "acme-dev", "--format", "json").out
    assert not [form for form in FORMS if form in everything]
    message = next(cell["message"] for cell in rolled.json["cells"] if cell["project"] == "raising")
    assert message == "pulumi_programs/raising/__main__.py:4: cannot parse [secret]"
    entry = house.ledger.latest()["acme-dev", "leaky"]
    assert entry.outputs["nested"]["deep"] in (["[secret]"], "[secret]")
