"""Which type llama.cpp's rules give each tensor of a GGUF file."""

from infrastructure.engine.gguf import rules
from infrastructure.engine.gguf.header import GgufHeader, GgufTensor


def planned(name: str, *tensors: tuple[str, tuple[int, ...]], layers: int = 16, **more) -> dict:
    told = {"general.architecture": "llama", "llama.block_count": layers, **more}
    infos = tuple(GgufTensor(one, shape, "F32", 0, 0) for one, shape in tensors)
    return rules.plan(GgufHeader(3, told, infos, 32, 0), rules.FILE_TYPES[name])


def test_norms_and_routers_are_never_quantized():
    found = planned(
        "Q8_0",
        ("blk.0.attn_norm.weight", (256,)),
        ("blk.0.ffn_gate_inp.weight", (256, 8)),
        ("blk.0.attn_q.bias", (256, 2)),
        ("blk.0.attn_q.weight", (256, 256)),
    )
    assert found == {"blk.0.attn_q.weight": "Q8_0"}


def test_the_output_gets_six_bits_and_so_does_an_embedding_that_serves_as_one():
    both = planned("Q4_0", ("token_embd.weight", (256, 512)), ("output.weight", (256, 512)))
    assert both == {"token_embd.weight": "Q4_0", "output.weight": "Q6_K"}
    assert planned("Q4_0", ("token_embd.weight", (256, 512))) == {"token_embd.weight": "Q6_K"}


def test_a_mixture_gives_more_bits_to_the_first_and_last_eighth_and_every_third_between():
    downs = [(f"blk.{layer}.ffn_down.weight", (512, 256)) for layer in range(16)]
    found = planned("Q4_K_M", *downs)
    more = [layer for layer in range(16) if found[f"blk.{layer}.ffn_down.weight"] == "Q6_K"]
    assert more == [0, 1, 4, 7, 10, 13, 14, 15]


def test_rows_that_do_not_fill_a_block_fall_back_to_a_smaller_one():
    def one(name: str, columns: int) -> str:
        return planned(name, ("blk.3.attn_q.weight", (columns, 64)))["blk.3.attn_q.weight"]

    assert one("Q4_K_M", 96) == "Q5_0"
    assert one("Q5_K_M", 96) == "Q5_1"
    assert one("Q6_K", 96) == "Q8_0"
    assert one("Q4_0", 40) == "F16"
    assert one("Q4_K_M", 40) == "F16"


def test_a_mixture_of_eight_experts_keeps_keys_and_values_in_eight_bits():
    found = planned(
        "Q4_K_M",
        ("blk.3.attn_k.weight", (256, 64)),
        ("blk.3.attn_v.weight", (256, 64)),
        ("blk.3.attn_output.weight", (256, 256)),
        **{"llama.expert_count": 8},
    )
    assert list(found.values()) == ["Q8_0", "Q5_K", "Q8_0"]
