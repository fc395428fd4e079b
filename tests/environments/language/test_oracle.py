"""The official evaluator as a program: built once, loudly missed, and replaced when it ends."""

import shutil

import pytest

from infra_assets.errors import InfraError
from tests.environments.language import oracle as oracles
from tests.environments.language.conftest import Tally, give_up
from tests.environments.language.oracle import Built, NoAnswerError, Oracle, build

pytestmark = pytest.mark.timeout(1800)


def test_it_is_built_once(built: Built, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(oracles, "_build", lambda *_: pytest.fail("built again"))
    assert build() == built


def test_another_source_is_another_program(built: Built, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    copy = tmp_path_factory.mktemp("sources") / "oracle_go"
    shutil.copytree(oracles.SOURCES, copy)
    before = oracles._fingerprint("go1")
    monkeypatch.setattr(oracles, "SOURCES", copy)
    assert oracles._fingerprint("go1") == before
    assert oracles._fingerprint("go2") != before
    (copy / "main.go").write_text("package main")
    assert oracles._fingerprint("go1") != before


def test_without_go_the_session_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    tally = Tally()
    monkeypatch.delenv("CI", raising=False)
    with pytest.raises(pytest.skip.Exception, match="NOT COMPARED"):
        give_up(tally, InfraError("no Go on PATH"))
    assert tally.missing == "NOT COMPARED with the official evaluator: no Go on PATH"


def test_in_ci_a_missing_go_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match="NOT COMPARED"):
        give_up(Tally(), InfraError("no Go on PATH"))


def test_when_the_process_ends_the_next_request_starts_another(built: Built) -> None:
    running = Oracle(built.program)
    assert running.ask(b"values: {a: 1}", {}, name="a")["eval"]["revealed"] == {"a": {"#": "1"}}
    assert running._process
    running._process.kill()
    with pytest.raises(NoAnswerError):
        running.ask(b"values: {a: 1}", {}, name="a")
    assert running.ask(b"values: {a: 2}", {}, name="a")["eval"]["revealed"] == {"a": {"#": "2"}}
    running.close()
