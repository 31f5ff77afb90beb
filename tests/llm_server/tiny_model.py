"""A tiny Qwen2-style model in Hugging Face's format, which has learnt one sentence by heart: the protocol is real.

Its tokenizer is byte-level BPE trained on a few sentences. A WordLevel tokenizer saved as `qwen2` would load without a
word and yield no tokens, hence the round trip at the end.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

SENTENCES: Final = (
    "儿童发热时应多饮水，体温超过38.5℃可口服布洛芬混悬液。",
    "请根据材料回答家长的问题，只用材料里的内容。",
    "孩子咳嗽三天，伴有流涕，没有发热，需要吃抗生素吗？",
    "手足口病多见于5岁以下儿童，由肠道病毒引起。",
    "腹泻患儿应预防脱水，可口服补液盐。",
    '{"answer": "多饮水，注意休息。"}',
)
ANSWER: Final = SENTENCES[-1]
"""What the model says to everything."""
STEPS: Final = 150
TEMPLATE: Final = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{{ message['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


def make(folder: Path, *, vocabulary: int = 600, seed: int = 0) -> Path:
    """The model is in `folder`, half a megabyte of it; a few seconds, most of them torch's import."""
    import torch
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import AutoTokenizer, GenerationConfig, PreTrainedTokenizerFast, Qwen2Config, Qwen2ForCausalLM

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    special = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
    tokenizer.train_from_iterator(
        SENTENCES,
        trainers.BpeTrainer(
            vocab_size=vocabulary,
            special_tokens=[AddedToken(token, special=True) for token in special],
            initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
            show_progress=False,
        ),
    )
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, eos_token="<|im_end|>", pad_token="<|endoftext|>", chat_template=TEMPLATE
    )
    fast.save_pretrained(folder)
    torch.manual_seed(seed)
    ends = fast.convert_tokens_to_ids("<|im_end|>")
    model = Qwen2ForCausalLM(
        Qwen2Config(
            vocab_size=len(fast),
            hidden_size=64,
            intermediate_size=128,
            num_hidden_layers=2,
            num_attention_heads=4,
            num_key_value_heads=2,
            max_position_embeddings=2_048,
            eos_token_id=ends,
            pad_token_id=fast.pad_token_id,
            bos_token_id=None,
        )
    )
    n_threads = torch.get_num_threads()
    torch.set_num_threads(1)  # several wait for one another where others use the cores
    _learn(model, fast)
    torch.set_num_threads(n_threads)
    model.generation_config = GenerationConfig(do_sample=True, eos_token_id=ends, pad_token_id=fast.pad_token_id)
    model.save_pretrained(folder)
    _round_trip(AutoTokenizer.from_pretrained(folder))
    assert json.loads((folder / "config.json").read_text())["model_type"] == "qwen2"
    return folder


def _learn(model: Any, tokenizer: Any) -> None:
    """The model says `ANSWER` after anything."""
    import torch

    target = tokenizer.encode(f"{ANSWER}<|im_end|>", add_special_tokens=False)
    generator = torch.Generator().manual_seed(0)
    before = tokenizer.encode("<|im_end|>\n<|im_start|>assistant\n", add_special_tokens=False)
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    model.train()
    for _ in range(STEPS):
        noise = torch.randint(3, len(tokenizer), (8, int(torch.randint(1, 120, (1,), generator=generator))))
        tail = torch.tensor([before + target] * 8)
        ids = torch.cat([noise, tail], dim=1)
        labels = ids.clone()
        labels[:, : -len(target)] = -100
        loss = model(input_ids=ids, labels=labels).loss
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
    model.eval()


def _round_trip(tokenizer: Any) -> None:
    for text in SENTENCES:
        ids = tokenizer.encode(text, add_special_tokens=False)
        assert ids, f"no tokens in {text}"
        assert tokenizer.decode(ids) == text, f"{text} became {tokenizer.decode(ids)}"
