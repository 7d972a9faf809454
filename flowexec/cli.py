"""The `flowexec` command: list, rerun, build and read the chapters of the book."""

from __future__ import annotations

from typing import Annotated

import typer

from flowexec.publish.chapters import find_book
from flowexec.publish.errors import PublishError

__all__ = ["app", "main"]

app = typer.Typer(
    help="Read and rerun the book on optimal trade execution.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


@app.command()
def chapters() -> None:
    """List the chapters with their parameters, types, defaults and comments."""
    for chapter in find_book().chapters:
        typer.echo(f"\n{chapter.name}: {chapter.title}")
        typer.echo(chapter.describe_parameters())


@app.command()
def build(
    names: Annotated[list[str] | None, typer.Argument(metavar="[CHAPTER]...", help="Only these chapters.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Execute even what is up to date.")] = False,
) -> None:
    """Execute what changed and build the site."""
    from flowexec.publish.build import build_book

    book = find_book()
    first = build_book(book, force=force, only=[book.chapter(name) for name in names or ()])
    typer.echo(f"\nThe book is at {first}")


def main() -> None:
    """Run the command; a mistake of the user is one sentence and exit code 2."""
    from flowexec.publish.build import BuildFailed

    try:
        app()
    except BuildFailed as error:
        typer.echo(f"\n{error}", err=True)
        raise SystemExit(1) from None
    except PublishError as error:
        typer.echo(f"Error: {error}", err=True)
        raise SystemExit(2) from None
    except KeyboardInterrupt:
        typer.echo("\nStopped. Nothing half made was kept; the next build goes on from here.", err=True)
        raise SystemExit(130) from None
