"""`flash local secrets` and `flash local keys`: what is made on the platform's web site, for the embedded Runpod."""

from __future__ import annotations

import sys
from typing import Annotated, Any

import typer

from flash_jupyter.cli.desk import at_desk
from flash_jupyter.cli.output import Json
from flash_jupyter.errors import OptionError
from flash_jupyter.session.local_admin import LocalAdmin
from flash_jupyter.settings import read_settings

app = typer.Typer(
    help="Secrets of the embedded Runpod: an endpoint's env refers to one as {{ RUNPOD_SECRET_NAME }}, and only its "
    "workers get the value.",
    no_args_is_help=True,
)
keys = typer.Typer(
    help="Restricted API keys of the embedded Runpod: each calls the endpoints it was made for, and no others.",
    no_args_is_help=True,
)

Name = Annotated[str, typer.Argument(help="its name")]


@app.command("set")
def set_secret(context: typer.Context, name: Name, as_json: Json = False) -> None:
    """Store a secret; its value is read from stdin, or asked for. Workers that run keep the old value."""
    with at_desk(context, as_json=as_json) as desk:
        admin = LocalAdmin(read_settings())
        is_new = admin.set_secret(name, _value(name))
        said = f"{'stored' if is_new else 'replaced'}: {{{{ RUNPOD_SECRET_{name} }}}}"
        desk.show([said], {"name": name, "new": is_new})


@app.command("list")
def list_secrets(context: typer.Context, as_json: Json = False) -> None:
    """List the names; nothing shows a value again."""
    with at_desk(context, as_json=as_json) as desk:
        found = LocalAdmin(read_settings()).secrets()
        names = [f"{secret['name']}  {secret['createdAt']}" for secret in found]
        desk.show(names or ["no secrets"], {"secrets": found})


@app.command("delete")
def delete_secret(context: typer.Context, name: Name, as_json: Json = False) -> None:
    """Forget a secret; workers whose env refers to it do not start any more."""
    with at_desk(context, as_json=as_json) as desk:
        LocalAdmin(read_settings()).delete_secret(name)
        desk.show([f"deleted: {name}"], {"deleted": name})


@keys.command("create")
def create_key(
    context: typer.Context,
    name: Name,
    endpoint: Annotated[
        list[str] | None, typer.Option(help="id of an endpoint that it may call; may be repeated")
    ] = None,
    environment: Annotated[
        list[str] | None, typer.Option(help="id of a flash environment whose endpoints it may call; may be repeated")
    ] = None,
    account: Annotated[str, typer.Option(help="none, read or write: GraphQL and the control plane")] = "none",
    as_json: Json = False,
) -> None:
    """Make a restricted key and print it: it is not shown again."""
    with at_desk(context, as_json=as_json) as desk:
        key = LocalAdmin(read_settings()).create_key(
            name, endpoints=endpoint or (), environments=environment or (), account=account
        )
        desk.show(key, {"name": name, "key": key})


@keys.command("list")
def list_keys(context: typer.Context, as_json: Json = False) -> None:
    """List what each key may do; nothing shows a key again."""
    with at_desk(context, as_json=as_json) as desk:
        found = LocalAdmin(read_settings()).keys()
        desk.show([*map(_key_line, found)] or ["no restricted keys"], {"keys": found})


@keys.command("delete")
def delete_key(context: typer.Context, name: Name, as_json: Json = False) -> None:
    """Forget a key: it is refused from now on."""
    with at_desk(context, as_json=as_json) as desk:
        LocalAdmin(read_settings()).delete_key(name)
        desk.show([f"deleted: {name}"], {"deleted": name})


def _value(name: str) -> str:
    """Read a secret's value without showing it; the newline at the end of what is piped in is not part of it."""
    if sys.stdin.isatty():
        value = typer.prompt(f"value of {name}", hide_input=True, default="", show_default=False)
    else:
        value = sys.stdin.read().removesuffix("\n").removesuffix("\r")
    if not value:
        raise OptionError(
            f"there is no value for secret {name}", fix=f"pipe it in: flash local secrets set {name} < FILE"
        )
    return str(value)


def _key_line(key: dict[str, Any]) -> str:
    scope = [f"{kind}={','.join(key[kind])}" for kind in ("endpoints", "environments") if key[kind]]
    return "  ".join([key["name"], f"account={key['account']}", *scope])
