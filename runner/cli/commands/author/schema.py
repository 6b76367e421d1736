"""`runbook schema`: Print the JSON Schema with which an editor completes and checks runbooks."""

import click

from runner.services.authoring.write_runbooks import SCHEMA_NAMES, schema


@click.command(
    "schema",
    epilog="""\b
    runbook schema > runbooks/schemas/runbook.json
    and as the first line of each runbook:
    # yaml-language-server: $schema=schemas/runbook.json
    """,
)
@click.argument("of", type=click.Choice(SCHEMA_NAMES), default="runbook")
def command(of: str) -> None:
    """Print the JSON Schema of a RUN- file, of contacts.yml, of a file in registry/ or shared/, or of runbook.toml."""
    click.echo(schema(of), nl=False)
