"""What 300,000 instructions cost: tokens of each rule's kept row, a mix, and a few prices; for docs/llm.md.

Prompts are what `llm_tokens` measured and put into the page. All else is assumed, and stands here with its reason:
we have no strong model to count replies of, nor to see how much of them passes the checks.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

BEGIN, END = "<!-- reckoning: begin -->", "<!-- reckoning: end -->"


@dataclass(frozen=True)
class Rule:
    """How rows of a rule come about.

    Attributes:
        name: As the page calls it.
        n_rows: Kept rows in the mix.
        calls: Prompt → calls of it for one question.
        reply_tokens: Of one call, on average.
        rows_per_question: What an answered question gives before the checks.
        kept: Share of these that the checks let through.
        extra_input_tokens: For one question: what prompts hold that follow on a reply, and that nobody measured.
    """

    name: str
    n_rows: int
    calls: Mapping[str, float]
    reply_tokens: float
    rows_per_question: float = 1.0
    kept: float = 0.8
    extra_input_tokens: float = 0.0

    def tokens(self, means: Mapping[str, float]) -> tuple[float, float]:
        """Tokens in and out for one kept row."""
        per_row = self.rows_per_question * self.kept
        n_in = sum(means[prompt] * n for prompt, n in self.calls.items()) + self.extra_input_tokens
        return n_in / per_row, sum(self.calls.values()) * self.reply_tokens / per_row


RULES: Final = (
    # A call asks for up to five items and gets two and a bit; each takes some 300 tokens with its quotes and its JSON.
    Rule("role-play, passages", 140_000, {"role_play_passage": 1}, 900, rows_per_question=2),
    Rule("role-play, statutes", 10_000, {"role_play_statute": 1}, 900, rows_per_question=2),
    Rule("role-play, diseases of the graph", 30_000, {"role_play_graph": 1}, 900, rows_per_question=2),
    # Three in ten are told once what is wrong: the prompt again, the first reply and the faults. The pool's rewritings
    # are three times as long as their originals.
    Rule("regularised consultations", 100_000, {"regularize": 1.3}, 400, kept=0.7, extra_input_tokens=0.3 * 550),
    # Detect, and for six in ten restructure or enrich, and check: prompts of detect's size, with findings or a second
    # answer in them. What gets no better stays as it was, so that all are kept.
    Rule("reconstructed items", 19_000, {"reconstruct_detect": 2.8}, 250, kept=1.0, extra_input_tokens=1.8 * 200),
    Rule("safety, self-cognition", 1_000, {"safety": 1}, 6 * 250, rows_per_question=6),
)
PAIRS: Final = Rule(
    "preference pairs, besides", 30_000, {"assistant_answer": 1, "humanize": 1.2}, 250, kept=0.6,
    extra_input_tokens=0.2 * 300,
)  # fmt: skip
PRICES: Final = (
    ("DeepSeek V4 Pro, off-peak (peak doubles)", 0.66, 1.98),
    ("DeepSeek V4 Flash, off-peak (peak doubles)", 0.15, 0.60),
    ("GPT-5.4 mini, live", 0.75, 4.50),
    ("GPT-5.4 mini, Batch API", 0.375, 2.25),
)
"""USD for a million tokens in and out; where from and of when: the page's sources."""
_GPU_TOKENS_PER_S: Final = 2_000


def means_of(page: str) -> dict[str, float]:
    """Prompt → its mean prompt tokens, out of the page's table."""
    rows = re.findall(r"^\| `(\w+)` \| [\d,]+ \| ([\d,]+) \|", page, re.MULTILINE)
    return {name: float(mean.replace(",", "")) for name, mean in rows}


def reckoning(means: Mapping[str, float]) -> str:
    """Markdown: rules and their mix, then prices.

    Raises:
        KeyError: a prompt of a rule was not measured.
    """
    lines = ["| rule | rows | rows a question | kept | in, a kept row | out, a kept row | in all |"]
    lines.append("|---|---|---|---|---|---|---|")
    total_in = total_out = 0.0
    for rule in (*RULES, PAIRS):
        n_in, n_out = rule.tokens(means)
        total_in, total_out = total_in + n_in * rule.n_rows, total_out + n_out * rule.n_rows
        sums = f"{n_in * rule.n_rows / 1e6:,.0f} M + {n_out * rule.n_rows / 1e6:,.0f} M"
        shares = f"{rule.rows_per_question:g} | {rule.kept:g}"
        lines.append(f"| {rule.name} | {rule.n_rows:,} | {shares} | {n_in:,.0f} | {n_out:,.0f} | {sums} |")
    n_rows = sum(rule.n_rows for rule in RULES)
    pairs = f"{n_rows:,} + {PAIRS.n_rows:,}"
    lines.append(f"| **together** | **{pairs}** | | | | | **{total_in / 1e6:,.0f} M + {total_out / 1e6:,.0f} M** |")
    lines += ["", f"| | in, a million | out, a million | {n_rows:,} instructions and the pairs |", "|---|---|---|---|"]
    for name, price_in, price_out in PRICES:
        cost = (total_in * price_in + total_out * price_out) / 1e6
        lines.append(f"| {name} | {price_in:g} USD | {price_out:.2f} USD | about {round(cost, -1):,.0f} USD |")
    hours = total_out / _GPU_TOKENS_PER_S / 3600
    lines.append(f"| your own GPU, {_GPU_TOKENS_PER_S:,} reply tokens/s | | | {hours:,.0f} hours of it |")
    return "\n".join(lines)


def written(page: str) -> str:
    """The page with its reckoning made anew from its table."""
    before, _, rest = page.partition(BEGIN)
    return f"{before}{BEGIN}\n{reckoning(means_of(page))}\n{END}{rest.partition(END)[2]}"
