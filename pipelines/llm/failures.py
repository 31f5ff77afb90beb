"""What an answer that is no completion means: to be tried again, final, or the end of the run.

Servers agree on little but the status, and not always on that: the words decide between a prompt that is too long, one
that a filter keeps out, and a parameter that the model does not know. The wordings below are those of OpenAI, Azure,
vLLM, SGLang, llama.cpp, Ollama, TGI, DeepSeek, DashScope (Qwen), Zhipu, Moonshot, MiniMax, Volcengine, Mistral and
Gemini. Only codes and messages are looked at, never a prompt that a server sends back with its error.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

RETRY: Final = "retry"
FINAL: Final = "final"
STOP: Final = "stop"

MAX_DETAIL_CHARS: Final = 500
_MAX_SEARCHED_CHARS: Final = 4_000

_OVERFLOW: Final = re.compile(
    r"context_?length_?exceeded|string_above_max_length|exceed_context_size|context_window_exceeded"
    r"|max(imum)? context (length|size|window)|context (length|window|size|limit)\b.{0,80}exceed"
    r"|exceed\w*.{0,80}\b(context|maximum (allowed )?length|token limit)"
    r"|exceed\w*.{0,80}\bmax(imum)? (message |number of )?tokens allowed"
    r"|longer than the (maximum model|model's|context|max)|input (token )?length\b.{0,40}(too long|exceed)"
    r"|range of input length should be|prompt (is |tokens? )?too long|prompt 超长|input tokens exceed"
    r"|too many (input )?tokens|must have less than \d+ tokens|tokens? \+ `?max_new_tokens`? must be"
    r"|too large for model with \d+|request exceeded model token limit|token count.{0,40}exceeds"
    r"|exceed max message tokens|max_?input_?(characters|length)|上下文.{0,12}(超|过长)|输入.{0,12}(超长|过长|超过)",
    re.IGNORECASE | re.DOTALL,
)
_FILTERED: Final = re.compile(
    r"content_?filter|content_policy|responsibleaipolicy|data_?inspection|content exists risk"
    r"|sensitive_?(words|content)|sensitivecontentdetected|new_sensitive|inappropriate content"
    r"|prompt_blocked|content management policy|considered high risk|input was flagged|moderation|unsafe or sensitive"
    r"|敏感内容|敏感词|不安全|内容安全|违规",
    re.IGNORECASE,
)
_FILTER_CODES: Final = {"1301", "1026", "1027"}
_OVERFLOW_CODES: Final = {"1261"}

_NO_MONEY: Final = re.compile(
    r"insufficient_?(user_?)?quota|insufficient[ _]balance|exceeded your current quota|billing_hard_limit|billing_not"
    r"|arrear|account is deactivated|exceeded_current_quota|credit balance|余额不足|欠费",
    re.IGNORECASE,
)
_NO_MONEY_CODES: Final = {"1113", "1008"}
_NO_KEY: Final = re.compile(
    r"invalid_?api_?key|incorrect api key|api key not valid|invalid authentication|authentication_error"
    r"|authentication fails|api_key_invalid",
    re.IGNORECASE,
)
_NO_MODEL: Final = re.compile(
    r"model_not_found|model not exist|deploymentnotfound|the model .{1,120} does not exist|model.{1,120}not found"
    r"|invalid model (name|id)|not a valid model|模型不存在",
    re.IGNORECASE | re.DOTALL,
)
_NO_MODEL_CODES: Final = {"1211"}
_TOO_LARGE_FOR_ACCOUNT: Final = re.compile(r"request too large for", re.IGNORECASE)

_TRANSIENT_4XX: Final = {408, 409, 424, 425, 429, 499}


@dataclass(frozen=True)
class Fault:
    """What is to be done about an answer.

    Attributes:
        then: `retry`, `final` or `stop`.
        failure: As in `wire.Completion`; for `stop` what is wrong: `key`, `money`, `model` or `address`.
        words: The endpoint's own, not yet shortened or cleared of keys.
        congested: The endpoint has too much to do, so that fewer calls at a time may help.
    """

    then: str
    failure: str
    words: str
    congested: bool = False


def fault_of(status: int, answer: Any, raw: str = "") -> Fault:
    """What an answer other than a completion means.

    Args:
        status: Of HTTP; of the error inside, where an answer of 200 holds one.
        answer: The parsed body, None where it is no JSON.
        raw: The body's text where it is no JSON.
    """
    words, codes = error_words(answer) if answer is not None else (_plain(raw), frozenset())
    searched = words[:_MAX_SEARCHED_CHARS]
    if (_FILTERED.search(searched) and status in (400, 403, 413, 422, 429, 451, 200)) or codes & _FILTER_CODES:
        return Fault(FINAL, "content_filter", words)
    if stop := _stopping(status, searched, codes):
        return Fault(STOP, stop, words)
    if status == 429:
        if _TOO_LARGE_FOR_ACCOUNT.search(searched):
            return Fault(FINAL, "rate_limited", words)  # more than a minute's allowance: waiting cannot help
        return Fault(RETRY, "rate_limited", words, congested=True)
    overflown = bool(_OVERFLOW.search(searched)) or bool(codes & _OVERFLOW_CODES)
    if status == 413 or (overflown and status in (200, 400, 422, 500)):
        return Fault(FINAL, "context_overflow", words)
    if status == 200 or status >= 500 or status in _TRANSIENT_4XX:
        failure = "timeout" if status == 408 else "server_error"
        return Fault(RETRY, failure, words, congested=status in (408, 503, 504, 524, 529))
    return Fault(FINAL, "bad_request", words)


def _stopping(status: int, words: str, codes: frozenset[str]) -> str:
    """`key`, `money`, `model`, `address`, or nothing where the run may go on."""
    if status in (200, 400, 402, 403, 429) and (status == 402 or _NO_MONEY.search(words) or codes & _NO_MONEY_CODES):
        return "money"
    if status in (401, 403) or (status in (200, 400) and _NO_KEY.search(words)):
        return "key"
    if status in (404, 405) or (status in (200, 400) and (_NO_MODEL.search(words) or codes & _NO_MODEL_CODES)):
        return "model"
    return "address" if status == 407 or 300 <= status < 400 else ""


def error_words(answer: Any) -> tuple[str, frozenset[str]]:
    """The message of an error, with its code and parameter where the message lacks them; and its codes, as text."""
    if isinstance(answer, list) and answer:
        answer = answer[0]  # Gemini wraps its errors
    if not isinstance(answer, Mapping):
        return _plain(answer if isinstance(answer, str) else ""), frozenset()
    error = answer.get("error", answer.get("base_resp", answer))
    if isinstance(error, str):
        error = {"message": error}
    if not isinstance(error, Mapping):
        error = answer
    message = _message(error) or _message(answer)
    inner = error.get("innererror")
    named = [error.get("code"), error.get("type"), error.get("status"), error.get("status_code"), answer.get("code")]
    named += [inner.get("code")] if isinstance(inner, Mapping) else []
    codes = [str(code) for code in named if isinstance(code, str | int) and not isinstance(code, bool) and code != ""]
    extra = [code for code in dict.fromkeys(codes) if code not in message and len(code) <= 80]
    param = error.get("param")
    if isinstance(param, str) and param and len(param) <= 80 and f"'{param}'" not in message:
        extra.append(f"param '{param}'")
    text = f"{message} ({', '.join(extra)})" if extra else message
    return text.strip(), frozenset(codes)


def _message(error: Mapping[str, Any]) -> str:
    for name in ("message", "msg", "status_msg", "error_msg", "detail", "error"):
        found = error.get(name)
        if isinstance(found, str) and found:
            return found
        if isinstance(found, list):  # FastAPI's and pydantic's lists of what is wrong where
            return "; ".join(_place(item) for item in found[:8] if isinstance(item, Mapping))
    return ""


def _place(item: Mapping[str, Any]) -> str:
    """One complaint of a validator, without the input that it quotes."""
    where = item.get("loc")
    path = ".".join(str(part) for part in where[:8]) if isinstance(where, list) else ""
    return f"'{path.removeprefix('body.')}': {item.get('msg', item.get('message', ''))} ({item.get('type', '')})"


def _plain(raw: str) -> str:
    """Text of a page, tags and white space taken out."""
    text = re.sub(
        r"<(script|style)\b.*?</\1\s*>|<[^<>]{0,500}>", " ", raw[: 4 * _MAX_SEARCHED_CHARS], flags=re.S | re.I
    )
    return " ".join(text.split())


_REFUSED_PARAMETER: Final = re.compile(
    r"unsupported|not support|n't support|unknown|unrecogni[sz]ed|unexpected|extra (inputs|fields)|extra_forbidden"
    r"|not permitted|not allowed|unavailable|only the default|no longer|deprecated|not available|not valid: `?json"
    r"|cannot find field|not implemented|不支持|未知|无法识别",
    re.IGNORECASE,
)
_STRUCTURE: Final = re.compile(
    r"response_format|json_schema|json_object|json schema|guided_|grammar|structured[ _]outputs?", re.IGNORECASE
)
_PLAIN_NAMES: Final = {"temperature", "seed"}


def unsupported_parameter(detail: str, body: Mapping[str, Any]) -> str | None:
    """The field of a request that a `bad_request` was about, because the model or the server does not take it.

    Args:
        detail: Of the completion: the endpoint's words.
        body: The request's.

    Returns:
        A key of `body` to leave out, or to ask for in another way (`max_tokens` as `max_completion_tokens`,
        `response_format` in a simpler form); None where something else was wrong, a value out of its range too.
    """
    if "response_format" in body and _STRUCTURE.search(detail):
        return "response_format"
    if not _REFUSED_PARAMETER.search(detail):
        return None
    found = []
    for name in body:
        if name in ("model", "messages"):
            continue
        quoted = re.search(rf"[\"'`\[(.]{re.escape(name)}[\"'`\]).]", detail)
        bare = re.search(rf"(?<!\w){re.escape(name)}(?!\w)", detail) if "_" in name or name in _PLAIN_NAMES else None
        if hit := quoted or bare:
            found.append((hit.start(), name))
    return min(found)[1] if found else None
