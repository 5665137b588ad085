"""The service in use: made when it is needed, and anew where the settings are others."""

from __future__ import annotations

from dataclasses import replace

from jupyter_user import Ask, User

from flash_jupyter.errors import SettingsError
from flash_jupyter.server.desk import Desk


async def test_nothing_is_made_before_the_first_request(ask: Ask, user: User) -> None:
    assert user.services == []
    await ask("GET", "/about")
    await ask("GET", "/jobs")
    assert len(user.services) == 1


async def test_a_key_that_is_written_into_a_file_counts_from_the_next_request_on(ask: Ask, user: User) -> None:
    with_key = user.settings
    user.settings = replace(with_key, api_key=None)
    assert (await ask("GET", "/about")).document["backends"][1]["state"] == "no key"
    user.settings = with_key
    assert (await ask("GET", "/about")).document["backends"][1]["state"] == "ready"
    assert len(user.services) == 2


async def test_one_that_is_replaced_lives_until_its_last_request_is_over(user: User) -> None:
    desk = user.desk()
    async with desk.service() as old:
        user.settings = replace(user.settings, owner="bob")
        async with desk.service() as new:
            assert new is not old
            assert await old.jobs(1) == [], "it still answers"
        assert await old.endpoints()
    async with desk.service() as again:
        assert again is new
    await desk.close()


async def test_settings_that_can_not_be_used_are_told_and_may_be_repaired(ask: Ask, user: User, desk: Desk) -> None:
    good = desk._read

    def bad(_folder: object) -> object:
        raise SettingsError("FLASH_JUPYTER_BACKEND is 'cloud'", fix="set it to local or runpod, or leave it away")

    desk._read = bad  # type: ignore[assignment]
    answer = await ask("GET", "/endpoints")
    assert (answer.status, answer.document["message"]) == (409, "FLASH_JUPYTER_BACKEND is 'cloud'")
    assert answer.document["fix"] == "set it to local or runpod, or leave it away"
    desk._read = good
    assert (await ask("GET", "/endpoints")).status == 200


async def test_a_job_store_that_can_not_be_opened_is_told(ask: Ask, user: User) -> None:
    user.store.close()
    for path in user.settings.home.glob("jobs.*"):
        path.unlink()
    user.settings.job_store.mkdir()
    answer = await ask("GET", "/jobs")
    assert (answer.status, answer.document["type"]) == (409, "SettingsError")
    assert answer.document["message"].startswith(f"the job store {user.settings.job_store} can't be used")


async def test_a_request_that_is_under_way_when_all_is_closed_ends_quietly(ask: Ask, desk: Desk) -> None:
    async with desk.service():
        await desk.close()
