"""`%%remote dry` and `%flash explain`: show what a cell would send. Nothing is sent, and nothing is made."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flash_jupyter.session.explain import Explanation
from flash_jupyter.session.prepare import CellRequest
from flash_jupyter.session.session import Session
from flash_jupyter.views.explain import explain_bundle
from flash_jupyter.views.listing import json_bundle

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell


def show_explanation(
    shell: InteractiveShell, session: Session, request: CellRequest, *, as_json: bool = False
) -> Explanation:
    """Show and return what is to be said about a cell; raises `SyntaxError` and `OptionError`."""
    explanation = session.explain(request)
    document = explanation.to_json()
    shell.display_pub.publish(json_bundle({"cell": document}) if as_json else explain_bundle(document))
    return explanation
