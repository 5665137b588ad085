"""The official document of REST v2, as far as tests hold bodies against it."""

from __future__ import annotations

import json
from typing import Any

import jsonschema
from contract import FOLDER

DOCUMENT = json.loads((FOLDER / "openapi-v2-implemented.json").read_text())


def assert_valid(schema: str, body: dict[str, Any]) -> None:
    """Check a body against a schema of the document; raises jsonschema's `ValidationError`."""
    whole = {**DOCUMENT, "$ref": f"#/components/schemas/{schema}"}
    jsonschema.Draft202012Validator(whole).validate(body)
