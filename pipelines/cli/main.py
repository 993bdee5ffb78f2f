"""``nexus``: the command line. Each command is one module; this one only lists them."""

from __future__ import annotations

import typer

from pipelines.cli import bench, demo, ingest, inspect, run, serve, trace

app = typer.Typer(
    name="nexus",
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
app.command("trace")(trace.trace)
app.command("status")(inspect.status)
app.command("accounts")(inspect.accounts)
app.command("quarantine")(inspect.quarantine)
app.command("api-key")(run.api_key)
app.command("bench")(bench.bench)

if __name__ == "__main__":
    app()
