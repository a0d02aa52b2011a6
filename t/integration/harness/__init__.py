"""What the integration tests start and talk to. conftest.py shows how it is used."""
