"""params.yaml's form as a JSON schema, by which editors complete its keys and mark mistakes."""

import json

from soundclr.params.file import Params


def json_schema() -> str:
    """The schema as JSON text; what ``defaults`` may hold is checked by the rooms of a method, not by it."""
    schema = Params.model_json_schema()
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"
