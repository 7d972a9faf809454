"""What the book asks of Sphinx beyond its configuration."""

from __future__ import annotations

from typing import Any

__all__ = ["setup"]


def setup(app: Any) -> dict[str, Any]:
    """Register with Sphinx; named in `_config.yml`."""
    # Jupyter Book passes this on to sphinx_comments, which the book leaves out because it loads remote scripts
    app.add_config_value("comments_config", {}, "html")
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
