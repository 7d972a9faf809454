"""Settings that every test shares."""

from hypothesis import settings

# the same examples on every run, and no deadline: a busy machine is not a failure
settings.register_profile("flowexec", deadline=None, derandomize=True, max_examples=60)
settings.load_profile("flowexec")
