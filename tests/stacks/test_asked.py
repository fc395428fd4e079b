"""What a program asked for of its environment is there for its run alone."""

import os
from pathlib import Path

from infra_assets.environments.language.model import value_of
from infra_assets.environments.resolution import CellConfiguration
from infra_assets.stacks.asked import asked


def test_variables_and_files_are_there_for_the_run_and_gone_afterwards(monkeypatch) -> None:
    monkeypatch.setenv("ALREADY", "mine")
    configuration = CellConfiguration(
        variables={"TOKEN": value_of("t0ken", secret=True), "ALREADY": value_of("theirs")},
        files={"KUBECONFIG": value_of("clusters: []\n", secret=True)},
    )
    with asked(configuration) as given:
        assert (os.environ["TOKEN"], os.environ["ALREADY"]) == ("t0ken", "theirs")
        path = Path(given["KUBECONFIG"])
        assert path.read_text() == path.read_text() == "clusters: []\n"
        assert path.is_relative_to("/proc")  # memory: nothing is written to a disk
    assert (os.environ.get("TOKEN"), os.environ["ALREADY"], os.environ.get("KUBECONFIG")) == (None, "mine", None)
    assert not path.exists()
