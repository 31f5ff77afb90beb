"""What answers of real servers mean; every one as it was seen there."""

from __future__ import annotations

import base64
import email.utils
import time
from typing import Any
from urllib.parse import quote

import pytest

from pipelines.llm import replies
from pipelines.llm.failures import Fault, fault_of, unsupported_parameter
from pipelines.llm.redaction import Redaction
from pipelines.llm.waits import asked_wait_s, backoff_s
from pipelines.llm.wire import Completion

OVERFLOWS = [
    "This model's maximum context length is 65536 tokens. However, you requested 66343 tokens (62247 in the messages).",
    "Input tokens exceed the configured limit of 272000 tokens. Your messages resulted in 300000 tokens.",
    "The decoder prompt (length 9000) is longer than the maximum model length of 4096.",
    "The input (160062 tokens) is longer than the model's context length (59862 tokens).",
    "Input length (160062 tokens) exceeds the maximum allowed length (59862 tokens).",
    "<400> InternalError.Algo.InvalidParameter: Range of input length should be [1, 30720]",
    "the request exceeds the available context size. try increasing the context size",
    "Invalid request: Your request exceeded model token limit: 8192",
    "The input token count (40000) exceeds the maximum number of tokens allowed (32768).",
    "Prompt contains 40000 tokens, too large for model with 32768 maximum context length",
    "`inputs` tokens + `max_new_tokens` must be <= 4096. Given: 5000 `inputs` tokens",
    "prompt is too long: 210000 tokens > 200000 maximum",
    "Prompt 超长",
]
FILTERED: list[tuple[int, Any]] = [
    (400, {"error": {"code": "content_filter", "message": "The response was filtered due to the prompt triggering"}}),
    (400, {"error": {"code": "data_inspection_failed", "message": "Input data may contain inappropriate content."}}),
    (400, {"error": {"message": "<400> InternalError.Algo.DataInspectionFailed: Input text data may contain"}}),
    (400, {"error": {"message": "Content Exists Risk", "code": "invalid_request_error"}}),
    (400, {"error": {"code": "1301", "message": "系统检测到输入或生成内容可能包含不安全或敏感内容"}}),
    (403, {"error": {"code": 403, "message": "Your chosen model requires moderation and your input was flagged"}}),
    (200, {"base_resp": {"status_code": 1026, "status_msg": "input new_sensitive"}}),
]
STOPS: list[tuple[int, Any, str]] = [
    (401, {"error": {"message": "Incorrect API key provided", "code": "invalid_api_key"}}, "key"),
    (403, {"error": {"message": "Country, region, or territory not supported"}}, "key"),
    (400, [{"error": {"code": 400, "message": "API key not valid. Please pass a valid API key."}}], "key"),
    (402, {"error": {"message": "Insufficient Balance"}}, "money"),
    (429, {"error": {"code": "insufficient_quota", "message": "You exceeded your current quota"}}, "money"),
    (429, {"error": {"code": "1113", "message": "您的账户已欠费，请充值后重试。"}}, "money"),
    (
        400,
        {"error": {"code": "Arrearage", "message": "Access denied, make sure your account is in good standing"}},
        "money",
    ),
    (404, {"error": {"message": "model 'qwen' not found, try pulling it first"}}, "model"),
    (404, None, "model"),
    (404, {"error": {"code": "DeploymentNotFound", "message": "The API deployment does not exist."}}, "model"),
    (400, {"error": {"message": "Model Not Exist"}}, "model"),
    (400, {"error": {"code": "1211", "message": "模型不存在，请检查模型代码。"}}, "model"),
    (307, None, "address"),
]


@pytest.mark.parametrize("words", OVERFLOWS)
def test_a_prompt_that_is_too_long_is_known_by_its_words(words: str) -> None:
    fault = fault_of(400, {"error": {"message": words, "type": "invalid_request_error"}})
    assert (fault.then, fault.failure) == ("final", "context_overflow")


@pytest.mark.parametrize(("status", "answer"), FILTERED)
def test_what_a_filter_keeps_out_is_final(status: int, answer: Any) -> None:
    assert fault_of(status, answer).failure == "content_filter"
    assert fault_of(status, answer).then == "final"


@pytest.mark.parametrize(("status", "answer", "what"), STOPS)
def test_what_no_call_would_survive_stops_the_run(status: int, answer: Any, what: str) -> None:
    fault = fault_of(status, answer)
    assert (fault.then, fault.failure) == ("stop", what)


@pytest.mark.parametrize("status", [408, 409, 425, 429, 499, 500, 502, 503, 504, 520, 524, 529])
def test_passing_faults_are_retried(status: int) -> None:
    assert fault_of(status, None, "<html><body>Bad gateway</body></html>").then == "retry"
    assert fault_of(status, {"error": {"message": "The server had an error"}}).then == "retry"


@pytest.mark.parametrize("status", [400, 413, 418, 422, 451])
def test_other_refusals_are_final(status: int) -> None:
    expected = "context_overflow" if status == 413 else "bad_request"
    assert fault_of(status, {"error": {"message": "No."}}).failure == expected


def test_a_prompt_that_is_quoted_decides_nothing() -> None:
    """FastAPI sends back what it was sent."""
    quoted = "content_filter maximum context length is 3 invalid_api_key"
    answer = {"detail": [{"type": "missing", "loc": ["body", "messages"], "msg": "Field required", "input": quoted}]}
    fault = fault_of(422, answer)
    assert fault.failure == "bad_request"
    assert quoted not in fault.words


PARAMETERS = [
    ("Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens'", "max_tokens"),
    ("'seed': Extra inputs are not permitted (extra_forbidden)", "seed"),
    ("Unsupported value: 'temperature' does not support 0.7 with this model. Only the default (1)", "temperature"),
    ("This response_format type is unavailable now", "response_format"),
    ("`response_format.type` specified in the request are not valid: `json_schema` is not supp", "response_format"),
    ('Invalid JSON payload received. Unknown name "seed": Cannot find field.', "seed"),
    ("Invalid max_tokens value, the valid range of max_tokens is [1, 8192]", None),
    ("Field required", None),
    ("Unsupported parameter: 'logprobs'", None),
]


@pytest.mark.parametrize(("detail", "name"), PARAMETERS)
def test_a_parameter_that_is_not_taken_is_named(detail: str, name: str | None) -> None:
    body = {"model": "m", "messages": [], "max_tokens": 5, "temperature": 0.7, "seed": 1}
    if name == "response_format":
        body["response_format"] = {"type": "json_schema"}
    assert unsupported_parameter(detail, body) == name


def test_max_completion_tokens_is_not_max_tokens() -> None:
    words = "Unrecognized request argument supplied: max_completion_tokens"
    assert unsupported_parameter(words, {"max_tokens": 5}) is None
    assert unsupported_parameter(words, {"max_completion_tokens": 5}) == "max_completion_tokens"


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry-After": "7"}, 7),
        ({"Retry-After": "0.25"}, 0.25),
        ({"retry-after-ms": "1500", "Retry-After": "2"}, 1.5),
        ({"x-ratelimit-reset-requests": "6m0s", "x-ratelimit-remaining-requests": "0"}, 360),
        ({"x-ratelimit-reset-tokens": "120ms", "x-ratelimit-remaining-tokens": "0"}, 0.12),
        ({"x-ratelimit-reset-tokens": "120ms", "x-ratelimit-remaining-tokens": "900"}, None),
        ({"x-ratelimit-reset-requests": "59"}, 59),
        ({"Retry-After": "soon"}, None),
        ({"Retry-After": "-5"}, None),
        ({"Retry-After": "9" * 400}, None),
        ({"Retry-After": "Fri, 99 Foo 2026 99:99:99 GMT"}, None),
        ({}, None),
    ],
)
def test_waits_that_servers_ask_for(headers: dict[str, str], seconds: float | None) -> None:
    assert asked_wait_s(headers) == pytest.approx(seconds) if seconds is not None else asked_wait_s(headers) is None


def test_a_date_to_wait_for() -> None:
    later = email.utils.formatdate(time.time() + 30, usegmt=True)
    assert 28 <= (asked_wait_s({"Retry-After": later}) or 0) <= 31
    assert asked_wait_s({"Retry-After": "Fri, 01 Jan 1999 00:00:00 GMT"}) == 0


def test_backoff_doubles_up_to_a_bound() -> None:
    for attempts, most in [(1, 0.5), (2, 1.0), (5, 8.0), (40, 30.0)]:
        draws = [backoff_s(attempts, 0.5, 30.0) for _ in range(300)]
        assert 0 <= min(draws) < most / 3
        assert most / 2 < max(draws) <= most


KEY = "sk-kanarienvogel/+äÖ".encode().hex() + "/+=&%"


@pytest.mark.parametrize("prefix", ["", "B", "Be", "Bearer "])
def test_a_key_is_taken_out_in_every_form(prefix: str) -> None:
    forms = [
        KEY,
        quote(KEY, safe=""),
        base64.b64encode((prefix + KEY + "tail").encode()).decode(),
        base64.urlsafe_b64encode((prefix + KEY).encode()).decode(),
        KEY.replace("/", "\\/"),
    ]
    redaction = Redaction([KEY])
    for form in forms:
        for made in (redaction.detail(f"header was {form}."), redaction.reply(f"header was {form}.")):
            assert "[key]" in made
            assert form[8:-8] not in made
    assert KEY not in repr(redaction)
    assert len(redaction.detail("字" * 5_000 + KEY)) == 500


def test_a_placeholder_for_a_key_spoils_no_reply() -> None:
    assert Redaction(["x"]).reply("Dexamethason 0.6 mg/kg, max 16 mg") == "Dexamethason 0.6 mg/kg, max 16 mg"


def read(data: bytes) -> Completion | tuple[Fault, Completion]:
    return replies.completion(data, 0.1, Redaction([]))


@pytest.mark.parametrize(
    ("usage", "tokens"),
    [
        (b'{"prompt_tokens": 10, "completion_tokens": 5}', (10, 5, 0)),
        (b'{"prompt_tokens": "10", "completion_tokens": null}', (-1, -1, 0)),
        (b'{"prompt_tokens": -1, "completion_tokens": 1e30}', (-1, -1, 0)),
        (b'{"prompt_tokens": true, "completion_tokens": NaN}', (-1, -1, 0)),
        (b'{"prompt_tokens": 7.0, "completion_tokens": %s}' % (b"9" * 5_000), (-1, -1, 0)),
        (b'{"prompt_tokens": 9, "completion_tokens": 1, "prompt_tokens_details": {"cached_tokens": 500}}', (9, 1, 9)),
        (b'{"prompt_tokens": 9, "completion_tokens": 1, "prompt_cache_hit_tokens": 4}', (9, 1, 4)),
        (b'[1, "two"]', (-1, -1, 0)),
        (b"null", (-1, -1, 0)),
    ],
)
def test_usage_of_any_type(usage: bytes, tokens: tuple[int, int, int]) -> None:
    made = read(b'{"choices": [{"message": {"content": "a"}}], "usage": ' + usage + b"}")
    if isinstance(made, tuple):  # five thousand digits are no JSON that Python reads
        assert b"99999" in usage
        return
    assert (made.input_tokens, made.output_tokens, made.cached_tokens) == tokens or b"7.0" in usage


@pytest.mark.parametrize(
    ("message", "text", "refusal"),
    [
        (b'{"content": "\\ud83d a"}', "? a", ""),
        (b'{"content": null, "refusal": "no"}', "", "no"),
        (b'{"content": [{"type": "text", "text": "a"}, "b", {"text": 5}, null]}', "ab", ""),
        (b'{"content": "a\\u0000b", "x": NaN}', "a\0b", ""),
        (b"{}", "", ""),
    ],
)
def test_contents_of_any_type(message: bytes, text: str, refusal: str) -> None:
    made = read(b'\n\n {"choices": [{"message": ' + message + b', "finish_reason": "stop"}]}')
    assert isinstance(made, Completion)
    assert (made.text, made.refusal, made.failure) == (text, refusal, "")
    made.text.encode()


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"null",
        b"[]",
        b"[" * 100_000,
        b'{"a":' * 50_000,
        b"<html></html>",
        b'{"choices": null}',
        b'{"choices": []}',
        b'{"choices": [null]}',
        b'{"choices": [{"message": "text"}]}',
        b'{"choices": [{"message": {"content": {"a": 1}}}]}',
        b"\xff\xfe\x00\x01",
        b'{"choices": [{"message": {"content": "a"}}',
    ],
)
def test_what_is_no_completion_is_tried_again_and_may_have_been_billed(data: bytes) -> None:
    made = read(data)
    assert isinstance(made, tuple)
    fault, billed = made
    assert (fault.then, fault.failure) == ("retry", "malformed_response")
    assert (billed.failure, billed.output_tokens) == ("malformed_response", -1)


@pytest.mark.parametrize(
    ("data", "then", "failure"),
    [
        (b'{"error": {"message": "Rate limited upstream", "code": 429}}', "retry", "rate_limited"),
        (b'{"error": {"message": "Provider returned error", "code": 502}}', "retry", "server_error"),
        (b'{"error": "overloaded"}', "retry", "server_error"),
        (b'{"error": {"message": "No auth credentials found", "code": 401}}', "stop", "key"),
        (
            b'{"choices": [{"finish_reason": "error", "error": {"code": 503, "message": "x"}, "message": {}}]}',
            "retry",
            "server_error",
        ),
    ],
)
def test_an_error_inside_an_answer_of_200(data: bytes, then: str, failure: str) -> None:
    made = read(data)
    assert isinstance(made, tuple)
    assert (made[0].then, made[0].failure) == (then, failure)
