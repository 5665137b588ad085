"""`flash_jupyter.app("shop", "production")`: what is deployed, called as if it were here.

    app = flash_jupyter.app("shop")           # or ("shop", "staging")
    app.score(text="tea")                     # waits for the value; an interrupt cancels the job
    await app.score.aio(text="tea")           # the same in a coroutine
    basket = app.Basket(); basket.add("tea")  # an object of a deployed class

Nothing is made by a call: an app that is not deployed is an error. Names are found by the server, when the app is
opened and again where an endpoint has gone.
"""

from __future__ import annotations

from typing import Any

from flash_jupyter.build.asking import curl, url_of
from flash_jupyter.build.manifest import Function
from flash_jupyter.deploy.functions import DeployedClass, DeployedFunction, UnknownFunctionError
from flash_jupyter.deploy.lookup import Live, Whereabouts
from flash_jupyter.deploy.signature import signature_of
from flash_jupyter.errors import NotFoundError
from flash_jupyter.session.default import default_session
from flash_jupyter.settings import BackendName
from flash_jupyter.views.deployed import deployed_bundle


def app(name: str, environment: str = "production", *, backend: BackendName | None = None) -> DeployedApp:
    """Open a deployed app, to call its functions from here; `backend` is the notebook's where it is not said.

    Raises `NotFoundError` with what is nearest for an app and an environment that do not exist, and `ApiError`s.
    """
    backend = backend or default_session().settings.backend
    return DeployedApp(Whereabouts(default_session, backend, name, environment))


class DeployedApp:
    """The functions of a deployed app, by their names; one that hides behind a name of Python's is `app["name"]`."""

    def __init__(self, whereabouts: Whereabouts) -> None:
        self._whereabouts = whereabouts
        self.__doc__ = self._text()

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return self[name]

    def __getitem__(self, name: str) -> DeployedFunction | DeployedClass:
        try:
            function, live = self._whereabouts.deployment.find(name)
        except NotFoundError as unknown:
            raise UnknownFunctionError(unknown.message, fix=unknown.fix) from None
        kind = DeployedClass if function.is_class and not live.resource.is_load_balanced else DeployedFunction
        return kind(self._whereabouts, function, live)

    def __dir__(self) -> list[str]:
        return sorted(self._whereabouts.deployment.functions())

    def _ipython_key_completions_(self) -> list[str]:
        return dir(self)

    def __repr__(self) -> str:
        return self._text()

    def _repr_mimebundle_(self, **_options: Any) -> dict[str, str]:
        return deployed_bundle(self._described())

    def _text(self) -> str:
        return deployed_bundle(self._described())["text/plain"]

    def _described(self) -> dict[str, Any]:
        whereabouts, deployment = self._whereabouts, self._whereabouts.deployment
        return {
            "app": whereabouts.app,
            "environment": whereabouts.environment,
            "backend": whereabouts.backend,
            "build_id": deployment.build_id,
            "functions": [_described(function, live) for function, live in deployment.functions().values()],
            "motherships": [
                live.served.url for live in deployment.resources if not live.resource.functions and live.served
            ],
        }


def _described(function: Function, live: Live) -> dict[str, Any]:
    """What is shown of a function; an endpoint that is missing has no URL."""
    served = live.served
    constructor = next((each for each in (function.methods or ()) if each.name == "__init__"), None)
    signature = signature_of(constructor or function) if constructor or not function.is_class else "()"
    return {
        "name": function.name,
        "signature": "(...)" if signature is None else str(signature),
        "resource": live.name,
        "kind": "load balancer" if live.resource.is_load_balanced else "queue",
        "methods": list(function.class_methods),
        "url": None if served is None else url_of(function, served),
        "curl": None if served is None else curl(function, served),
    }
