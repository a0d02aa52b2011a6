"""The servers and clients of the integration tests. t/integration/conftest.py shows how to use them."""
