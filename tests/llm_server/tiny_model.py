"""A tiny Qwen2-style model with random weights, in Hugging Face's format: the protocol is real, the content is noise.

Its tokenizer is byte-level BPE trained on a few sentences. A WordLevel tokenizer saved as `qwen2` would load without a
word and yield no tokens, hence the round trip at the end.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

SENTENCES: Final = (
    "儿童发热时应多饮水，体温超过38.5℃可口服布洛芬混悬液。",
    "请根据材料回答家长的问题，只用材料里的内容。",
    "孩子咳嗽三天，伴有流涕，没有发热，需要吃抗生素吗？",
    "手足口病多见于5岁以下儿童，由肠道病毒引起。",
    "腹泻患儿应预防脱水，可口服补液盐。",
    '{"question": "…", "answer": "…", "spans": [1, 2]}',
)
TEMPLATE: Final = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{{ message['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


def make(folder: Path, *, vocabulary: int = 600, seed: int = 0) -> Path:
    """The model is in `folder`, about 400 kB of it; a few seconds, most of them torch's import."""
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
    model.generation_config = GenerationConfig(do_sample=True, eos_token_id=ends, pad_token_id=fast.pad_token_id)
    model.save_pretrained(folder)
    again = AutoTokenizer.from_pretrained(folder)
    for text in SENTENCES:
        ids = again.encode(text, add_special_tokens=False)
        assert ids, f"no tokens in {text}"
        assert again.decode(ids) == text, f"{text} became {again.decode(ids)}"
    assert json.loads((folder / "config.json").read_text())["model_type"] == "qwen2"
    return folder
