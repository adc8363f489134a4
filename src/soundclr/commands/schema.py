"""`soundclr schema`: prints the JSON schema of params.yaml."""

import argparse

HELP = "print the JSON schema of params.yaml, for editors (params.schema.json)"


def add_arguments(_: argparse.ArgumentParser) -> None:
    """Add no arguments."""


def run(_: argparse.Namespace) -> None:
    """Print the schema."""
    from soundclr.params.json_schema import json_schema

    print(json_schema(), end="")
