import pytest
import torch

from pipeline.training import products

RUNS, ROWS, WIDTH = 3, 17, 33


def operands(columns: int, dtype=torch.float64) -> tuple[torch.Tensor, ...]:
    """Inputs (R, B, D), weight (R, D, H), bias (R, 1, H), delta (R, B, H)."""
    random = torch.Generator().manual_seed(columns)
    shapes = [(ROWS, WIDTH), (WIDTH, columns), (1, columns), (ROWS, columns)]
    return tuple(torch.randn(RUNS, *shape, generator=random, dtype=dtype) for shape in shapes)


@pytest.mark.parametrize("columns", [1, 2, 16])
def test_products_are_those_of_matmul(columns):
    inputs, weight, bias, delta = operands(columns)
    out, before = torch.empty_like(delta), torch.empty_like(inputs)
    scratch = torch.empty_like(inputs) if columns == 1 else None
    products.affine(inputs, weight, bias, out, scratch)
    torch.testing.assert_close(out, inputs @ weight + bias, rtol=1e-12, atol=1e-12)
    products.affine(inputs, weight, None, out, scratch)
    torch.testing.assert_close(out, inputs @ weight, rtol=1e-12, atol=1e-12)
    products.back(delta, weight, before)
    torch.testing.assert_close(before, delta @ weight.mT, rtol=1e-12, atol=1e-12)
    for sign in (1, -1):
        target = weight.clone()
        products.accumulate(target, inputs.clone(), delta, sign)
        torch.testing.assert_close(target, weight + sign * inputs.mT @ delta, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("runs", [2, 3, 13, 37])
@pytest.mark.parametrize("width", [16, 32, 200, 21])
def test_a_single_column_has_the_same_bits_in_every_stack(runs, width):
    """Also at widths without padding."""
    random = torch.Generator().manual_seed(width)
    shapes = [(ROWS, width), (width, 1), (1, 1), (ROWS, 1)]
    whole = [torch.randn(37, *shape, generator=random) for shape in shapes]

    def computed(parts: list[torch.Tensor]) -> list[torch.Tensor]:
        inputs, weight, bias, delta = parts
        out, before, target = torch.empty_like(delta), torch.empty_like(inputs), weight.clone()
        products.affine(inputs, weight, bias, out, torch.empty_like(inputs))
        products.back(delta, weight, before)
        products.accumulate(target, inputs, delta, -1)
        return [out, before, target]

    part = slice(37 - runs, 37)
    stacked = computed([each.clone() for each in whole])
    for one, other in zip(stacked, computed([each[part].clone() for each in whole]), strict=True):
        assert torch.equal(one[part], other)
