"""CloudWatch."""

from moto.cloudwatch import urls
from moto.cloudwatch.responses import CloudWatchResponse

from infra_assets.sandbox.emulator.mends.cbor import cbor_handler
from infra_assets.sandbox.emulator.mends.registry import mend


@mend("cloudwatch")
def speaks_cbor() -> None:
    """Speak Smithy's RPC v2 CBOR (https://smithy.io/2.0/additional-specs/protocols/smithy-rpc-v2.html), as CloudWatch does.

    AWS' SDKs prefer it; moto knows the query and JSON protocols only. aws:cloudwatch/metricAlarm:MetricAlarm.
    """
    urls.url_paths["{0}/service/GraniteServiceVersion20100801/operation/(?P<operation>[^/]+)$"] = cbor_handler(
        "cloudwatch", CloudWatchResponse.dispatch
    )
