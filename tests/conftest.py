"""Fixtures for every test folder."""

pytest_plugins = ["tests.e2e.kafka_broker", "tests.postgres"]
