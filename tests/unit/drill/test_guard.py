"""When a drill may begin."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from ansible_collections.resilient.traefik.plugins.module_utils.drill.guard import (
    expiry_fault,
    production_fault,
    window_fault,
)
from ansible_collections.resilient.traefik.plugins.module_utils.kube.errors import BadArgument

BERLIN = ZoneInfo("Europe/Berlin")
OFFICE = {"days": ["mon", "Tuesday", "wed", "thu", "fri"], "from": "9:00", "to": "16:30", "timezone": "Europe/Berlin"}
NIGHT = {"days": ["fri"], "from": "22:00", "to": "05:00", "timezone": "Europe/Berlin"}


def at(text: str) -> datetime:
    """A time in Berlin. 2026-11-20 is a Friday."""
    return datetime.fromisoformat(text).replace(tzinfo=BERLIN)


@pytest.mark.parametrize(
    ("window", "moment", "allowed"),
    [
        (OFFICE, "2026-11-20T09:00", True),
        (OFFICE, "2026-11-20T08:59", False),
        (OFFICE, "2026-11-20T16:29", True),
        (OFFICE, "2026-11-20T16:30", False),
        (OFFICE, "2026-11-21T12:00", False),
        (NIGHT, "2026-11-20T22:00", True),
        (NIGHT, "2026-11-21T04:59", True),
        (NIGHT, "2026-11-21T05:00", False),
        (NIGHT, "2026-11-21T22:30", False),
        (NIGHT, "2026-11-20T04:00", False),
        ({"days": None, "from": None, "to": None, "timezone": "UTC"}, "2026-11-21T12:00", True),
    ],
)
def test_inside_and_outside_of_a_window(window: dict[str, Any], moment: str, allowed: bool) -> None:
    assert (window_fault([window], at(moment)) == "") is allowed


def test_one_window_of_several_will_do_and_none_means_always() -> None:
    assert window_fault([OFFICE, NIGHT], at("2026-11-20T23:00")) == ""
    assert window_fault([], at("2026-11-21T03:00")) == ""


def test_outside_all_windows_they_are_named() -> None:
    fault = window_fault([OFFICE, NIGHT], at("2026-11-22T12:00"))
    assert "it is Sun 12:00 CET" in fault
    assert "mon tue wed thu fri 9:00 to 16:30 Europe/Berlin; fri 22:00 to 05:00 Europe/Berlin" in fault


@pytest.mark.parametrize(
    ("wrong", "name"),
    [({"timezone": "Mars/Base"}, "timezone"), ({"days": ["someday"]}, "days"), ({"from": "25:00"}, "from")],
)
def test_a_window_that_cannot_be_read(wrong: dict[str, Any], name: str) -> None:
    with pytest.raises(BadArgument, match=rf"^window\.{name}: "):
        window_fault([OFFICE | wrong], at("2026-11-20T12:00"))


def test_production_wants_its_name() -> None:
    assert production_fault(False, "", "shop") == ""
    assert production_fault(True, "shop", "shop") == ""
    assert "confirm=shop" in production_fault(True, "", "shop")
    assert "not 'lab'" in production_fault(True, "lab", "shop")


def test_an_expiry_that_is_too_short_names_the_least() -> None:
    assert expiry_fault(105, 105) == ""
    assert "give 105 or more" in expiry_fault(60, 105)
