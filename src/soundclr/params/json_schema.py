"""The JSON schema of params.yaml, with which editors complete keys and mark mistakes."""

import json

from soundclr.params.file import Params


def json_schema() -> str:
    """The schema as JSON text. It fits params.yaml and each file that it includes, so no key is required.

    The registries check the content of ``defaults``, not the schema.
    """
    schema = Params.model_json_schema()
    del schema["required"]
    study = schema["$defs"]["StudySettings"]
    study["properties"]["base"] = {"type": "string", "title": "Base"}  # whose settings its own override
    study["required"].remove("note")  # a base may have it
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"
