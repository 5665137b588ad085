"""How a deployed app is drawn."""

from __future__ import annotations

from flash_jupyter.views.deployed import deployed_bundle

FUNCTION = {
    "name": "Basket",
    "signature": "(owner: str = '<b>')",
    "resource": "till",
    "kind": "queue",
    "methods": ["add", "clear"],
    "url": None,
    "curl": None,
}


def test_what_is_missing_is_said_and_everything_is_escaped() -> None:
    bundle = deployed_bundle(
        {
            "app": "shop",
            "environment": "production",
            "backend": "local",
            "build_id": "b1",
            "functions": [FUNCTION],
            "motherships": ["http://127.0.0.1:1/lb/m"],
        }
    )
    assert bundle["text/plain"].splitlines() == [
        "shop/production on the local Runpod, build b1",
        "Basket(owner: str = '<b>'), with add, clear",
        "  queue till, its endpoint is missing: flash deploy send ENV",
        "mothership",
        "  http://127.0.0.1:1/lb/m/docs",
        'the key: eval "$(flash local env)"',
    ]
    assert "<b>'" not in bundle["text/html"]
    assert '<a href="http://127.0.0.1:1/lb/m/docs"' in bundle["text/html"]
