"""What of a smoke test's requests can be asked again."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from flash_jupyter.build.recorded import BYTES, REQUESTS, SLOWEST_S, Recorder, Recording, merged, shareable

ONE, TWO = ({"requests": [[{"at": 0, "input": n, "output": n}]]} for n in (1, 2))
#: what is asked, as (input, output), and the reason that nothing of it is kept
REFUSED: list[tuple[str, Any, Any, str]] = [
    ("arguments that are not JSON", {"x": {1, 2}}, 1, "its arguments or its answer are not plain JSON"),
    ("an answer that is not JSON", {"x": 1}, object(), "its arguments or its answer are not plain JSON"),
    ("a number that JSON has not", {"x": 1}, float("nan"), "its arguments or its answer are not plain JSON"),
    ("much", {"x": "a" * BYTES}, 1, "a request with its answer has more than 8 kB"),
]


def record(*asked: tuple[str, Any, Any], instance: str = "") -> Recording:
    recorder = Recorder()
    for function, sent, answer in asked:
        recorder.ask(function, sent, partial(next, iter([answer])), instance=instance)
    return recorder.found()


def outputs(entry: dict[str, Any]) -> list[list[Any]]:
    return [[call["output"] for call in calls] for calls in entry["requests"]]


def test_the_first_few_different_requests_of_each_function_are_kept() -> None:
    found = record(("f", {"x": 0}, 0), ("f", {"x": 0}, 0), *(("f", {"x": n}, n) for n in range(1, 9)), ("g", {}, None))
    assert REQUESTS == 3
    assert (outputs(found["f"]), outputs(found["g"])) == ([[0], [1], [2]], [[None]])


def test_what_was_compared_with_the_sources_value_says_so() -> None:
    recorder = Recorder()
    for sent in ({"x": 1}, {}):
        recorder.ask("f", sent, lambda: 1)
    recorder.compared("f")
    assert [calls[0].get("compared") for calls in recorder.found()["f"]["requests"]] == [None, True]


@pytest.mark.parametrize(("sent", "answer", "why"), [c[1:] for c in REFUSED], ids=[c[0] for c in REFUSED])
def test_what_is_not_kept_says_why_and_does_not_keep_out_the_next(sent: Any, answer: Any, why: str) -> None:
    assert record(("f", sent, answer)) == {"f": {"why_not": why, "left_out": 0}}
    assert outputs(record(("f", sent, answer), ("f", {"x": 2}, 4))["f"]) == [[4]]


def test_a_value_that_is_changed_later_stands_as_it_was() -> None:
    recorder, sent = Recorder(), {"items": ["tea"]}
    answer = recorder.ask("f", sent, lambda: [1])
    sent["items"].append("cake")
    answer.append(2)
    assert recorder.found() == {"f": {"requests": [[{"at": 0, "input": {"items": ["tea"]}, "output": [1]}]]}}


def test_the_calls_of_an_object_stay_in_order_up_to_the_first_that_can_t_be_repeated() -> None:
    found = record(("B", "a", 1), ("B", "a", 2), ("B", "b", {3}), ("B", "c", 4), instance="i1")
    calls = [{"at": 0, "input": "a", "output": 1}, {"at": 1, "input": "a", "output": 2}]
    assert found == {"B": {"requests": [calls], "left_out": 2}}


def test_what_answered_the_same_request_in_different_ways_is_not_kept() -> None:
    why = "it answered the same request in different ways"
    found = record(("next", {"by": 1}, 4), ("next", {"by": 1}, 2), ("next", {"by": 1}, 4))["next"]
    assert found == {"why_not": why, "left_out": 0}
    assert outputs(record(("f", 1, 4), ("f", 1, 2), ("f", 3, 6))["f"]) == [[6]]
    assert outputs(record(("f", 1, 0.1 + 0.2), ("f", 1, 0.3))["f"]) == [[0.1 + 0.2]]
    recorder = Recorder()
    for instance, total in (("i1", 2), ("i2", 3)):
        recorder.ask("B", "make", lambda: 1, instance=instance)
        recorder.ask("B", "total", partial(int, total), instance=instance)
    assert outputs(recorder.found()["B"]) == [[1]]


def test_what_raised_is_not_kept_and_ends_an_object_s_calls() -> None:
    recorder = Recorder()

    def fail() -> None:
        raise LookupError

    for instance in ("", "i1"):
        with pytest.raises(LookupError):
            recorder.ask("f", {}, fail, instance=instance)
    recorder.ask("f", {"later": 1}, lambda: 1, instance="i1")
    assert recorder.found() == {"f": {"why_not": "its call raised", "left_out": 0}}


def test_calls_of_an_object_that_overlap_have_no_order() -> None:
    recorder = Recorder()

    def outer() -> int:
        return recorder.ask("B", "inner", lambda: 1, instance="i1")

    recorder.ask("B", "outer", outer, instance="i1")
    assert recorder.found()["B"]["why_not"].startswith("its calls were made at the same time")
    assert recorder.ask("f", "outer", lambda: recorder.ask("f", "inner", lambda: 1)) == 1
    assert len(recorder.found()["f"]["requests"]) == 2  # nothing rests on the order of these


def test_what_is_slow_would_make_each_way_back_slow() -> None:
    times = iter([0.0, SLOWEST_S + 1, 100.0, 100.0 + SLOWEST_S])
    recorder = Recorder(clock=lambda: next(times))
    recorder.ask("train", {"epochs": 50}, lambda: 1)
    assert recorder.found() == {"train": {"why_not": "it took more than 30 s", "left_out": 0}}
    recorder.ask("train", {"epochs": 1}, lambda: 2)
    assert outputs(recorder.found()["train"]) == [[2]]


def test_the_order_across_functions_is_kept_and_where_something_is_missing_in_it() -> None:
    found = record(("keep", "a", 1), ("recall", "a", 1), ("keep", "a", 1), ("recall", "a", {2}), ("recall", "b", 3))
    assert [[call["at"] for call in calls] for calls in found["recall"]["requests"]] == [[1], [4]]
    assert (found["keep"]["left_out"], found["recall"]["left_out"]) == (2, 3)
    second = merged([found, record(("other", "a", 1), ("keep", "c", 1))])
    assert second["other"] == {"requests": [[{"at": 5, "input": "a", "output": 1}]]}
    assert second["keep"] == found["keep"]
    assert merged([{"keep": ONE}, found])["keep"]["left_out"] == 1


@pytest.mark.parametrize(
    ("recordings", "expected"),
    [([{"f": ONE}, {"f": TWO}], {**ONE, "left_out": 1}), ([{"f": {"why_not": "a"}}, {"f": ONE}], ONE), ([{"f": ONE}, {"f": {"why_not": ""}}], ONE)],
    ids=["the first", "what has requests", "a reason takes none away"],
)  # fmt: skip
def test_of_several_kernels_one_recording_is_made(recordings: list[Recording], expected: dict[str, Any]) -> None:
    assert merged(recordings) == {"f": expected}


@pytest.mark.parametrize(
    ("make", "kind"),
    [
        (lambda: {"input": {"headers": {"auth": "hf_" + "a1B2" * 8}}, "output": 1}, "a Hugging Face token"),
        (lambda: {"input": {}, "output": ["rpa_" + "a1B2" * 8]}, "a Runpod API key"),
        (lambda: {"input": {"password": "Zq81nPx0LmR7vT2c"}, "output": 1}, "a secret (a random value under a name"),
        (lambda: {"input": {"url": "https://host/?k=correct-horse"}, "output": 1}, "the value of an environment"),
        (lambda: {"input": {"correct-horse": 1}, "output": 1}, "the value of an environment"),
        (lambda: {"input": {"header": "Bearer hf_" + "a1B2" * 8 + " "}, "output": 1}, "a Hugging Face token"),
        (lambda: {"input": {}, "output": "open(Postgres://ann:tea@host/db) failed"}, "an address with a password"),
        (lambda: {"input": {"pin": 48151623}, "output": 1}, "the value of an environment"),
    ],
    ids=[
        "an argument",
        "an answer",
        "a random password",
        "a variable's value inside of a text",
        "and as a key",
        "within a header",
        "an address in a message",
        "a number",
    ],
)
def test_nothing_secret_leaves_the_machine(make: Callable[[], dict[str, Any]], kind: str) -> None:
    given = ["correct-horse", "48151623", ""]
    entry = shareable({"requests": [[make()]]}, given)
    assert entry["why_not"].startswith(f"a request or its answer holds {kind}")
    fine = {"input": {"city": "Rome"}, "output": 1}
    assert shareable({"requests": [[make()], [fine]]}, given) == {"requests": [[fine]]}
    assert shareable({"requests": [[fine, make(), fine]]}, given) == {"requests": [[fine]]}
