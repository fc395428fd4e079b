"""What tests and reports ask the emulator for: who called what, and trouble on order."""

import json
import threading
import time
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from infra_assets.sandbox import emulator
from infra_assets.sandbox.emulator import Emulator, Fault
from infra_assets.sandbox.emulator.journal import Journal
from tests.sandbox.emulator.clients import OPERATIONS, operations


@pytest.fixture(autouse=True)
def no_faults(running: Emulator):
    yield
    emulator.clear_faults(running)


def last(running: Emulator) -> int:
    return emulator.calls(running)[-1].n if emulator.calls(running) else 0


def test_a_call_is_noted_with_who_and_what(running: Emulator):
    clients = operations(running).assume("222222222222")
    before = last(running)
    clients("ec2").describe_vpcs()
    clients("cloudwatch").put_metric_data(Namespace="n", MetricData=[{"MetricName": "m", "Value": 1.5}])
    clients("s3").list_buckets()
    read, written, listed = emulator.calls(running, before)
    assert (read.service, read.action, read.account, read.region, read.read_only, read.status) == (
        "ec2", "DescribeVpcs", "222222222222", "eu-west-1", True, 200,
    )  # fmt: skip
    assert read.access_key_id.startswith("ASIA")
    assert read.at == pytest.approx(time.time(), abs=30)
    assert 0 < read.duration_s < 10
    assert (written.service, written.action, written.read_only) == ("cloudwatch", "PutMetricData", False)
    assert (listed.service, listed.action, listed.read_only) == ("s3", "ListBuckets", True)


def test_assuming_a_role_is_noted_for_the_caller(running: Emulator):
    before = last(running)
    operations(running).assume("222222222222")
    (call,) = emulator.calls(running, before)
    assert (call.service, call.action, call.account, call.access_key_id) == ("sts", "AssumeRole", OPERATIONS, "sandbox")


def test_the_log_holds_no_secret(running: Emulator):
    clients = operations(running)
    clients("secretsmanager").create_secret(Name="s", SecretString="canary-4711")
    with urlopen(f"{running.server_url}/sandbox/calls") as response:
        text = response.read().decode()
    assert "CreateSecret" in text
    assert "canary-4711" not in text
    assert "the-secret-key-of-operations" not in text
    assert json.loads(text)["generation"] == running.generation


def test_the_log_forgets_the_oldest():
    journal = Journal(kept=3)
    for number in range(5):
        journal.add(
            at=0, duration_s=0, service="s", action=str(number), account="", access_key_id="", region="", read_only=True, status=200
        )
    assert [call.n for call in journal.since(0)] == [3, 4, 5]
    assert [call.n for call in journal.since(4)] == [5]
    assert journal.since(99) == []


def test_aws_says_no_as_often_as_ordered(running: Emulator):
    ec2 = operations(running)("ec2")
    emulator.add_faults(running, [Fault("ec2", "CreateVpc", status=400, code="VpcLimitExceeded", message="no more", times=1)])
    with pytest.raises(ec2.exceptions.ClientError, match=r"VpcLimitExceeded.*no more"):
        ec2.create_vpc(CidrBlock="10.0.0.0/16")
    ec2.create_vpc(CidrBlock="10.0.0.0/16")
    assert [fault["struck"] for fault in emulator.list_faults(running)] == [1]


@pytest.mark.parametrize(
    ("service", "action", "call"),
    [
        ("iam", "ListRoles", lambda client: client.list_roles()),
        ("sts", "GetCallerIdentity", lambda client: client.get_caller_identity()),
        ("ecs", "ListClusters", lambda client: client.list_clusters()),
        ("logs", "DescribeLogGroups", lambda client: client.describe_log_groups()),
        ("cloudwatch", "DescribeAlarms", lambda client: client.describe_alarms()),
        ("s3", "ListBuckets", lambda client: client.list_buckets()),
        ("lambda", "ListFunctions", lambda client: client.list_functions()),
    ],
)
def test_every_protocol_understands_the_error(running: Emulator, service: str, action: str, call):
    client = operations(running)(service)
    emulator.add_faults(running, [Fault(service, action, status=403, code="AccessDenied", message="not you")])
    with pytest.raises(client.exceptions.ClientError) as raised:
        call(client)
    assert raised.value.response["Error"]["Code"] == "AccessDenied"
    assert raised.value.response["Error"]["Message"] == "not you"


def test_a_fault_strikes_one_account_only(running: Emulator):
    emulator.add_faults(running, [Fault("ec2", "*", status=403, code="UnauthorizedOperation", account="222222222222")])
    operations(running).assume("333333333333")("ec2").describe_vpcs()
    ec2 = operations(running).assume("222222222222")("ec2")
    with pytest.raises(ec2.exceptions.ClientError, match="UnauthorizedOperation"):
        ec2.describe_vpcs()


def test_an_answer_can_be_lost_after_the_deed(running: Emulator):
    logs = operations(running)("logs")
    emulator.add_faults(running, [Fault("logs", "CreateLogGroup", status=500, code="InternalFailure", when="after")])
    with pytest.raises(logs.exceptions.ClientError, match="InternalFailure"):
        logs.create_log_group(logGroupName="/orphan")
    assert logs.describe_log_groups(logGroupNamePrefix="/orphan")["logGroups"]


def test_a_call_that_is_held_goes_on_when_faults_are_cleared(running: Emulator):
    ec2 = operations(running)("ec2")
    emulator.add_faults(running, [Fault("ec2", "DescribeSubnets", delay_s=60)])
    call = threading.Thread(target=ec2.describe_subnets)
    call.start()
    while not emulator.list_faults(running)[0]["struck"]:
        time.sleep(0.01)
    # Others are not held up meanwhile.
    ec2.describe_vpcs()
    assert call.is_alive()
    emulator.clear_faults(running)
    call.join(5)
    assert not call.is_alive()


def test_a_fault_that_is_none_is_refused(running: Emulator):
    nonsense = Request(f"{running.server_url}/sandbox/faults", b'[{"service": "ec2"}]', method="POST")
    with pytest.raises(HTTPError, match="400") as raised:
        urlopen(nonsense)
    assert "action" in raised.value.read().decode()
    assert emulator.list_faults(running) == []
