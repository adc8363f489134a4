"""params.yaml's form as a JSON schema, by which editors complete its keys and mark mistakes."""

import json

from soundclr.params.file import Params


def json_schema() -> str:
    """The schema as JSON text, of params.yaml and of each file that it includes, none of which has all of it.

    What ``defaults`` may hold is checked by the registries of a method, not by it.
    """
    schema = Params.model_json_schema()
    del schema["required"]
    schema["properties"]["include"] = {"type": "array", "items": {"type": "string"}, "title": "Include"}
    study = schema["$defs"]["StudySettings"]
    study["properties"]["base"] = {"type": "string", "title": "Base"}  # whose settings its own are laid over
    study["required"].remove("note")  # a base may have it
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"
