"""The small network of the stations' tests."""

from tests.stations.conftest import (  # noqa: F401
    facts,
    gateway,
    linked,
    organization,
    other_site,
    owner,
    rival,
    site,
    station,
)
