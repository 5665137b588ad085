"""The schema file, the resolvers and the documents of released clients have the same operations."""

from __future__ import annotations

from pathlib import Path

import pytest
from asking import CPU, ask
from emulated import Api
from graphql import build_schema, parse, validate
from graphql.language import FieldNode, OperationDefinitionNode
from graphql_documents import DOCUMENTS

from flash_jupyter.emulator import store

SCHEMA = build_schema((Path(store.__file__).parent / "schema.graphql").read_text())


def root_fields() -> set[str]:
    assert SCHEMA.query_type is not None
    assert SCHEMA.mutation_type is not None
    return {*SCHEMA.query_type.fields, *SCHEMA.mutation_type.fields}


def test_every_root_field_is_asked_for_by_a_released_client() -> None:
    asked = set()
    for document in map(parse, DOCUMENTS.values()):
        (operation,) = document.definitions
        assert isinstance(operation, OperationDefinitionNode)
        (field,) = operation.selection_set.selections
        assert isinstance(field, FieldNode)
        asked.add(field.name.value)
    assert asked == root_fields()


def test_every_root_field_has_a_resolver(api: Api) -> None:
    ask(api, "")
    executor = api.emulator.graphql()
    assert set(executor._root) == root_fields()


@pytest.mark.parametrize("name", DOCUMENTS)
def test_the_schema_has_every_field_that_a_released_client_names(name: str) -> None:
    assert validate(SCHEMA, parse(DOCUMENTS[name])) == []


def test_every_field_of_the_answers_can_be_asked_for(api: Api) -> None:
    """Those that no released client names, too: a non-null field without a value would be an error."""
    endpoint = ask(api, "saveEndpoint", input=CPU)["id"]
    app = ask(api, "createFlashApp", input={"name": "shop"})["id"]
    environment = ask(api, "createFlashEnvironment", input={"flashAppId": app, "name": "production"})["id"]
    ask(api, "addEndpointToFlashEnvironment", input={"flashEnvironmentId": environment, "endpointId": endpoint})
    template = "id name imageName ports startScript advancedStart config volumeInGb containerRegistryAuthId"
    query = f"""{{ myself {{
        id
        endpoints {{ createdAt template {{ {template} }} }}
        flashApps {{ createdAt flashEnvironments {{ flashAppId activeArtifact {{ objectKey }} endpoints {{ name }} }} }}
    }} }}"""
    answer = api.post("/graphql", json={"query": query}).json()
    at = "2026-05-28T20:26:40.000000Z"
    assert answer == {
        "data": {
            "myself": {
                "id": "user_local",
                "endpoints": [
                    {
                        "createdAt": at,
                        "template": {
                            "id": f"tpl{endpoint}",
                            "name": "one",
                            "imageName": "runpod/flash-cpu:latest",
                            "ports": "",
                            "startScript": "",
                            "advancedStart": False,
                            "config": {},
                            "volumeInGb": 0,
                            "containerRegistryAuthId": "",
                        },
                    }
                ],
                "flashApps": [
                    {
                        "createdAt": at,
                        "flashEnvironments": [
                            {"flashAppId": app, "activeArtifact": None, "endpoints": [{"name": "cpu-w"}]}
                        ],
                    }
                ],
            }
        }
    }
