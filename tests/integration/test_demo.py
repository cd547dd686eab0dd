"""What `make demo` measures, on a lab where nothing fails: everybody gets what the table says is well."""

from __future__ import annotations

from itertools import islice

from demo.measure import PRIVATE, PUBLIC, Lab
from demo.table import is_well
from tests.integration.lab_cluster import LabCluster


def test_while_all_is_well_every_visitor_gets_in_or_is_led_to_the_login(cluster: LabCluster) -> None:
    well = list(islice(Lab(cluster).measure(print), len(PUBLIC + PRIVATE)))
    assert {each.failure for each in well} == {"all is well"}
    assert [each for each in well if not is_well(each)] == []
