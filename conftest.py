"""What every test of this repository has: its time is recorded, and it is of one of the two depths."""

pytest_plugins = ("tests.stages.durations", "tests.stages.sharing")
