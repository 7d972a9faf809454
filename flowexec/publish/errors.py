"""What can go wrong while publishing, said in one sentence."""

__all__ = ["PublishError"]


class PublishError(ValueError):
    """A mistake the reader can mend; the message says which and how, and the command prints nothing else."""

    #: What the command exits with: 2 for a mistake in how it was called, 1 where a chapter or the site
    #: failed.
    exit_code = 2
