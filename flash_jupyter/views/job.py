"""The card of one cell's job: it appears late, ticks while the job lasts, and always comes to an end.

A display that is updated in place, never stdout. A cell publishes when its job is sent, since the main thread has
nothing to do then, and a publish takes a millisecond. A short one leaves it at that; a longer one becomes a card after
`APPEAR_AFTER_S`, first from the ticker's thread, because the main thread is waiting.

The card is HTML and text, no widget: whatever happens to the kernel, what is saved can be read. Its Cancel button is
drawn by our JupyterLab extension, and a click goes to the Jupyter server, which hears it whatever the kernel does.
Where a display can't be updated, as in a terminal, it is a few lines; where it is recorded, as by `%%capture`, only the
last state.
"""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable, Mapping
from typing import Any

from flash_jupyter.states import PHASES
from flash_jupyter.views.card import Moment, Place, final_bundle, running_bundle
from flash_jupyter.views.format import duration, money, one_line, outcome_text, sent_text
from flash_jupyter.views.publisher import Page, Publisher
from flash_jupyter.views.ticker import TICKER
from flash_jupyter.views.timeline import Timeline, settle

APPEAR_AFTER_S = 0.4
#: between two updates while nothing but time passes
RENEW_S = 1.0
#: a job that lasts so long has a Cancel button, where something draws it
CANCEL_FROM_S = 2.0
#: where a cell clears its output at shorter intervals, the card stays away until the end
CLEARED_OFTEN_S = 0.5
#: phases of which a page that can't be updated hears as well
WORTH_A_LINE = frozenset({"provisioning", "starting", "dependencies", "running"})


class JobCard:
    """The card of one cell. Used as a context; every method may be called from any thread."""

    def __init__(
        self,
        publisher: Publisher,
        *,
        page: Page = "live",
        hint: str = "",
        has_button: bool = False,
        appear_after_s: float = APPEAR_AFTER_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._publisher, self._page, self._hint, self._clock = publisher, page, hint, clock
        self._has_button = has_button
        self._lock = threading.Lock()
        self._began = clock()
        self._appear_at, self._renewed_at = self._began + appear_after_s, 0.0
        self._timeline = Timeline()
        self._place: Place | None = None
        self._worker_id: str | None = None
        self._detail = ""
        self._waiting: tuple[str, str] | None = None
        self._cost_usd: float | None = None
        self._delay_s: float | None = None
        self._execution_s: float | None = None
        self._worker_s: dict[str, float] = {}
        self._display_id = ""
        self._shown: Mapping[str, Any] = {}
        self._said: set[str] = set()
        self._cleared_at = 0.0
        self._is_cleared_often = False
        self._is_late = self._is_cleared = self.is_over = False

    def __enter__(self) -> JobCard:
        TICKER.watch(self)
        return self

    def __exit__(self, *exc_info: Any) -> None:
        self.is_over = True

    # --- what happens to the job --------------------------------------------------------------------------------

    def phase(self, name: str, detail: str = "", worker_id: str | None = None) -> None:
        """Note what the job does now; shown at once where the card is there."""
        with self._lock:
            self._detail, self._waiting = detail, None
            self._worker_id = worker_id or self._worker_id
            if name in PHASES:
                self._timeline.enter(name, self._clock())
            if self._is_late:
                self._renew()

    def sent(self, place: Place) -> None:
        """Show where the job goes, in words that are true afterwards too."""
        with self._lock:
            self._place, self._detail = place, ""
            self._timeline.enter("queue", self._clock())
            if self._is_late:
                self._renew()
            elif self._page == "live":
                self._publish(one_line(sent_text(place.backend, place.endpoint)))

    def waiting(self, text: str, action: str) -> None:
        """Say why the job waits, and what to do."""
        with self._lock:
            self._waiting = (text, action) if text else None
            if self._is_late:
                self._renew()

    def measured(
        self,
        *,
        worker_id: str | None,
        delay_ms: int | None,
        execution_ms: int | None,
        cost_usd: float | None,
        phases_s: Mapping[str, float],
    ) -> None:
        """Take what the platform and the worker say of the job's times and cost; None is not said."""
        with self._lock:
            self._worker_id = worker_id or self._worker_id
            self._cost_usd = self._cost_usd if cost_usd is None else cost_usd
            self._delay_s = self._delay_s if delay_ms is None else delay_ms / 1000
            self._execution_s = self._execution_s if execution_ms is None else execution_ms / 1000
            self._worker_s |= phases_s

    # --- how it ends ----------------------------------------------------------------------------------------------

    def finish(self, backend: str, endpoint: str, seconds: float) -> None:
        """Show where it ran, which the notebook saves; a short cell has said enough, unless it cost something."""
        with self._lock:
            line = outcome_text(backend, endpoint, self._worker_id, seconds, self._cost_usd)
            self._finish(line, always=self._cost_usd is not None or not self._display_id)

    def fail(self, how: str) -> None:
        """Replace a phase that is shown, or say what was paid; else the error that follows says enough."""
        with self._lock:
            what, comma, rest = how.partition(",")
            facts = [f"{what} after {duration(self._clock() - self._began)}{comma}{rest}"]
            if self._place:
                facts += [sent_text(self._place.backend, self._place.endpoint)]
            facts += [f"worker {self._worker_id}"] if self._worker_id else []
            facts += [money(self._cost_usd)] if self._cost_usd is not None else []
            self._finish(" · ".join(facts), always=self._cost_usd is not None or bool(self._display_id))

    def _finish(self, line: str, *, always: bool) -> None:
        self.is_over = True
        now = self._clock()
        self._timeline.end(now)
        if always or self._is_late:
            phases_s = settle(
                self._timeline.seconds(now),
                delay_s=self._delay_s,
                execution_s=self._execution_s,
                worker_s=self._worker_s,
            )
            self._publish(final_bundle(line, phases_s, self._place.price_per_hour_usd if self._place else None))

    # --- the page -------------------------------------------------------------------------------------------------

    def cleared(self) -> None:
        """The cell cleared its output, the card with it, or will when the next output comes."""
        with self._lock:
            now = self._clock()
            self._display_id, self._is_cleared = "", True
            self._is_cleared_often = now < self._cleared_at + CLEARED_OFTEN_S
            self._cleared_at = now

    def before_output(self) -> None:
        """The cell puts something out: after a clear the card comes back first, where that does not flicker."""
        if not self._is_cleared:
            return
        with self._lock:
            if self._is_late and not self._is_cleared_often:
                self._is_cleared = False
                self._renew()

    def tick(self) -> None:
        """Appear when it is time, then let the clock go on. Called from the ticker's thread."""
        with self._lock:
            if self.is_over:
                return
            now = self._clock()
            if not self._is_late:
                if now >= self._appear_at:
                    self._is_late = True
                    self._renew()
            elif now >= self._renewed_at + RENEW_S:
                self._renew()

    def _renew(self) -> None:
        """Show how it stands."""
        now, phase = self._clock(), self._timeline.current
        self._renewed_at = now
        if not phase or self._page == "recorded" or self._is_cleared:
            return
        if self._page == "lines":
            self._say(phase)
            return
        moment = Moment(
            phase=phase,
            seconds=now - self._began,
            phases_s=self._timeline.seconds(now),
            place=self._place,
            worker_id=self._worker_id,
            detail=self._detail,
            waiting=self._waiting,
            hint=self._hint,
            has_button=self._has_button and now >= self._began + CANCEL_FROM_S,
        )
        self._publish(running_bundle(moment))

    def _say(self, phase: str) -> None:
        """Print a line for what is worth one, each once."""
        if not self._waiting and phase not in WORTH_A_LINE:
            return
        what, more = self._waiting or (phase, self._detail)
        if what not in self._said:
            self._said.add(what)
            self._publish({"text/plain": " · ".join(filter(None, (what, more)))})

    def _publish(self, bundle: Mapping[str, Any]) -> None:
        update = bool(self._display_id) and self._page == "live"
        if update and bundle == self._shown:
            return
        self._shown = bundle
        self._display_id = self._display_id or uuid.uuid4().hex
        self._publisher.publish(bundle, transient={"display_id": self._display_id}, update=update)
