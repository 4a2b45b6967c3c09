"""What the tests of the providers use, these use too: loopback only, no waiting for the disk."""

from tests.providers.conftest import (  # noqa: F401 fixtures, used by their being here
    _bare_environment,
    _no_waiting_for_the_disk,
    _only_loopback,
)
