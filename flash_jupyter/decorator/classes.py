"""What `@remote` makes of a class: instances that live in a worker, and whose methods run there.

All instances of an endpoint live in its one worker, and end with it. Nothing is sent before the first method call: it
takes the constructor's arguments along.
"""

from __future__ import annotations

import difflib
import functools
import inspect
import operator
import secrets
from typing import Any

from flash_jupyter.decorator.calling import RemoteCallable, Tell, is_worker
from flash_jupyter.decorator.raising import at_the_call, bound, check_arguments, no_attribute
from flash_jupyter.decorator.target import Target, check_options, parameters_of
from flash_jupyter.errors import OptionError
from flash_jupyter.session.calling import Line
from flash_jupyter.session.calls import Arguments, Method
from flash_jupyter.session.default import default_session
from flash_jupyter.session.started import StartedCall


class RemoteClass:
    """A class whose instances live in a worker: `counter = Counter(10)`, then `await counter.add(1)`."""

    def __init__(self, cls: type, target: Target) -> None:
        if not target.is_live:
            raise OptionError(
                f"class {cls.__name__} can't live on {target.describe()}: its image runs a handler of its own",
                fix="use LiveServerless or CpuLiveServerless for classes",
            )
        self._cls, self._target = cls, target.for_class(cls.__name__)
        functools.update_wrapper(self, cls, updated=())

    def __call__(self, /, *args: Any, **kwargs: Any) -> RemoteInstance:
        """Describe an instance; raises `TypeError` for arguments that the constructor does not take."""
        bound(self.__name__, inspect.signature(self._cls), (args, kwargs))
        return RemoteInstance(self, (args, kwargs))

    def local(self, /, *args: Any, **kwargs: Any) -> Any:
        """Make an instance here, as if the class were not decorated."""
        return self._cls(*args, **kwargs)

    def __mro_entries__(self, _bases: tuple[Any, ...]) -> tuple[type]:
        """Let a subclass derive from the class itself; it is remote when it is decorated too."""
        return (self._cls,)

    def __reduce__(self) -> Any:
        """On a worker it is the class itself: wrapped in a function that the other side has."""
        return operator.itemgetter(0), ((self._cls,),)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise no_attribute(name, f"remote class {self._cls.__name__!r} has no attribute {name!r}")
        raise no_attribute(
            name,
            f"{self.__name__} is a remote class and has no attribute `{name}` here\n"
            f"  → make an instance and call a method of it; {self.__name__}.__wrapped__ is the class itself",
        )

    def __repr__(self) -> str:
        return f"<remote class {self._cls.__name__} on {self._target.describe()}>"


class RemoteInstance:
    """An instance that lives in a worker. It has the methods of its class, and nothing else."""

    _home: _Home

    def __init__(self, remote_class: RemoteClass, first: Arguments) -> None:
        cls, target = remote_class._cls, remote_class._target
        object.__setattr__(self, "_home", _Home(remote_class, cls, target, first))

    @property
    def __call__(self) -> RemoteMethod:
        """The method `__call__` of the class, where it has one."""
        if not any("__call__" in vars(base) for base in self._home.cls.__mro__):
            raise at_the_call(TypeError(f"{self._home.cls.__name__!r} object is not callable"))
        return RemoteMethod(self._home, "__call__")

    def __getattr__(self, name: str) -> RemoteMethod:
        if name.startswith("__"):
            raise no_attribute(name, f"{self._home.cls.__name__!r} object has no attribute {name!r}")
        self._home.check_method(name)
        return RemoteMethod(self._home, name)

    def __setattr__(self, name: str, _value: object) -> None:
        raise no_attribute(
            name,
            f"`{name}` of a remote {self._home.cls.__name__} can't be set here: the instance lives in a worker\n"
            f"  → set it in a method, and call that",
        )

    def __dir__(self) -> list[str]:
        return self._home.methods()

    def __reduce_ex__(self, _protocol: Any) -> Any:
        raise TypeError(
            f"a remote {self._home.cls.__name__} lives in its worker and can't travel; pass what its methods return"
        )

    def __repr__(self) -> str:
        return f"<remote {self._home.cls.__name__} {self._home.instance_id} on {self._home.target.describe()}>"


class _Home:
    """What all methods of one instance share."""

    def __init__(self, remote_class: RemoteClass, cls: type, target: Target, first: Arguments) -> None:
        self.remote_class, self.cls, self.target, self.first = remote_class, cls, target, first
        self.instance_id = f"{cls.__name__}-{secrets.token_hex(4)}"
        self.line = Line(cls.__name__)

    @functools.cached_property
    def instance_here(self) -> Any:
        """The instance where calls run in this process."""
        args, kwargs = self.first
        return self.cls(*args, **kwargs)

    def methods(self) -> list[str]:
        """Names of the methods that can be called."""
        return [name for name in dir(self.cls) if not name.startswith("_") and self._is_method(name)]

    def check_method(self, name: str) -> None:
        """Raise `AttributeError` for a name that is no public method, and say what to do."""
        shown = self.cls.__name__
        if name.startswith("_"):
            raise no_attribute(name, f"`{name}` of {shown} is private: only public methods can be called from here")
        if self._is_method(name):
            return
        near = difflib.get_close_matches(name, self.methods(), n=1)
        fix = (
            f"did you mean {near[0]}(...)?"
            if near
            else f"read it with a method: def get_{name}(self): return self.{name}"
        )
        raise no_attribute(
            name,
            f"{shown} has no method `{name}`; its attributes live in the worker, and can't be read from here\n"
            f"  → {fix}",
        )

    def _is_method(self, name: str) -> bool:
        found = inspect.getattr_static(self.cls, name, None)
        return isinstance(found, staticmethod | classmethod) or callable(found)


class RemoteMethod(RemoteCallable):
    """A method of an instance that lives in a worker; calls run one after the other, in their order."""

    def __init__(self, home: _Home, name: str, timeout: int | None = None) -> None:
        self._home, self._name, self._timeout = home, name, timeout
        self._function = getattr(home.cls, name)
        self.label = f"{home.cls.__name__}.{name}"
        functools.update_wrapper(self, self._function, updated=())

    def options(self, *, timeout: int | None = None) -> RemoteMethod:
        """Return the same method with a time limit in seconds; a call that is stopped takes its worker along."""
        check_options(timeout, 0)
        return RemoteMethod(self._home, self._name, timeout)

    def local(self, /, *args: Any, **kwargs: Any) -> Any:
        """Call it where the instance lives here, with `local=True`; raises `AttributeError` elsewhere."""
        if not self._runs_here():
            raise no_attribute(
                "local",
                f"{self.label}: its instance lives in a worker\n"
                f"  → {self._home.cls.__name__}.local(...) makes one here",
            )
        return getattr(self._home.instance_here, self._name)(*args, **kwargs)

    def __reduce_ex__(self, _protocol: Any) -> Any:
        raise TypeError(f"{self.label} is a method of an instance that lives in its worker and can't travel")

    def __repr__(self) -> str:
        return f"<remote method {self.label} of {self._home.instance_id}>"

    def _runs_here(self) -> bool:
        return self._home.target.local or is_worker()

    def _begin(self, arguments: Arguments, tell: Tell) -> StartedCall:
        home = self._home
        is_method = not isinstance(inspect.getattr_static(home.cls, self._name), staticmethod)
        check_arguments(self.label, self._function, arguments, is_method=is_method)
        session = default_session()
        target = home.target
        parameters = parameters_of(self._function)[1:]
        method = Method(home.instance_id, self._name, home.first)
        request = target.request(home.cls, home.remote_class, arguments, self.label, parameters, self._timeout, method)
        if target.unused_workers:
            text = f"its endpoint has one worker, because instances live in it; workersMax={target.unused_workers}"
            self._warn(f"{text} does not apply", tell)
        return home.line.start(session, target.spec(session), request, tell=tell)
