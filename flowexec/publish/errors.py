"""What can go wrong while publishing, said in one sentence."""

__all__ = ["PublishError"]


class PublishError(ValueError):
    """A mistake the reader can mend; the message says which and how. The command prints it and exits with 2."""
