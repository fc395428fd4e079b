"""The overlap by the call log: what it counts, and what it does not."""

from infra_assets.sandbox.emulator import Call
from tests.end_to_end.overlap import OPERATIONS, busiest, spans


def call(at: float, account: str, key: str = "", *, lasting: float = 0.1, reads: bool = False) -> Call:
    return Call(1, at, lasting, "ec2", "CreateVpc", account, key or f"KEY-{account}", "us-east-1", reads, 200)


def test_one_account_after_the_other_is_one_at_once() -> None:
    assert busiest([call(0, "a"), call(5, "a"), call(5.1, "b"), call(9, "b")]) == 1


def test_accounts_side_by_side_are_counted() -> None:
    assert busiest([call(0, "a"), call(9, "a"), call(1, "b"), call(8, "b"), call(2, "c"), call(3, "c"), call(20, "d")]) == 3


def test_a_runs_pause_between_two_calls_belongs_to_it() -> None:
    """The engine of the next project starts, and nobody calls."""
    assert busiest([call(0, "a"), call(12, "a"), call(5, "b")]) == 2


def test_two_logins_to_one_account_are_two_pieces_of_work() -> None:
    """Its second run waited in the queue between them, while another account had its place."""
    calls = [call(0, "a", "first"), call(4, "a", "first"), call(5, "b"), call(9, "b"), call(10, "a", "second"), call(12, "a", "second")]
    assert busiest(calls) == 1
    assert spans(calls)["a"] == [(0, 4.1), (10, 12.1)]


def test_two_logins_at_once_to_one_account_are_one_account() -> None:
    assert busiest([call(0, "a", "run"), call(9, "a", "run"), call(1, "a", "check"), call(2, "a", "check")]) == 1


def test_credentials_that_were_long_quiet_are_new_work() -> None:
    assert busiest([call(0, "a"), call(100, "a"), call(50, "b")]) == 1


def test_reading_counts_as_previews_and_drift_checks_only_read() -> None:
    assert busiest([call(0, "a", reads=True), call(5, "a", reads=True), call(1, "b"), call(2, "b")]) == 2


def test_a_call_lasts_until_its_answer() -> None:
    assert busiest([call(0, "a", lasting=60), call(40, "b")]) == 2


def test_the_operations_account_is_nobodys_deployment() -> None:
    assert busiest([call(0, OPERATIONS), call(9, OPERATIONS), call(1, "a")]) == 1


def test_nothing_is_nothing_at_once() -> None:
    assert busiest([]) == 0
