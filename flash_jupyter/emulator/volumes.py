"""Network volumes: a folder of the store each, which outlives the endpoints that use it.

Its size is kept and shown, but not enforced: a folder of this machine has the machine's room.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from flash_jupyter.emulator import catalog
from flash_jupyter.emulator.machine import discard, volume_folder
from flash_jupyter.emulator.problems import Problem
from flash_jupyter.emulator.store import Store
from flash_jupyter.emulator.tables import Resource, new_id
from flash_jupyter.emulator.world import Clock


class Volumes:
    """The user's network volumes."""

    def __init__(self, store: Store, clock: Clock, root: Path) -> None:
        self._store, self._clock, self._root = store, clock, root
        self._volumes = {volume.id: volume for volume in store.volumes.all()}

    def all(self) -> list[Resource]:
        """Return all volumes, oldest first."""
        return list(self._volumes.values())

    def find(self, volume_id: str) -> Resource:
        """Return a volume; raises `Problem` 404."""
        try:
            return self._volumes[volume_id]
        except KeyError:
            raise Problem(404, "network volume not found") from None

    def create(self, body: Mapping[str, Any]) -> Resource:
        """Make a volume from a checked body, and its folder; raises `Problem` 400 where the data centre has none."""
        place = body["dataCenter"]
        check_data_centers([place])
        kinds = catalog.DATA_CENTERS[place]["volume_types"]
        kind = body.get("type") or next(iter(kinds), None)  # the first is the data centre's primary tier
        if kind not in kinds:
            raise Problem(400, f"data center {place} has no {kind or 'network'} volumes")
        document = {"name": body["name"], "size": int(body["size"]), "dataCenter": place, "type": kind}
        volume = Resource(new_id(10), self._clock(), document)
        volume_folder(self._root, volume.id).mkdir(parents=True)
        return self._put(volume)

    def _put(self, volume: Resource) -> Resource:
        self._volumes[volume.id] = volume
        return self._store.volumes.put(volume)

    def patch(self, volume: Resource, body: Mapping[str, Any]) -> Resource:
        """Return it renamed or grown; raises `Problem` 400 where it would shrink."""
        size = int(body.get("size", volume.document["size"]))
        if size < volume.document["size"]:
            raise Problem(400, f"a network volume can't shrink: it has {volume.document['size']} GB")
        document = {**volume.document, "name": body.get("name", volume.document["name"]), "size": size}
        return self._put(replace(volume, document=document))

    def delete(self, volume: Resource, used_by: list[str]) -> None:
        """Delete a volume and its files; raises `Problem` 400 while endpoints use it.

        The document names no such refusal. Files that are gone can't come back, so it is refused as a template's is.
        """
        if used_by:
            raise Problem(400, f"the network volume is in use by serverless endpoint {used_by[0]}")
        del self._volumes[volume.id]
        self._store.volumes.delete(volume)
        discard(self._root, volume_folder(self._root, volume.id))

    def check_attachable(self, volume_ids: list[str], data_centers: list[str]) -> None:
        """Raise `Problem` unless an endpoint of these data centres can have these volumes, one a data centre.

        The rule is the storage documentation's (runpod-platform.md 6); an empty list of data centres means any.
        """
        seen: dict[str, str] = {}
        for volume_id in volume_ids:
            if volume_id not in self._volumes:
                raise Problem(404, f"network volume {volume_id!r} not found")
            place = self._volumes[volume_id].document["dataCenter"]
            if data_centers and place not in data_centers:
                raise Problem(400, f"network volume {volume_id} is in {place}, which is not in dataCenterIds")
            if place in seen:
                raise Problem(400, f"network volumes {seen[place]} and {volume_id} are both in {place}; one is allowed")
            seen[place] = volume_id


def check_data_centers(ids: list[str]) -> None:
    """Raise `Problem` 400 unless all of them exist."""
    unknown = [each for each in ids if each not in catalog.DATA_CENTERS]
    if unknown:
        raise Problem(400, f"unknown data center {unknown[0]!r}; there are {', '.join(catalog.DATA_CENTERS)}")
