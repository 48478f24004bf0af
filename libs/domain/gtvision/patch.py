"""A change of some fields: what a PATCH request names, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import BaseModel

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

    Noun = TypeVar("Noun", bound=DataclassInstance)


@dataclass(frozen=True, slots=True)
class Patch:
    """Fields by name with their new values. A field that is absent stays as it is; one that is None becomes None."""

    values: Mapping[str, Any]

    @classmethod
    def of(cls, body: BaseModel, *leave: str) -> Patch:
        """Returns the fields that the sender of the body wrote, without those in `leave`."""
        return cls({name: getattr(body, name) for name in type(body).model_fields if name in body.model_fields_set - {*leave}})

    def apply(self, noun: Noun) -> Noun:
        """Returns the noun (a frozen dataclass) with the named fields replaced. Raises TypeError for a field that it lacks."""
        return replace(noun, **self.values)

    def __contains__(self, name: str) -> bool:
        return name in self.values

    def __iter__(self) -> Iterator[str]:
        return iter(self.values)

    def get(self, name: str, otherwise: Any = None) -> Any:
        """Returns the new value of a field, or `otherwise` where the field stays."""
        return self.values.get(name, otherwise)
