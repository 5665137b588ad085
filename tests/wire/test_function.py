from __future__ import annotations

import json

from contract import answer

from flash_jupyter.wire.function import FunctionResponse


def test_a_response_as_recorded() -> None:
    output = json.loads(answer("queue-status-completed"))["output"]
    response = FunctionResponse.model_validate(output)
    assert response.success
    assert response.result == "gAVLBS4="
