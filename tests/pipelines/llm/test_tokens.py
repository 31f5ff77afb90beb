"""Token counts: the bound holds for any tokenizer that makes tokens of bytes, and estimates follow what is counted."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pipelines.llm.exchange import conversation
from pipelines.llm.tokens import ReplyLengths, TokenScale, most_prompt_tokens, prompt_tokens


@given(st.lists(st.text(st.characters(codec=None)), min_size=1, max_size=4))
def test_the_bound_is_beyond_a_token_a_byte(texts: list[str]) -> None:
    messages = conversation(*texts)
    n_bytes = sum(len(text.encode("utf-8", "surrogatepass")) for text in texts)
    assert most_prompt_tokens(messages) >= n_bytes + 10 * len(messages)
    assert prompt_tokens(messages) <= most_prompt_tokens(messages)


def test_chinese_takes_more_than_latin() -> None:
    chinese, latin = prompt_tokens(conversation("热" * 1_000)), prompt_tokens(conversation("a" * 1_000))
    assert 600 <= chinese <= 1_000
    assert 200 <= latin <= 350


def test_the_scale_follows_what_is_counted_and_forgives_silence() -> None:
    scale = TokenScale()
    scale.learn(100, -1)
    scale.learn(0, 50)
    assert scale.ratio == 1
    for _ in range(1_000):
        scale.learn(1_000, 1_300)
    assert 1.29 < scale.ratio <= 1.3


def test_reply_lengths() -> None:
    lengths = ReplyLengths()
    assert lengths.expected(900) == 300
    lengths.learn(100)
    lengths.learn(-1)
    lengths.learn(300)
    assert lengths.expected(900) == 200
    assert lengths.expected(50) == 50
