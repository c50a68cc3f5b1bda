"""What requests hold. Everything has a limit, and what is not named is refused."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

OpId = Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,64}$", description="Made by the client, once for each act.")]
Client = Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,64}$", description="A window, by a name it made up.")]
Row = Annotated[int, Field(ge=0, lt=2**53)]
Seq = Annotated[int, Field(ge=0, lt=2**31)]
NAME = r"^[\w.@-]{1,64}$"
Name = Annotated[str, Field(pattern=NAME)]
MOST_DEPTH = 32


def _well_formed(value: Any, depth: int = 0) -> Any:
    """Text that can be written: JSON may escape halves of characters, which no encoding has. Not nested without end."""
    if depth > MOST_DEPTH:
        raise ValueError("nested too deep")
    if isinstance(value, str):
        value.encode()
    elif isinstance(value, list | dict):
        for part in value:
            _well_formed(part, depth + 1)
    if isinstance(value, dict):
        for part in value.values():
            _well_formed(part, depth + 1)
    return value


class Body(BaseModel):
    """What all of them share."""

    model_config = ConfigDict(extra="forbid", strict=True)


class ActBody(Body):
    """Something that is said of a row."""

    op_id: OpId
    row: Row
    kind: Literal["label", "unsure", "skip", "flag"]
    payload: Annotated[Any, AfterValidator(lambda value: _well_formed(value))] = None
    base_seq: Seq = 0
    client: Client


class UndoBody(Body):
    """The last act is taken back; if ``expected`` is given, only if it is that one."""

    op_id: OpId
    client: Client
    expected: Seq | None = None


class LowerBody(Body):
    """A flag was looked at."""

    op_id: OpId
    row: Row
    flagged_by: Name


class TakeBody(Body):
    """A window wants to hold so many rows."""

    client: Client
    count: Annotated[int, Field(ge=1, le=10)] = 3


class WindowBody(Body):
    """A window."""

    client: Client


class TokenBody(Body):
    """A token that lets somebody in."""

    token: Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[\x21-\x7e]+$")]


class PersonBody(Body):
    """Somebody who is to be let in."""

    name: Name
    role: Literal["annotator", "reviewer", "admin"] = "annotator"
