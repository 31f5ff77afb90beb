"""In which form an endpoint takes a request: with a schema or without, which fields, which name for the limit.

`auto` begins with the form that promises most. A refusal that names a field changes the form for all requests to come,
and those that were on their way in the old form are sent again in the new one, so that nobody's question pays for the
finding. A refusal without a name leaves the question to try simpler forms by itself; the first that works is kept.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from pipelines.llm.exchange import Ask, Message
from pipelines.llm.failures import unsupported_parameter
from pipelines.llm.json_text import writable
from pipelines.llm.reply_schema import ReplySchema
from pipelines.llm.settings import Endpoint
from pipelines.llm.wire import EndpointRefused
from schemas.fingerprints import fingerprint

_SIMPLER: Final = {"json_schema": "json_object", "json_object": "prompt"}
_LIMITS: Final = ("max_tokens", "max_completion_tokens")
_OPTIONAL: Final = ("seed", "temperature", "top_p")


class Shape(NamedTuple):
    """One form.

    Attributes:
        structure: `json_schema`, `json_object` or `prompt`.
        told: Whether the prompt tells the schema, besides what `structure` does.
        limit: What the field for the longest reply is called.
        without: Fields that are left out.
    """

    structure: str
    told: bool
    limit: str
    without: frozenset[str] = frozenset()


class Forms:
    """The form that one endpoint takes requests with one schema in; it learns.

    Attributes:
        shape: What the next request is sent as.
    """

    def __init__(self, role: str, endpoint: Endpoint, schema: ReplySchema | None, like: Shape | None = None) -> None:
        """Begins with what is configured, and with what requests with other schemas found out (`like`)."""
        self._role, self._endpoint, self._schema = role, endpoint, schema
        structure = endpoint.structured if endpoint.structured != "auto" else "json_schema"
        limit = endpoint.max_tokens_field if endpoint.max_tokens_field != "auto" else "max_tokens"
        without = frozenset() if endpoint.send_seed else frozenset({"seed"})
        self.shape = Shape(structure, False, like.limit if like else limit, like.without if like else without)
        self._first = Shape(structure, False, limit, without)
        self._marks: dict[Shape, str] = {self._first: ""}
        self._proven: set[Shape] = set()
        self._format = schema.response_format() if schema else None

    def body(self, ask: Ask, shape: Shape, model: str, key: str) -> dict[str, Any]:
        """The body of a request."""
        sampling = ask.sampling
        body: dict[str, Any] = {
            "model": model,
            "messages": self._messages(ask.messages, shape),
            "temperature": sampling.temperature,
            shape.limit: sampling.max_tokens,
            "seed": int(key[:8], 16) >> 1,
        }
        if sampling.top_p != 1.0:
            body["top_p"] = sampling.top_p
        if self._format is not None and shape.structure != "prompt":
            body["response_format"] = self._format if shape.structure == "json_schema" else {"type": "json_object"}
        for name in shape.without:
            body.pop(name, None)
        if self._endpoint.extra:
            body.update(self._endpoint.extra)
        return body

    def _messages(self, messages: tuple[Message, ...], shape: Shape) -> list[dict[str, str]]:
        made = [{"role": m["role"], "content": writable(m["content"])} for m in messages]
        if self._schema is not None and (shape.told or shape.structure != "json_schema"):
            if made and made[0]["role"] == "system":
                made[0]["content"] += "\n\n" + self._schema.told
            else:
                made.insert(0, {"role": "system", "content": self._schema.told})
        return made

    def mark(self, shape: Shape) -> str:
        """A name for a form; nothing for the one that the configuration begins with."""
        if shape not in self._marks:
            structure, told, limit, without = shape
            self._marks[shape] = "-" + fingerprint([structure, told, limit, sorted(without)])[:4]
        return self._marks[shape]

    def schema_bytes(self, shape: Shape) -> int:
        """Of the schema, where the endpoint may write it into the prompt by itself."""
        return len(self._schema.text.encode()) if self._schema is not None and shape.structure == "json_schema" else 0

    def works(self, shape: Shape) -> None:
        """A request in this form got a completion."""
        if shape not in self._proven:
            self._proven.add(shape)
            if self.shape not in self._proven:
                self.shape = shape

    def not_held_to(self, shape: Shape) -> None:
        """A whole reply was no JSON: the endpoint does not hold its model to the schema, so the prompt has to."""
        if shape.structure == "json_schema" and self._endpoint.structured == "auto" and not self.shape.told:
            self.shape = self.shape._replace(told=True)

    def after_refusal(self, shape: Shape, body: Mapping[str, Any], words: str) -> Shape | None:
        """The form to send a request in that was refused in `shape`; None where the form is not to blame.

        Raises:
            EndpointRefused: the endpoint does not take what the configuration insists on.
        """
        name = unsupported_parameter(words, body)
        if name is None:
            if shape in self._proven:
                return None
            return self.shape if self.shape != shape and self.shape in self._proven else self._next_try(shape)
        simpler = self._without(shape, name, words)
        if self.shape == shape:
            self.shape = simpler
        elif self.shape not in self._proven:  # others found out something else meanwhile
            self.shape = self._without(self.shape, name, words) if self._has(self.shape, name, shape) else self.shape
        return self.shape

    def _has(self, shape: Shape, name: str, refused: Shape) -> bool:
        """Whether a form still has what another was refused for."""
        if name == "response_format":
            return shape.structure == refused.structure
        return shape.limit == name if name in _LIMITS else name not in shape.without

    def _without(self, shape: Shape, name: str, words: str) -> Shape:
        """The next simpler form as far as a field goes."""
        pinned = self._endpoint.structured != "auto" if name == "response_format" else name in self._endpoint.extra
        if name == "response_format" and not pinned and shape.structure in _SIMPLER:
            return shape._replace(structure=_SIMPLER[shape.structure])
        if name in _LIMITS and not pinned and self._endpoint.max_tokens_field == "auto":
            other = _LIMITS[1 - _LIMITS.index(name)]
            if other not in shape.without:
                return shape._replace(limit=other, without=shape.without | {name})
        if name in _OPTIONAL and not pinned:
            both = {"temperature", "top_p"} if name != "seed" else {"seed"}
            return shape._replace(without=shape.without | both)
        setting = {"response_format": "structured", **dict.fromkeys(_LIMITS, "max_tokens_field")}.get(name, name)
        setting = f"extra.{setting}" if name in self._endpoint.extra else setting
        raise EndpointRefused(
            f"llm.{self._role}: the endpoint does not take `{name}` ({words[:200]}). "
            f"Change `{setting}:` there, or leave it out."
        )

    def _next_try(self, shape: Shape) -> Shape | None:
        """The next simpler form altogether, for a refusal that says nothing; None after the simplest."""
        if self._schema is not None and self._endpoint.structured == "auto" and shape.structure in _SIMPLER:
            return shape._replace(structure=_SIMPLER[shape.structure])
        if "seed" not in shape.without:
            return shape._replace(without=shape.without | {"seed"})
        if "temperature" not in shape.without:
            return shape._replace(without=shape.without | {"temperature", "top_p"})
        return None

    def describe(self) -> dict[str, Any]:
        """For the report."""
        found: dict[str, Any] = {"limit": self.shape.limit}
        if self._schema is not None:
            found["structure"] = self.shape.structure + ("+prompt" if self.shape.told else "")
        if self.shape.without - set(_LIMITS):
            found["left_out"] = sorted(self.shape.without - set(_LIMITS))
        return found
