"""The `flowexec` command: list, rerun, build and read the chapters of the book."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from flowexec.publish.chapters import find_book
from flowexec.publish.errors import PublishError

__all__ = ["app"]


class _Commands(TyperGroup):
    """The commands, with `-p NAME VALUE` and with mistakes told in a sentence instead of a traceback."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        return super().parse_args(ctx, _join_pairs(args))

    def invoke(self, ctx: Any) -> object:
        try:
            return super().invoke(ctx)
        except PublishError as error:
            typer.echo(f"Error: {error}", err=True)
            raise typer.Exit(error.exit_code) from None
        except KeyboardInterrupt:
            typer.echo("\nStopped. Nothing half made was kept; the next run goes on from here.", err=True)
            raise typer.Exit(130) from None


app = typer.Typer(
    cls=_Commands,
    help="Read and rerun the book on optimal trade execution.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.command()
def chapters(
    name: Annotated[str | None, typer.Argument(metavar="[CHAPTER]", help="Only this chapter.")] = None,
) -> None:
    """List the chapters with their parameters, types, defaults and comments."""
    book = find_book()
    for chapter in [book.chapter(name)] if name else book.chapters:
        typer.secho(f"\n{chapter.name}", bold=True, nl=False)
        typer.echo(f"  {chapter.title}")
        typer.echo("\n".join(chapter.describe_parameters().splitlines()[1:]) or "  (no parameters)")


@app.command()
def run(
    chapter: Annotated[str, typer.Argument(help="`markets/heston`, or only `heston`.")],
    parameter: Annotated[
        list[str] | None,
        typer.Option("-p", "--parameter", metavar="NAME VALUE", help="Set a parameter; may be repeated."),
    ] = None,
    file: Annotated[
        list[Path] | None, typer.Option("-f", "--file", help="A YAML file of parameters; -p wins over it.")
    ] = None,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="Folder to write to; _build/runs if not given.")
    ] = None,
) -> None:
    """Run one chapter with other parameters; write a notebook and a page that stands alone."""
    from flowexec.publish.what_if import read_parameter_file, run_what_if

    book = find_book()
    wanted = book.chapter(chapter)
    values = {name: value for path in file or () for name, value in read_parameter_file(path).items()}
    values |= dict(pair.split("=", 1) for pair in parameter or ())
    made = run_what_if(book, wanted, values, output)
    typer.echo(f"Ran {wanted.name} in {made.seconds:.1f} s\n  {made.notebook}\n  {made.page}")


@app.command()
def build(
    chapter: Annotated[
        list[str] | None, typer.Argument(metavar="[CHAPTER]...", help="Execute only these.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Execute even what is up to date.")] = False,
) -> None:
    """Execute the chapters that changed and build the site."""
    from flowexec.publish.build import build_book

    book = find_book()
    first = build_book(book, force=force, only=[book.chapter(name) for name in chapter or ()])
    typer.echo(f"\nThe book is at {first}")


@app.command()
def serve(
    port: Annotated[int, typer.Option(help="Port on this machine; 0 takes a free one.")] = 8000,
) -> None:
    """Serve the built book to this machine only."""
    from flowexec.publish.serve import site_server

    with site_server(find_book(), port) as server:
        typer.echo(f"The book is at http://127.0.0.1:{server.server_port}/ (Ctrl-C ends this)")
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            typer.echo("")


def _join_pairs(args: list[str]) -> list[str]:
    """`-p NAME VALUE` as `-p NAME=VALUE`, because Typer has no repeated option with two values.

    Raises
    ------
    typer.BadParameter
        If the value is missing.
    """
    joined, rest = [], iter(args)
    for word in rest:
        joined.append(word)
        if word in ("-p", "--parameter"):
            name = next(rest, "")
            value = None if "=" in name else next(rest, None)
            if not name or ("=" not in name and value is None):
                raise typer.BadParameter(f"`{word} {name}`".replace(" `", "`") + " needs a name and a value.")
            joined.append(name if value is None else f"{name}={value}")
    return joined


if __name__ == "__main__":
    app()
