"""Turns chapters into a published book: finding, executing, building, and what-if runs."""

from flowexec.publish.chapters import Book, Chapter, find_book
from flowexec.publish.errors import PublishError
from flowexec.publish.parameters import Parameter

__all__ = ["Book", "Chapter", "Parameter", "PublishError", "find_book"]
