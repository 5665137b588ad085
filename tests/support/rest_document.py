"""Our own OpenAPI document, as far as tests hold routes and answers against it."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import yaml

PATH = Path(__file__).parents[2] / "flash_jupyter" / "server" / "rest-api.yml"
DOCUMENT: dict[str, Any] = yaml.safe_load(PATH.read_text())
VERBS = ("get", "post", "put", "patch", "delete")


def operations() -> set[tuple[str, str]]:
    """Every verb and path template of the document."""
    return {(verb, path) for path, item in DOCUMENT["paths"].items() for verb in item if verb in VERBS}


def validate(schema: dict[str, Any], body: Any) -> None:
    """Check a body; raises jsonschema's `ValidationError`."""
    jsonschema.Draft202012Validator({"components": DOCUMENT["components"], **schema}).validate(body)


def assert_answer_fits(verb: str, path: str, status: int, text: str) -> None:
    """Check an answer of a route against what the document says of it."""
    template = template_of(path.partition("?")[0])
    if template is None or verb.lower() not in DOCUMENT["paths"][template]:
        assert status in (403, 404, 405), f"{verb} {path} is not in the document and was answered {status}"
        return validate({"$ref": "#/components/schemas/Error"}, json.loads(text))
    responses = DOCUMENT["paths"][template][verb.lower()]["responses"]
    response = responses.get(str(status), responses["default"])
    if "$ref" in response:
        response = DOCUMENT["components"]["responses"][response["$ref"].rpartition("/")[2]]
    content = response["content"]
    if "application/json" in content:
        validate(content["application/json"]["schema"], json.loads(text))
    return None


def template_of(path: str) -> str | None:
    """Find the path template that a path is of."""
    for template in DOCUMENT["paths"]:
        if re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", template), path):
            return str(template)
    return None
