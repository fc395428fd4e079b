"""The warm host: what it imports beforehand, and that nothing depends on it."""

from pathlib import Path

from infra_assets.orchestration import warm


def test_it_knows_from_the_source_what_programs_use_of_the_provider(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("import pulumi_aws as aws\nvpc = aws.ec2.Vpc('x')\ndef f(role: aws.iam.Role): ...\nother.ec2.Subnet")
    (tmp_path / "broken.py").write_text("def (")
    assert warm.used_classes(tmp_path.glob("*.py")) == {("ec2", "Vpc"), ("iam", "Role")}


def test_without_a_host_nobody_answers(tmp_path: Path) -> None:
    assert warm.request(tmp_path, "some-run") is None


def test_a_host_that_died_is_as_none(tmp_path: Path) -> None:
    path = warm.socket_path(tmp_path)
    path.parent.mkdir()
    path.write_text("")
    assert warm.request(tmp_path, "some-run") is None
