"""The proxy: AWS' hosts, trusted by the sandbox's bundle alone, and nothing else."""

import json
import ssl
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPSConnection
from urllib.parse import urlsplit
from urllib.request import urlopen

import boto3
import pytest

from infra_assets.sandbox.emulator import Emulator
from tests.sandbox.emulator.clients import OPERATIONS, REGION, operations

FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def tunnel(running: Emulator, host: str, trust: ssl.SSLContext) -> HTTPSConnection:
    proxy = urlsplit(running.proxy_url)
    connection = HTTPSConnection(str(proxy.hostname), proxy.port, context=trust, timeout=10)
    connection.set_tunnel(host, 443)
    return connection


@pytest.fixture
def trust(running: Emulator) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(running.ca_bundle))


def test_a_connection_carries_many_requests(running: Emulator, trust: ssl.SSLContext):
    connection = tunnel(running, "sts.eu-west-1.amazonaws.com", trust)
    connection.connect()
    first = connection.sock
    for _ in range(5):
        connection.request("POST", "/", "Action=GetCallerIdentity&Version=2011-06-15", FORM)
        response = connection.getresponse()
        assert OPERATIONS in response.read().decode()
    assert connection.sock is first


def test_the_systems_trust_is_not_enough(running: Emulator):
    with pytest.raises(ssl.SSLCertVerificationError):
        tunnel(running, "sts.amazonaws.com", ssl.create_default_context()).connect()


@pytest.mark.parametrize("host", ["iam.amazonaws.com", "my-bucket.s3.eu-west-1.amazonaws.com", "s3.amazonaws.com"])
def test_every_host_has_a_certificate_that_fits(running: Emulator, trust: ssl.SSLContext, host: str):
    tunnel(running, host, trust).connect()


def test_what_is_not_aws_is_refused(running: Emulator, trust: ssl.SSLContext):
    with pytest.raises(OSError, match="403"):
        tunnel(running, "example.com", trust).connect()


def test_proxy_and_server_show_one_state(running: Emulator):
    created = operations(running)("ec2").create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    by_endpoint = boto3.client(
        "ec2", endpoint_url=running.server_url, region_name=REGION, aws_access_key_id="sandbox", aws_secret_access_key="x"
    )
    assert created in [vpc["VpcId"] for vpc in by_endpoint.describe_vpcs()["Vpcs"]]


def test_accounts_are_separate(running: Emulator):
    owner, other = operations(running).assume("222222222222"), operations(running).assume("333333333333")
    created = owner("ec2").create_vpc(CidrBlock="10.8.0.0/16")["Vpc"]["VpcId"]
    assert created in [vpc["VpcId"] for vpc in owner("ec2").describe_vpcs()["Vpcs"]]
    assert created not in [vpc["VpcId"] for vpc in other("ec2").describe_vpcs()["Vpcs"]]


def test_objects_keep_their_names_and_contents(running: Emulator):
    s3 = operations(running)("s3")
    s3.create_bucket(Bucket="state-of-all", CreateBucketConfiguration={"LocationConstraint": REGION})
    s3.put_object(Bucket="state-of-all", Key="a b/ü%2F.json", Body=b"x" * 3_000_000, Metadata={"k_ey": "v"})
    assert [each["Key"] for each in s3.list_objects_v2(Bucket="state-of-all")["Contents"]] == ["a b/ü%2F.json"]
    got = s3.get_object(Bucket="state-of-all", Key="a b/ü%2F.json")
    assert (len(got["Body"].read()), got["Metadata"]) == (3_000_000, {"k_ey": "v"})
    s3.delete_object(Bucket="state-of-all", Key="a b/ü%2F.json")
    assert s3.list_objects_v2(Bucket="state-of-all")["KeyCount"] == 0


def test_many_callers_at_once_all_get_their_answers(running: Emulator):
    def deploy(number: int) -> int:
        ec2 = operations(running).assume(f"{500000000000 + number}")("ec2")
        for each in range(4):
            ec2.create_vpc(CidrBlock=f"10.{each}.0.0/16")
        return len(ec2.describe_vpcs(Filters=[{"Name": "is-default", "Values": ["false"]}])["Vpcs"])

    with ThreadPoolExecutor(25) as pool:
        assert list(pool.map(deploy, range(25))) == [4] * 25


def test_a_call_that_the_emulator_lacks_fails_at_once_and_says_so(running: Emulator):
    client = operations(running)("cloudwatch")
    with pytest.raises(client.exceptions.ClientError, match=r"NotInSandbox.*describe_alarm_history"):
        client.describe_alarm_history(AlarmName="a")


def test_what_is_not_http_ends_the_connection_only(running: Emulator):
    import socket

    address = urlsplit(running.server_url)
    with socket.create_connection((str(address.hostname), address.port or 0), timeout=5) as raw:
        raw.sendall(b"\x16\x03\x01nonsense\r\n\r\n")
        assert raw.recv(100) == b""
    with urlopen(f"{running.server_url}/sandbox/health") as response:
        assert json.load(response)["generation"] == running.generation
