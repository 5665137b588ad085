"""What was asked when a build was verified, asked again: what is sent, and what the answer means."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import httpx
import pytest
from platform_app import BACKEND, ORIGIN

from flash_jupyter.build.manifest import Function, Resource, make_manifest
from flash_jupyter.deploy.replay import FRESH, HOW, NEVER, Replay
from flash_jupyter.deploy.wanted import Place, wanted_of
from flash_jupyter.errors import NotFoundError, UnreachableError
from flash_jupyter.transport.http import Http
from flash_jupyter.wire.control import Endpoint

RESOURCES = {
    "till": Resource(
        resource_type="CpuLiveServerless",
        functions=[
            Function(name="price", module="m"),
            Function(name="Basket", module="m", is_class=True, class_methods=["add"]),
        ],
        config={"env": {"REGION": "the-northern-region"}},
    ),
    "shop": Resource(
        resource_type="CpuLiveLoadBalancer",
        functions=[Function(name="quote", module="m", http_method="POST", http_path="/quote/{item}")],
        is_load_balanced=True,
    ),
}
PRICE = {"requests": [[{"at": 0, "input": {"function": "price", "n": 2}, "output": 5.0}]]}
QUOTE = {"requests": [[{"at": 0, "input": {"item": "tea", "n": 2}, "output": {"total": 5}}]]}
ADD = {"execution_type": "class", "class_name": "Basket", "serialization_format": "json", "method_name": "add"}
BASKET = {"requests": [[{"at": n - 1, "input": ADD, "output": n} for n in (1, 2)]]}
WORKER = {"X-Runpod-Worker-Id": "w1"}


def endpoint(name: str, kind: str) -> Endpoint:
    urls = {
        "run": f"{ORIGIN}/{name}/run",
        "status": f"{ORIGIN}/{name}/status/{{job_id}}",
        "cancel": f"{ORIGIN}/{name}/cancel/{{job_id}}",
        "health": "",
    }
    found = {"id": name, "name": name, "type": kind, "requestUrls": {**urls, "base": f"{ORIGIN}/{name}"}}
    return Endpoint.model_validate(found)


class Platform:
    """Answers each request with what is next in line, and keeps what was sent."""

    def __init__(self, *answers: httpx.Response | Any) -> None:
        self.answers, self.sent = list(answers), list[tuple[str, Any]]()

    def _answer(self, request: httpx.Request) -> httpx.Response:
        body = json.loads(request.content or b"null")
        self.sent.append((request.url.path, body))
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        if isinstance(answer, httpx.Response):
            return answer
        return httpx.Response(200, json={"id": "j1", "status": "COMPLETED", "output": answer})

    def run(self, work: Callable[[Replay], Awaitable[Any]], workers: int = 3, tried: tuple[str, ...] = ()) -> Any:
        till = RESOURCES["till"].model_copy(update={"config": {**RESOURCES["till"].config, "workersMax": workers}})
        manifest = make_manifest("shop", "3.12", {**RESOURCES, "till": till}, "0" * 64)
        wanted = wanted_of(manifest, Place("shop", "live", "e1"), owner="me", runtime_secret="key")
        endpoints = {"till": endpoint("till", "QUEUE"), "shop": endpoint("shop", "LOAD_BALANCER")}

        async def main() -> Any:
            http = Http(BACKEND, transport=httpx.MockTransport(self._answer))
            try:
                return await work(Replay(http, wanted, endpoints, tried))
            finally:
                await http.aclose()

        return asyncio.run(main())

    def says_after_a_trial(self, **kept: Any) -> list[str]:
        found = self.run(lambda replay: replay.verdicts([*kept], kept), tried=("till",))
        return [str(each) for each in found]

    def says_in_a_trial(self, **kept: Any) -> list[str]:
        found = self.run(lambda replay: replace(replay, is_trial=True).verdicts([*kept], kept))
        return [str(each) for each in found]

    def says(self, **kept: Any) -> list[str]:
        return [str(each) for each in self.run(lambda replay: replay.verdicts([*kept], kept))]


def failed(text: str) -> httpx.Response:
    return httpx.Response(200, json={"id": "j1", "status": "FAILED", "error": text})


def test_a_plain_request_is_sent_as_it_was_and_its_answer_is_compared_as_a_smoke_test_does() -> None:
    platform = Platform(5.0000000001)
    assert platform.says(price=PRICE) == [f"price: verified, {HOW}"]
    assert platform.sent == [("/till/run", {"input": {"function": "price", "n": 2}})]
    assert Platform(5.1).says(price=PRICE) == [
        f"price: differs, {HOW}, it gave 5.0 then, and gives 5.1 now, for price(n=2)"
    ]


def test_a_route_gets_its_arguments_where_they_belong() -> None:
    platform = Platform(httpx.Response(200, json={"total": 5}, headers=WORKER))
    assert platform.says(quote=QUOTE) == [f"quote: verified, {HOW}"]
    assert platform.sent == [("/shop/quote/tea", {"n": 2})]


def test_the_calls_of_an_object_are_made_in_order_on_one_of_our_own() -> None:
    platform = Platform(*({"success": True, "json_result": n} for n in (1, 2)))
    assert platform.says(Basket=BASKET) == [f"Basket: verified, {HOW}"]
    first, second = (sent["input"] for _, sent in platform.sent)
    assert first == second == {**ADD, "instance_id": first["instance_id"]}
    again = Platform(*({"success": True, "json_result": n} for n in (2, 3)))
    assert again.says(Basket=BASKET)[0].startswith(f"Basket: differs, {HOW}, it gave 1 then, and gives 2 now, for ")
    assert again.sent[0][1]["input"]["instance_id"] != first["instance_id"]


def calls_at(**calls: int) -> dict[str, Any]:
    """One request of each at its place; each gives its place."""
    sent = {"execution_type": "function", "args": ["a"], "kwargs": {}}
    return {
        name: {"requests": [[{"at": at, "input": {**sent, "function_name": name}, "output": at}]]}
        for name, at in calls.items()
    }


def test_functions_are_asked_one_after_the_other_in_the_order_in_which_they_were() -> None:
    platform = Platform(0, 1)
    assert platform.says(**calls_at(Basket=1, price=0)) == [f"Basket: verified, {HOW}", f"price: verified, {HOW}"]
    assert [sent["input"]["function_name"] for _, sent in platform.sent] == ["price", "Basket"]


def test_where_another_function_is_not_asked_what_it_was_a_difference_may_come_of_that() -> None:
    fine = calls_at(price=0, Basket=2)
    later = "; price had been asked before what is not asked now"
    gave = f"Basket: not verified, {HOW}, it gave 2 then, and gives 3 now, for Basket('a'){later}"
    assert Platform(0, 3).says(**{**fine, "price": {**fine["price"], "left_out": 1}})[1] == gave
    assert Platform(3).run(lambda replay: replay.verdicts(["Basket"], fine))[0].state == "not verified"
    assert Platform(0, 3).says(**{**fine, "price": {**fine["price"], "left_out": 3}})[1].startswith("Basket: differs")
    elsewhere = {**fine, "quote": {"why_not": "its call raised", "left_out": 1}}
    assert Platform(0, 3).says(**elsewhere)[1].startswith("Basket: differs")


@pytest.mark.parametrize(
    ("answer", "kept", "said"),
    [
        (failed('{"error_type": "<class \'KeyError\'>", "error_message": "tea"}'), {"price": PRICE}, "KeyError: tea"),
        (failed("out of paper"), {"price": PRICE}, "the handler failed: out of paper"),
        (httpx.Response(500, text="KeyError: tea", headers=WORKER), {"quote": QUOTE}, "HTTP 500: KeyError: tea"),
    ],
    ids=["a job with the SDK's error", "a job with a text", "a route"],
)
def test_what_it_raises_now_is_a_difference(answer: httpx.Response, kept: Any, said: str) -> None:
    (verdict,) = Platform(answer).says(**kept)
    assert f" then, and raises {said} now, for " in verdict


LOST = "worker lost: w1: it was killed"


@pytest.mark.parametrize("is_stopped_while", ["it is asked", "it runs"])
def test_who_stops_waiting_stops_the_job(is_stopped_while: str) -> None:
    platform = Platform(*[httpx.Response(200, json={"id": "j1", "status": "IN_PROGRESS"})] * 9)

    async def stop(replay: Replay) -> None:
        asking = asyncio.ensure_future(replay.verdicts(["price"], {"price": PRICE}))
        while len(platform.sent) < (1 if is_stopped_while == "it is asked" else 2):
            await asyncio.sleep(0)
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking

    platform.run(stop)
    assert [path for path, _ in platform.sent][-1] == "/till/cancel/j1"


def test_a_job_whose_worker_was_lost_is_asked_once_more() -> None:
    assert Platform(failed(LOST), 5.0).says(price=PRICE) == [f"price: verified, {HOW}"]
    twice = [failed(LOST), failed(LOST)]
    said = f"price: {{}}, {HOW}, it gave 5.0 then, and its worker was lost, for price(n=2)"
    assert Platform(*twice).says(price=PRICE) == [said.format("differs")]
    assert Platform(*twice).says_after_a_trial(price=PRICE) == [said.format("not verified")]


def test_an_object_that_was_lost_with_its_worker_is_not_made_anew() -> None:
    platform = Platform({"success": True, "json_result": 1}, failed(LOST))
    assert "its worker was lost" in platform.says(Basket=BASKET)[0]


def test_no_answer_is_no_difference_after_a_trial_that_had_one_but_another_value_is() -> None:
    ended = httpx.Response(200, json={"id": "j1", "status": "TIMED_OUT"})
    assert Platform(ended).says(price=PRICE)[0].startswith("price: differs")
    (said,) = Platform(ended).says_after_a_trial(price=PRICE)
    assert said == f"price: not verified, {HOW}, it gave 5.0 then, and its job ended as TIMED_OUT, for price(n=2)"
    (said,) = Platform(httpx.ReadTimeout("silent")).says_after_a_trial(price=PRICE)
    assert said.startswith(f"price: not verified, {HOW}, it gave 5.0 then, and ")
    with pytest.raises(UnreachableError):
        Platform(httpx.ReadTimeout("silent")).says(price=PRICE)
    assert Platform(6.0).says_after_a_trial(price=PRICE)[0].startswith("price: differs")


def test_an_endpoint_that_is_gone_is_no_difference_but_an_error() -> None:
    with pytest.raises(NotFoundError):
        Platform(httpx.Response(404, json={"error": "no such endpoint"})).says(quote=QUOTE)


def test_what_nothing_is_kept_of_is_not_asked_and_says_why() -> None:
    platform = Platform()
    assert platform.says(price={"why_not": "it took more than 30 s"}, quote={}) == [
        "price: not verified, nothing was kept of it when the build was verified: it took more than 30 s",
        f"quote: not verified, {NEVER}",
    ]
    assert platform.sent == []


def kept(platform: Platform, found: Any, before: Any, reasons: dict[str, str], in_trial: Any = None) -> Any:
    return platform.run(lambda replay: replay.kept(found, before, reasons, in_trial or {}))


def test_only_what_it_gives_a_second_time_is_kept() -> None:
    reasons = {"price": "", "quote": "", "Basket": "no cell calls it"}
    platform = Platform(5.0, httpx.Response(200, json={"total": 6}, headers=WORKER))
    assert kept(platform, {"price": PRICE, "quote": QUOTE}, {}, reasons) == {
        "price": PRICE,
        "quote": {"why_not": "asked a second time, it answered otherwise", "left_out": 0},
        "Basket": {"why_not": "no cell calls it"},
    }


def test_what_a_trial_was_asked_is_not_asked_a_third_time() -> None:
    reasons, (asked,) = {"price": "", "quote": ""}, QUOTE["requests"]
    otherwise = [{**asked[0], "output": {"total": 6}}]
    platform = Platform(5.0)
    assert kept(platform, {"price": PRICE, "quote": QUOTE}, {}, reasons, {"quote": QUOTE}) == {
        "price": PRICE,
        "quote": {"requests": [[{**asked[0], "once": True}]]},
    }
    assert [path for path, _ in platform.sent] == ["/till/run"], "the price was not asked in the trial"
    assert kept(Platform(), {"quote": QUOTE}, {}, {"quote": ""}, {"quote": {"requests": [otherwise]}}) == {
        "quote": {"why_not": "asked a second time, it answered otherwise", "left_out": 0}
    }


def test_a_function_that_counts_and_counted_so_in_the_trial_does_not_vary() -> None:
    sent = PRICE["requests"][0][0]["input"]
    counts = {"requests": [[{"at": n, "input": sent, "output": n}] for n in (1, 2, 3)]}
    found = kept(Platform(), {"price": counts}, {}, {"price": ""}, {"price": counts})
    assert [[call["once"] for call in calls] for calls in found["price"]["requests"]] == [[True]] * 3
    more = {"requests": [*counts["requests"], [{"at": 4, "input": sent, "output": 4}]]}
    assert kept(Platform(4), {"price": more}, {}, {"price": ""}, {"price": counts})["price"]["requests"][3:] == [
        [{"at": 4, "input": sent, "output": 4}]
    ], "the fourth was not asked in the trial, so it is asked again"


def test_what_fresh_workers_gave_is_a_difference_in_a_trial_and_elsewhere_a_doubt() -> None:
    once = {"requests": [[{**call, "once": True} for call in PRICE["requests"][0]]]}
    said = f"{HOW}, it gave 5.0 then, and gives 6.0 now, for price(n=2)"
    assert Platform(6.0).says_in_a_trial(price=once) == [f"price: differs, {said}"]
    assert Platform(6.0).says(price=once) == [f"price: not verified, {said}; {FRESH}"]
    assert Platform(5.0).says(price=once) == [f"price: verified, {HOW}"]


def test_of_an_object_all_calls_are_kept_only_where_one_worker_has_it() -> None:
    answers = [{"success": True, "json_result": n} for n in (1, 2)]
    for workers, count in ((1, 2), (3, 1)):
        platform = Platform(*answers)
        found = platform.run(lambda replay: replay.kept({"Basket": BASKET}, {}, {"Basket": ""}, {}), workers)
        left_out = {"left_out": count} if count < 2 else {}
        assert found == {"Basket": {"requests": [BASKET["requests"][0][:count]], **left_out}}
        assert len(platform.sent) == count


def test_what_was_compared_with_the_sources_is_not_asked_again_and_stays_where_other_requests_do_not() -> None:
    sure = [{"at": 1, "input": {"function": "price"}, "output": 2.5, "compared": True}]
    found = {"price": {"requests": [sure, *PRICE["requests"]]}}
    platform = Platform(5.5)
    assert kept(platform, found, {}, {"price": ""}) == {"price": {"requests": [sure], "left_out": 0}}
    assert platform.sent == [("/till/run", {"input": {"function": "price", "n": 2}})]


def test_what_is_kept_already_is_not_asked_again_and_stays_where_the_sources_could_not_tell_this_time() -> None:
    nearly = {"requests": [[{"at": 0, "input": {"function": "price", "n": 2}, "output": 5.0000000001}]]}
    before = {"price": PRICE, "Basket": BASKET}
    assert kept(Platform(), {"price": nearly}, before, {"price": "", "Basket": "no torch here"}) == before


def test_a_value_of_the_user_s_variables_is_not_kept() -> None:
    secret = {"requests": [[{"at": 0, "input": {"where": "the-northern-region"}, "output": 1}]]}
    assert kept(Platform(), {"price": secret}, {}, {"price": ""}) == {
        "price": {"why_not": "a request or its answer holds the value of an environment variable", "left_out": 0}
    }
