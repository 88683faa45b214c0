"""suiren/warned.py: what PyTorch warns of, in its words, at the user's own line; of most things once."""

from __future__ import annotations

import warnings

import pytest

import suiren
from suiren import warned

PROGRAMS = {
    "torch.cholesky is deprecated in favor of torch.linalg.cholesky": lambda: suiren.cholesky(suiren.eye(2)),
    "torch.qr is deprecated in favor of torch.linalg.qr": lambda: suiren.qr(suiren.eye(2)),
    "torch.lu is deprecated in favor of torch.linalg.lu_factor / torch.linalg.lu_factor_ex": lambda: suiren.lu(suiren.eye(2)),
    "torch.lu_solve is deprecated in favor of torch.linalg.lu_solve": lambda: suiren.lu_solve(suiren.ones(2, 1), *suiren.linalg.lu_factor(suiren.eye(2))),
    "torch.triangular_solve is deprecated in favor of torch.linalg.solve_triangular": lambda: suiren.triangular_solve(suiren.ones(2, 1), suiren.eye(2)),
    "torch.chain_matmul is deprecated": lambda: suiren.chain_matmul(suiren.eye(2), suiren.eye(2)),
    "Using torch.cross without specifying the dim arg is deprecated.": lambda: suiren.cross(suiren.ones(3), suiren.ones(3)),
    "index_reduce() is in beta": lambda: suiren.ones(2).index_reduce(0, suiren.tensor([0]), suiren.ones(1), "mean"),
    "torch.meshgrid: in an upcoming release": lambda: suiren.meshgrid(suiren.ones(2)),
    "The use of `x.T` on tensors of dimension other than 2": lambda: suiren.ones(2, 2, 2).T,
    "Tensor.T is deprecated on 0-D tensors.": lambda: suiren.tensor(1.0).T,
    "where received a uint8 condition tensor.": lambda: suiren.where(suiren.tensor([1], dtype=suiren.uint8), 1, 2),
    "A window was not provided. A rectangular window will be applied.Please": lambda: suiren.istft(suiren.ones(3, 4) + 0j, 4),
    "A window was not provided. A rectangular window will be applied,which": lambda: suiren.stft(suiren.ones(8), 4, return_complex=True),
    "torch.range is deprecated": lambda: suiren.range(1, 3),
    "indexing with dtype torch.uint8 is now deprecated": lambda: suiren.ones(2)[suiren.tensor([1, 0], dtype=suiren.uint8)],
    "Using a non-tuple sequence for multidimensional indexing is deprecated": lambda: suiren.ones(2, 2)[[[0, 1], [1, 0]]],
}


@pytest.mark.parametrize("words", PROGRAMS)
def test_a_warning_names_the_users_line(words, monkeypatch):
    monkeypatch.setattr(warned, "_said", set())
    with pytest.warns(UserWarning) as seen:
        PROGRAMS[words]()
    (found,) = seen
    assert str(found.message).startswith(words)
    assert found.filename == __file__


def test_most_are_said_once():
    qr = PROGRAMS["torch.qr is deprecated in favor of torch.linalg.qr"]
    with warnings.catch_warnings(record=True):
        warnings.simplefilter("always")
        qr()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        qr()
