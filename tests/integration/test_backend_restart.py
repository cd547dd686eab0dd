"""An application that is restarted: requests are lost without a retry and a preStop hook, and none with both."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from ansible_collections.resilient.traefik.plugins.module_utils.kube.client import Client
from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import ObjectRef
from tests.integration.support_leaving import Leaving, leaving

pytest_plugins = ["tests.integration.support_fixtures"]
pytestmark = pytest.mark.quiet

RATE, REQUESTS = 60.0, 1500


@pytest.fixture
def site(admin: Client, namespace: str, cleaned: Callable[[ObjectRef], None]) -> Leaving:
    return leaving(admin, namespace, cleaned)


@pytest.mark.variation("what a preStop hook saves, measured; the drill restarts a backend each time")
def test_an_application_that_stays_for_a_moment_loses_nothing(
    site: Leaving, capsys: pytest.CaptureFixture[str]
) -> None:
    site.bring(attempts=0, pre_stop=0)
    at_once = site.restarted(RATE, REQUESTS)
    site.bring(attempts=8, pre_stop=5)
    stayed = site.restarted(RATE, REQUESTS)
    with capsys.disabled():
        print(f"\nbackend restarts: with neither retry nor preStop {at_once}, with both {stayed}")
    assert at_once.lost, "nothing shows that there was anything to mend"
    assert stayed.restarts >= 1
    assert not stayed.lost, stayed
