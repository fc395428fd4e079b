import shutil
from importlib.metadata import version
from pathlib import Path

import pytest

from infra_assets.sandbox.tools.mapping import GOBUILD
from infra_assets.sandbox.tools.pins import TRIM, inputs_hash, read_pins


def test_the_provider_is_the_one_of_the_installed_sdk() -> None:
    assert read_pins().provider == version("pulumi_aws")


def test_go_mod_and_upstream_sum_pin_the_same_upstream() -> None:
    assert f"github.com/hashicorp/terraform-provider-aws {read_pins().upstream}\n" in (GOBUILD / "go.mod").read_text()


@pytest.mark.parametrize("changed", ["go.mod", "go.sum", "main.go", "types.txt", "renames.txt", "shim/shim.go", "upstream.sum", "trim.py"])
def test_the_hash_changes_with_each_input(tmp_path: Path, changed: str) -> None:
    gobuild = shutil.copytree(GOBUILD, tmp_path / "gobuild")
    trim = shutil.copyfile(TRIM, tmp_path / "trim.py")
    before = inputs_hash(gobuild, trim)
    assert before == inputs_hash(gobuild, trim)
    path = trim if changed == "trim.py" else gobuild / changed
    path.write_text(path.read_text().replace("h1:", "h1:A", 1) + "\n")
    assert inputs_hash(gobuild, trim) != before
