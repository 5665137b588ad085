"""How the classes of the SDK read their arguments: camelCase as published or snake_case, closed, frozen.

Every failure is an `OptionError`, never pydantic's own, and speaks of the argument by its published name.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic.alias_generators import to_camel

from flash_jupyter.errors import OptionError


class Described(BaseModel):
    """Base of what a user describes by keyword arguments; two with equal arguments are equal.

    A subclass says `init=False`: type checkers then leave `__init__` as it stands here, which takes both spellings,
    and do not make one of the Python names alone.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=to_camel)

    #: other names of an argument, by the published one
    synonyms: ClassVar[Mapping[str, str]] = {}

    def __init_subclass__(cls, *, init: bool = False, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        super().__pydantic_init_subclass__(**kwargs)
        cls.__doc__ = f"{(cls.__doc__ or '').rstrip()}\n\nArguments (snake_case is taken too):\n\n{cls.reference()}\n"

    def __init__(self, **values: Any) -> None:
        arguments = self._by_published_name(values)
        try:
            super().__init__(**arguments)
        except ValidationError as failure:
            raise self._refusal(failure) from None

    def __setattr__(self, name: str, value: Any) -> None:
        kind = type(self).__name__
        raise OptionError(f"{name}= of a {kind} can't be changed afterwards", fix=f"make a new {kind}")

    def __repr_args__(self) -> Iterator[tuple[str, Any]]:
        """Only what was said, as it is published."""
        for name, field in type(self).model_fields.items():
            if field.repr and self.said(name):
                yield field.alias or name, getattr(self, name)

    @classmethod
    def arguments(cls) -> dict[str, str]:
        """Return what may be written, both spellings, each with the published name."""
        published = {name: field.alias or name for name, field in cls.model_fields.items()}
        return {**{alias: alias for alias in published.values()}, **published, **cls.synonyms}

    @classmethod
    def reference(cls) -> str:
        """Return one line an argument, with its default; `CLASS?` shows it."""
        lines = []
        for name, field in cls.model_fields.items():
            default = field.get_default(call_default_factory=True, validated_data={})
            shown = f"{field.alias or name}={'' if default in (None, (), {}, '') else default}"
            lines.append(f"    {shown:<26} {field.description}")
        return "\n".join(lines)

    def said(self, *names: str) -> bool:
        """Whether the user gave one of these fields a value; names are those of Python."""
        return not self.model_fields_set.isdisjoint(names)

    @classmethod
    def _by_published_name(cls, values: Mapping[str, Any]) -> dict[str, Any]:
        known = cls.arguments()
        found: dict[str, Any] = {}
        for name, value in values.items():
            if name not in known:
                raise cls._unknown(name)
            if known[name] in found:
                raise OptionError(f"{cls.__name__}: {known[name]}= is given twice", fix=f"leave {name}= away")
            found[known[name]] = value
        return found

    @classmethod
    def _unknown(cls, name: str) -> OptionError:
        spellings = cls.arguments()
        near = difflib.get_close_matches(name, spellings, n=1, cutoff=0.6)
        listed = ", ".join(dict.fromkeys(spellings.values()))
        return OptionError(
            f"{cls.__name__} has no argument {name}=",
            fix=f"did you mean {near[0]}=?" if near else f"use some of {listed}",
            suggestion=near[0] if near else None,
        )

    @classmethod
    def _refusal(cls, failure: ValidationError) -> OptionError:
        first = failure.errors(include_url=False)[0]
        name = str(first["loc"][0])
        if first["type"] == "missing":
            return OptionError(f"{cls.__name__} needs {name}=", fix=f"write {cls.__name__}({name}=..., ...)")
        if name == "env" and len(first["loc"]) > 1:  # its values may be secrets, and are not shown
            key = first["loc"][1]
            return OptionError(f"env: the value of {key} is not a text", fix=f'write env={{"{key}": "..."}}')
        return OptionError(
            f"{name}={first['input']} does not fit: {first['msg'][:1].lower()}{first['msg'][1:]}",
            fix=f"see {cls.__name__}? for what {name}= takes",
        )
