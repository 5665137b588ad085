"""Every error that this package raises on purpose, in one tree.

    FlashError
    ├── SettingsError
    ├── OptionError
    ├── CaptureError
    │   ├── UndefinedNameError
    │   ├── PayloadTooLargeError
    │   └── SecretFoundError
    ├── CostLimitError
    ├── ApiError
    │   ├── AuthenticationError
    │   │   └── NotAllowedError
    │   ├── OutOfMoneyError
    │   ├── QuotaError
    │   ├── NoWorkersError
    │   ├── NotFoundError
    │   ├── NoStockError
    │   ├── RateLimitedError
    │   └── UnreachableError
    ├── BuildError
    ├── DeployError
    ├── EmulatorError
    ├── JobError
    │   ├── JobTimedOut
    │   ├── JobWasCancelled
    │   ├── WorkerLost
    │   ├── WorkersUnhealthy
    │   ├── InstanceLostError
    │   ├── ResultLost
    │   └── ProtocolError
    └── FlashRuntimeError
        ├── RemoteExecutionError
        ├── SerializationError
        ├── GraphQLError
        │   ├── GraphQLMutationError
        │   └── GraphQLQueryError
        └── ManifestError
            └── ManifestServiceUnavailableError

Rule of the file: a class carries data, its text says what happened and to what, and `fix` says in the imperative
what to do next. Nothing of ours is imported here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


class FlashError(Exception):
    """Base of everything this package raises on purpose; `fix` is the next thing the user can do."""

    def __init__(self, message: str, *, fix: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.fix = fix

    def __str__(self) -> str:
        return f"{self.message}\n  → {self.fix}" if self.fix else self.message

    def _render_traceback_(self) -> list[str]:
        """What IPython shows: our message without our own frames, and where it was raised on the worker."""
        return [f"{type(self).__name__}: {self}", *getattr(self, "__notes__", ())]


class SettingsError(FlashError):
    """A variable, a file or a folder that we were told to use is not usable."""


class OptionError(FlashError):
    """An option or a value that does not exist; `suggestion` is the nearest one that does."""

    def __init__(self, message: str, *, fix: str = "", suggestion: str | None = None) -> None:
        super().__init__(message, fix=fix)
        self.suggestion = suggestion


class CaptureError(FlashError):
    """The cell can't be sent as it stands."""


class UndefinedNameError(CaptureError):
    """The cell reads names that are neither in the notebook, nor bound before in the cell, nor built in."""

    def __init__(self, names: Mapping[str, int], *, suggestions: Mapping[str, str] | None = None) -> None:
        self.names = dict(names)
        self.suggestions = dict(suggestions or {})
        listed = ", ".join(f"`{name}` (line {line})" for name, line in self.names.items())
        one = len(self.names) == 1
        hints = [f"`{near}` instead of `{name}`" for name, near in self.suggestions.items()]
        fix = "define it in a cell above" if one else "define them in a cell above"
        if hints:
            fix += f", or did you mean {', '.join(hints)}?"
        super().__init__(f"{'name is' if one else 'names are'} not defined: {listed}; nothing was sent", fix=fix)


class PayloadTooLargeError(CaptureError):
    """What the cell reads does not fit into one request; `sizes` maps names to bytes, largest first."""

    def __init__(
        self,
        sizes: Mapping[str, int],
        *,
        size_bytes: int,
        limit_bytes: int,
        what: str = "what the cell reads",
        fix: str = "",
    ) -> None:
        self.sizes = dict(sorted(sizes.items(), key=lambda item: -item[1]))
        self.size_bytes, self.limit_bytes = size_bytes, limit_bytes
        table = "\n".join(f"    {name:<24} {_megabytes(size):>10}" for name, size in list(self.sizes.items())[:10])
        largest = next(iter(self.sizes), "NAME")
        super().__init__(
            f"{what} takes {_megabytes(size_bytes)}, a request holds {_megabytes(limit_bytes)}; "
            f"nothing was sent\n{table}",
            fix=fix or f"load `{largest}` in the cell itself, or leave it out with drop={largest}",
        )


class SecretFoundError(CaptureError):
    """A value that the cell reads looks like a secret."""

    def __init__(self, name: str, kind: str) -> None:
        self.name, self.kind = name, kind
        super().__init__(
            f"`{name}` looks like {kind}; nothing was sent",
            fix=f"pass it as env={name.upper()}=… (never stored, masked in output), or leave it out with drop={name}",
        )


class CostLimitError(FlashError):
    """It could cost more than was allowed; nothing was sent. US dollars; `cost_usd` is None where no price is known."""

    def __init__(self, message: str, *, limit_usd: float, cost_usd: float | None, fix: str = "") -> None:
        super().__init__(message, fix=fix)
        self.limit_usd, self.cost_usd = limit_usd, cost_usd


class ApiError(FlashError):
    """The platform answered with an error; `status` is the HTTP status, `detail` its own words."""

    def __init__(self, message: str, *, status: int = 0, detail: str = "", fix: str = "") -> None:
        super().__init__(message, fix=fix)
        self.status, self.detail = status, detail


class AuthenticationError(ApiError):
    """The key is missing, wrong, or not allowed to do this."""


class NotAllowedError(AuthenticationError):
    """The key is right, but it, or its account, may not do this."""


class OutOfMoneyError(ApiError):
    """The account's balance is too low for this."""


class QuotaError(ApiError):
    """The account may not have so many workers; nothing was made or changed."""


class NoWorkersError(ApiError):
    """The endpoint may not have a worker: a job would wait there for ever."""


class NotFoundError(ApiError):
    """What was asked for does not exist, or does not exist any more."""


class NoStockError(ApiError):
    """The platform lists no stock of what was asked for; nothing was made. `alternatives` would do."""

    def __init__(self, message: str, *, alternatives: Sequence[str] = (), fix: str = "") -> None:
        super().__init__(message, fix=fix)
        self.alternatives = tuple(alternatives)


class RateLimitedError(ApiError):
    """Too many requests; `retry_after_s` is what the server asked us to wait, in seconds."""

    def __init__(self, message: str, *, retry_after_s: float = 0.0, detail: str = "", fix: str = "") -> None:
        super().__init__(message, status=429, detail=detail, fix=fix)
        self.retry_after_s = retry_after_s


class UnreachableError(ApiError):
    """Nobody answered: refused, cut, or silent until the deadline."""


class BuildError(FlashError):
    """A notebook or a project can't be exported as it stands; nothing was built."""


class DeployError(FlashError):
    """An environment was not brought to what a bundle wants; the text says what stands there now."""


class EmulatorError(FlashError):
    """The embedded Runpod could not start, or stopped."""


class JobError(FlashError):
    """A job came to an end without its result; `job_id` is ours, `platform_id` the platform's."""

    def __init__(
        self,
        message: str,
        *,
        fix: str = "",
        job_id: str = "",
        platform_id: str = "",
        worker_id: str = "",
        log_tail: Sequence[str] = (),
    ) -> None:
        tail = "".join(f"\n    {line}" for line in log_tail)
        super().__init__(f"{message}{tail}", fix=fix)
        self.job_id, self.platform_id, self.worker_id = job_id, platform_id, worker_id
        self.log_tail = tuple(log_tail)


class JobTimedOut(JobError):
    """The execution timeout passed, or the job waited in the queue longer than its time to live."""


class JobWasCancelled(JobError):
    """Somebody cancelled the job while it was waited for; `by` says from where, where that is known."""

    by = ""


class WorkerLost(JobError):
    """The worker that ran the job died; the job is sent again only where retries were asked for."""


class WorkersUnhealthy(JobError):
    """No worker of the endpoint became healthy; the job never ran, and was cancelled."""


class InstanceLostError(JobError):
    """An instance can't be reached any more: its worker has ended, or a call went to one that does not have it.

    `is_hit` says whether this call was running there when it ended, and may have had an effect; others were not run.
    """

    is_hit = False


class ResultLost(JobError):
    """The job is over and its result is not to be had: expired, too large, or never reported."""


class ProtocolError(JobError):
    """The worker answered what this version does not understand."""


class FlashRuntimeError(FlashError):
    """Base of what the published SDK raises at run time."""


class RemoteExecutionError(FlashRuntimeError):
    """The user's code raised on the worker.

    `type_name`, `remote_message` and `frames` (dicts with `filename`, `line`, `name`, `text`) describe the remote
    exception, also when its type does not exist here; `chain` holds its causes, outermost first (`text`, `frames`).
    `report` is all that the worker said of it: those, and notes, the exceptions of a group, frames that were left out.
    """

    def __init__(
        self,
        type_name: str,
        remote_message: str,
        *,
        frames: Sequence[Mapping[str, Any]] = (),
        chain: Sequence[Mapping[str, Any]] = (),
        report: Mapping[str, Any] | None = None,
        fix: str = "",
    ) -> None:
        self.type_name, self.remote_message = type_name, remote_message
        self.frames, self.chain = tuple(frames), tuple(chain)
        self.report: dict[str, Any] = dict(report or {})
        self.report |= {"type": type_name, "message": remote_message, "frames": self.frames, "chain": self.chain}
        super().__init__(f"{type_name}: {remote_message}" if remote_message else type_name, fix=fix)


class SerializationError(FlashRuntimeError):
    """A value can't be pickled; `path` leads from the name to the culprit, e.g. ``cfg → .a → ['k'] → [0]``."""

    def __init__(self, name: str, path: str, culprit: str, *, fix: str = "", reason: str = "") -> None:
        self.name, self.path, self.culprit, self.reason = name, path, culprit, reason
        text = f"can't be pickled: {path}: {culprit}"
        super().__init__(f"{text} ({reason})" if reason else text, fix=fix)


class GraphQLError(ApiError, FlashRuntimeError):
    """GraphQL answered with errors, or not as it should; `detail` has its own words."""


class GraphQLMutationError(GraphQLError):
    """A mutation failed; it is never repeated, as it may have had an effect."""


class GraphQLQueryError(GraphQLError):
    """A query failed, also when it was asked again."""


class ManifestError(FlashRuntimeError):
    """A build's manifest is wrong or incomplete."""


class ManifestServiceUnavailableError(ManifestError):
    """The platform did not give a build's manifest."""


def _megabytes(size_bytes: int) -> str:
    return f"{size_bytes / 1e6:,.1f} MB"
