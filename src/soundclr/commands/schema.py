"""`soundclr schema`: params.yaml's form, for editors."""

import argparse

HELP = "params.yaml's form as a JSON schema, for editors (params.schema.json)"


def add_arguments(_: argparse.ArgumentParser) -> None:
    """It has none."""


def run(_: argparse.Namespace) -> None:
    """Print the schema."""
    from soundclr.params.json_schema import json_schema

    print(json_schema(), end="")
