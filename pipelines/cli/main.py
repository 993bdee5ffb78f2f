"""``nexus``: the command line. Each command is one module; this one only lists them."""

from __future__ import annotations

from typing import Any

import typer
from pydantic import ValidationError
from typer.core import TyperGroup

from connectors.errors import PermanentError, RetryableError
from pipelines.cli import bench, connectors, demo, ingest, inspect, run, serve, stream, trace
from pipelines.cli.console import fail
from pipelines.environment import Environment, environment_faults
from pipelines.inbox import UnknownFileError
from warehouse.postgres.errors import WarehouseError

MISTAKES = (UnknownFileError, PermanentError, RetryableError, WarehouseError)
"""What a person mends outside of the program: its message is the answer, a traceback is none."""


class Sentences(TyperGroup):
    """The commands, with one sentence and status 1 for a mistake. A fault of the program keeps its traceback."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command."""
        try:
            return super().invoke(ctx)
        except MISTAKES as error:
            fail(str(error))
        except ValidationError as error:
            if error.title != Environment.__name__:
                raise
            fail(environment_faults(error))


app = typer.Typer(
    name="nexus",
    cls=Sentences,
    help="WealthNexus: custodian files to advisors' numbers, every one of them traceable.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
app.command("demo")(demo.demo)
app.command("up")(serve.up)
app.command("down")(serve.down)
app.command("prepare")(run.prepare)
app.command("run")(run.run)
app.command("publish")(run.publish)
app.command("ingest")(ingest.ingest)
app.command("stream")(stream.stream)
app.command("trace")(trace.trace)
app.command("status")(inspect.status)
app.command("accounts")(inspect.accounts)
app.command("quarantine")(inspect.quarantine)
app.command("api-key")(run.api_key)
app.command("bench")(bench.bench)
app.add_typer(connectors.app, name="connectors", cls=Sentences)

if __name__ == "__main__":
    app()
