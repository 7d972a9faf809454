"""What the book asks of Sphinx beyond its configuration."""

from __future__ import annotations

import re
from itertools import count
from typing import Any

__all__ = ["setup"]

#: Identifiers that sphinx-proof and sphinx-exercise give to every box of a page, though an id may stand there once.
_REPEATED = re.compile(r'(<(?:div|section)\b[^>]*\bid=")(proof|proof-content|exercise-content|solution-content)(")')


def setup(app: Any) -> dict[str, Any]:
    """Register with Sphinx; named in `_config.yml`."""
    # Jupyter Book passes this on to sphinx_comments, which the book leaves out because it loads remote scripts
    app.add_config_value("comments_config", {}, "html")
    app.connect("html-page-context", _number_repeated_ids)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}


def _number_repeated_ids(app: Any, page: str, template: str, context: dict[str, Any], doctree: Any) -> None:
    """Make the ids of a page unique, as HTML demands and screen readers rely on."""
    if "body" in context:
        number = count(1)
        context["body"] = _REPEATED.sub(lambda m: f"{m[1]}{m[2]}-{next(number)}{m[3]}", context["body"])
