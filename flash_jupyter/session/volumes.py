"""Network volumes: found by name and data centre, made where there is none, listed with what they cost, deleted.

A volume is paid for until it is deleted, whatever is on it; so whoever makes one says what it costs.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, replace
from typing import Any

from flash_jupyter import limits
from flash_jupyter.errors import ApiError, NotFoundError, OptionError
from flash_jupyter.resources.endpoint import EndpointSpec
from flash_jupyter.resources.volume import NetworkVolume
from flash_jupyter.transport.control import Control
from flash_jupyter.transport.http import ONCE
from flash_jupyter.transport.refusals import may_have_worked
from flash_jupyter.transport.storage import Volumes
from flash_jupyter.wire.control import Endpoint, Volume


@dataclass(frozen=True)
class VolumeView:
    """One line of a listing; `usd_per_month` is None where nothing is billed, `used_by` has names of endpoints."""

    name: str
    id: str
    size_gb: int
    data_center: str
    usd_per_month: float | None
    used_by: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return the fields as `--json` prints them."""
        return asdict(self)


@dataclass(frozen=True)
class Resolved:
    """A spec whose volumes have ids, and the ids of those that were made for it just now."""

    spec: EndpointSpec
    made: tuple[str, ...] = ()


async def resolve_volumes(
    volumes: Volumes, spec: EndpointSpec, say: Callable[[str], None], *, is_billed: bool
) -> Resolved:
    """Give the volumes of `spec` their ids: one listing where there are names, one more call for each that is made."""
    if not spec.unresolved_volumes:
        return Resolved(spec)
    existing = await volumes.all()
    ids, made = dict[NetworkVolume, str](), list[str]()
    for wanted in spec.unresolved_volumes:
        found = find_volume(wanted, existing)
        if found is None:
            say(_announcement(wanted, is_billed=is_billed))
            found = await _make(volumes, wanted)
            made.append(found.id)
        elif wanted.said("size") and wanted.size > found.size_gb:
            say(f"network volume {wanted.label} has {found.size_gb} GB, and is used as it is")
        ids[wanted] = found.id
    return Resolved(spec.with_volume_ids(ids), tuple(made))


async def bound_to_volumes(volumes: Volumes, spec: EndpointSpec) -> EndpointSpec:
    """Return `spec` in the data centres of its volumes, where only their ids are known: one listing, asked once.

    Where that does not come, or lacks one of them, `spec` stays as it is; so it does where it has a data centre.
    """
    if spec.data_centers or not spec.volumes:
        return spec
    try:
        listed = {volume.id: volume.data_center for volume in await volumes.all(retry=ONCE)}
    except ApiError:  # the platform knows where a volume is, whether it tells us or not
        return spec
    places = [listed.get(volume.id or "") for volume in spec.volumes]
    return replace(spec, data_centers=tuple(dict.fromkeys(filter(None, places)))) if all(places) else spec


def find_volume(wanted: NetworkVolume, existing: Iterable[Volume]) -> Volume | None:
    """Return the volume with this name in this data centre; the platform allows several, then always the same one."""
    same = [v for v in existing if (v.name, v.data_center) == (wanted.name, wanted.data_center_id)]
    return min(same, key=lambda volume: volume.id, default=None)


async def list_volumes(control: Control, *, is_billed: bool = True) -> list[VolumeView]:
    """Return all volumes of the account, by name, with the endpoints that use them; two control plane calls."""
    volumes, endpoints = await asyncio.gather(control.volumes.all(), control.endpoints())
    found = sorted(volumes, key=lambda volume: (volume.name, volume.data_center, volume.id))
    return [_view(volume, endpoints, is_billed=is_billed) for volume in found]


async def delete_volume(control: Control, name: str) -> str:
    """Delete the volume with this name or id and all that is on it; returns its id once a listing no longer shows it.

    Raises `OptionError` where the name is unknown or not unique, or the volume is in use, and `ApiError` where it is
    still there.
    """
    existing = await control.volumes.all()
    chosen = [volume for volume in existing if name in (volume.name, volume.id)]
    if not chosen:
        known = ", ".join(sorted({volume.name for volume in existing})) or "there are none"
        raise OptionError(f"there is no network volume {name}", fix=f"choose one of: {known}")
    if len(chosen) > 1:
        listed = ", ".join(f"{volume.id} ({volume.data_center})" for volume in chosen)
        raise OptionError(f"there are {len(chosen)} network volumes {name}", fix=f"give the id: {listed}")
    if users := used_by(chosen[0].id, await control.endpoints()):
        raise _in_use(name, users)
    with contextlib.suppress(NotFoundError):  # somebody else was quicker
        await control.volumes.delete(chosen[0].id)
    if any(volume.id == chosen[0].id for volume in await control.volumes.all()):
        raise ApiError(f"network volume {name} is still listed", fix="try again, or delete it in the console")
    return chosen[0].id


def used_by(volume_id: str, endpoints: Iterable[Endpoint]) -> tuple[str, ...]:
    """Return the names of the endpoints whose workers mount a volume, sorted."""
    return tuple(sorted(endpoint.name for endpoint in endpoints if volume_id in endpoint.network_volumes))


def _in_use(name: str, users: tuple[str, ...]) -> OptionError:
    which = f"endpoint {users[0]} uses" if len(users) == 1 else f"endpoints {', '.join(users)} use"
    first = f"undeploy {'it' if len(users) == 1 else 'them'} first: %flash undeploy {users[0]}"
    return OptionError(f"network volume {name} was not deleted: {which} it", fix=first)


def _view(volume: Volume, endpoints: Iterable[Endpoint], *, is_billed: bool) -> VolumeView:
    return VolumeView(
        name=volume.name,
        id=volume.id,
        size_gb=volume.size_gb,
        data_center=volume.data_center,
        usd_per_month=month_usd(volume.size_gb) if is_billed else None,
        used_by=used_by(volume.id, endpoints),
    )


def month_usd(size_gb: int) -> float:
    """Return what a volume costs a month (Runpod docs, serverless/storage).

    >>> month_usd(100), month_usd(2000)
    (7.0, 120.0)
    """
    first = min(size_gb, limits.VOLUME_FIRST_TIER_GB)
    beyond = (size_gb - first) * limits.VOLUME_USD_PER_GB_MONTH_BEYOND
    return round(first * limits.VOLUME_USD_PER_GB_MONTH + beyond, 2)


def _announcement(wanted: NetworkVolume, *, is_billed: bool) -> str:
    cost = f", ${month_usd(wanted.size):.2f} a month until it is deleted" if is_billed else ""
    return f"making network volume {wanted.label}: {wanted.size} GB in {wanted.data_center_id}{cost}"


async def _make(volumes: Volumes, wanted: NetworkVolume) -> Volume:
    try:
        return await volumes.create(name=wanted.name or "", size_gb=wanted.size, data_center=wanted.data_center_id)
    except ApiError as failure:
        if not may_have_worked(failure):
            raise
        if found := find_volume(wanted, await volumes.all()):
            return found
        raise
