"""What we send and get back: one container of bytes, the same format in both directions, and both halves of it.

    namespace ── Sender.pack ──► bytes ── Receiver.load ──► the namespace over there
    namespace ◄── Answer.apply ── Sender.unpack ◄── bytes ── Receiver.pack ──┘

`container` lays out the bytes, `pickling` decides how an object travels, `changes` finds out which objects were
changed, `blame` names what can't be pickled. Only the standard library and cloudpickle are imported: all but
`sender` travels to the worker as text, so the format exists once.
"""

from __future__ import annotations

from flash_jupyter.capsule.blame import Unpicklable
from flash_jupyter.capsule.container import FORMAT
from flash_jupyter.capsule.receiver import Receiver
from flash_jupyter.capsule.sender import ERROR, RESULT, Answer, Sender

__all__ = ["ERROR", "FORMAT", "RESULT", "Answer", "Receiver", "Sender", "Unpicklable"]
