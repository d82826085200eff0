"""What the gateway counts; /metrics of the gateway process shows it."""

from functools import cache

from prometheus_client import Counter, Gauge, Histogram

CALLS = Counter("evcms_ocpp_calls", "Calls from stations", ["protocol", "action", "outcome"])
COMMANDS = Counter("evcms_ocpp_commands", "Calls to stations by outcome", ["protocol", "action", "outcome"])
BAD_FRAMES = Counter("evcms_ocpp_bad_frames", "Frames that are no OCPP-J", ["protocol"])
REFUSED = Counter("evcms_ocpp_refused_handshakes", "Refused handshakes", ["reason"])
CONNECTED = Gauge("evcms_ocpp_connections", "Open links")
BATCHES = Histogram("evcms_ocpp_batch_size", "Works in one commit", buckets=(1, 2, 4, 8, 16, 32, 64, 128, 256))
RERUNS = Counter("evcms_ocpp_batch_reruns", "Batches run again because of one work")
ERRORS = Counter("evcms_ocpp_errors", "Failures of our own", ["where"])
SIGNALS_DROPPED = Counter("evcms_ocpp_signals_dropped", "Signals dropped because the queue was full")


@cache
def calls(protocol: str, action: str, outcome: str) -> Counter:
    """The counter of CALLS for these labels, found without the library's lock."""
    return CALLS.labels(protocol, action, outcome)
