"""Settings and fixtures that every test shares."""

import re
from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest
from hypothesis import settings

# the same examples on every run, and no deadline: a busy machine is not a failure
settings.register_profile("flowexec", deadline=None, derandomize=True, max_examples=60)
settings.load_profile("flowexec")


@pytest.fixture(scope="session")
def refused() -> Callable[[str], AbstractContextManager[object]]:
    """`with refused(sentence):` expects a ValueError that says exactly this sentence."""
    return lambda sentence: pytest.raises(ValueError, match=rf"\A{re.escape(sentence)}\Z")
