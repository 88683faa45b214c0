"""Matrix products: C[batch, m, n] = sum over k of A[batch, m, k] · B[batch, k, n], and an epilogue on C while it is in registers.

Which kernel does it depends on sizes and strides alone:

    thin    K of a few elements                 gemm_thin.py    B stays in registers, rows of C go by
    dot     both lie along K, few rows          gemm_dot.py     vectors along K
    row     one row, a large B                  gemm_row.py     rows of B stream by
    tile    everything else                     gemm_tile.py    a tile of C in registers; operands as they lie, or
            packed into panels first            gemm_pack.py    where a copy costs less than reading badly

Narrow floats are summed in float32 and rounded once; integers wrap around. The order of the sums over K depends on sizes and strides,
never on the number of threads. Registers and cache sizes come from the target.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import prod

from suiren.compiler.emit.target import Target
from suiren.compiler.kernels import gemm_tile
from suiren.compiler.kernels.gemm_dot import Dot
from suiren.compiler.kernels.gemm_finish import Finish, Grid
from suiren.compiler.kernels.gemm_pack import ALONG_K, ALONG_PANEL, STRIDED, Combine, Pack
from suiren.compiler.kernels.gemm_row import Row
from suiren.compiler.kernels.gemm_thin import LONGEST, Thin, widest
from suiren.compiler.kernels.gemm_tile import IN_PARTIAL, IN_RESULT, WHOLE, Tile
from suiren.compiler.kernels.words import accumulator
from suiren.compiler.program import Buffer, Call, Place, Ptr, Site
from suiren.dtypes import dtype
from suiren.trace.op import Op
from suiren.trace.spec import Spec

# Multiply-adds in a unit: enough that handing it to a thread costs nothing (4 µs), and if there is more work, about 32 units.
_UNIT_WORK, _UNITS = 1 << 16, 32

# Measured on Zen 3, in float32; see bench/gemm.py. To sum over lanes costs a dot product 3 cycles, to pack an element of B 0.6.
_DOT_K, _DOT_ROWS = 5, 256  # dot products for M up to K / 5
_PACKED_ROWS, _PACKED_K = 24, 64  # from this M and K on a unit packs its panels of B,
_PACKED_ONCE_ROWS = 480  # and from this M on they are packed once, beforehand
_PACKED_COLUMNS = 96  # from this N on A is packed, if it does not lie along K and
_PACKED_A_K, _PACKED_A_STRIDE = 256, 2048  # K is longer or its rows lie (in bytes) farther apart than this

# K is cut into parts of this length or more if C gives fewer units than this, and the work is more than this.
_PART_K, _ENOUGH_UNITS, _SPLIT_WORK = 1024, 16, 1 << 20


def takes(op: Op, params: tuple, index: int, place: Place) -> bool:
    """Any strides: A is read an element at a time, and a B that does not lie well is packed."""
    return place.block == 0


def fuses(op: Op, params: tuple, inputs: tuple[Spec | type, ...]) -> frozenset[str]:
    return frozenset({"same", "last", "first", "scalar", "number"})


# ---------------------------------------------------------------- the product, apart from how it is computed


@dataclass(frozen=True)
class Matrix:
    """An operand: element (batch…, i, j) at `ptr` + (batch · strides + i·row + j·column) elements."""

    ptr: Ptr
    dtype: dtype
    batch: tuple[int, ...]
    row: int
    column: int

    @property
    def transposed(self) -> Matrix:
        return replace(self, row=self.column, column=self.row)


@dataclass(frozen=True)
class Product:
    """Sizes and operands. `is_swapped`: it is the transpose of what was asked for, which for one row (or column) lies in the same way."""

    batch: tuple[int, ...]
    m: int
    n: int
    k: int
    a: Matrix
    b: Matrix
    is_swapped: bool = False

    @property
    def work(self) -> int:
        """Multiply-adds."""
        return prod(self.batch) * self.m * self.n * self.k


def product(site: Site) -> Product:
    """The product of a site in the form that is easiest to compute: as few batch dims and as many columns as possible."""
    x, y = site.inputs
    m, k, n = x.shape[-2], x.shape[-1], y.shape[-1]
    ndim = max(len(x.shape), len(y.shape)) - 2
    sizes, steps = [], []
    for i in range(-ndim - 2, -2):
        pair = [(p.shape[i], p.strides[i]) if -i <= len(p.shape) else (1, 0) for p in (x, y)]
        size = next((s for s, _ in pair if s != 1), 1)
        if size != 1:
            sizes.append(size)
            steps.append([0 if s == 1 else stride for s, stride in pair])
    # Neighbouring batch dims that one stride describes in both operands are one dim.
    i = len(sizes) - 1
    while i > 0:
        if all(outer == inner * sizes[i] for outer, inner in zip(steps[i - 1], steps[i])):
            sizes[i - 1 : i + 1] = [sizes[i - 1] * sizes[i]]
            del steps[i - 1]
        i -= 1
    a_row, b_column = x.strides[-2], y.strides[-1]
    # All matrices of a batch times the same B are one taller matrix, if their rows have one stride (and nothing varies along m alone).
    while sizes and not any(operand.varies == "first" for operand in site.epilogue.operands):
        a_step, b_step = steps[-1]
        if b_step != 0 or not (m == 1 or a_step == a_row * m):
            break
        a_row = a_step if m == 1 else a_row
        m *= sizes.pop()
        steps.pop()
    a_steps, b_steps = zip(*steps) if steps else ((), ())
    # A dim of one element has no stride: 1 is the one that is read best.
    a = Matrix(x.ptr, x.dtype, a_steps, a_row, 1 if k == 1 else x.strides[-1])
    b = Matrix(y.ptr, y.dtype, b_steps, 1 if k == 1 and b_column != 1 else y.strides[-2], b_column)
    if n != 1:
        return Product(tuple(sizes), m, n, k, a, b)
    return Product(tuple(sizes), 1, m, k, b.transposed, a.transposed, True)


# ---------------------------------------------------------------- how it is computed


def calls(site: Site) -> list[Call]:
    """The calls of a product; see program.py for Site and the README beside this file for what is asked of a family."""
    p = product(site)
    if prod(p.batch) * p.m * p.n == 0:
        return []
    return _Plan(site, p).calls()


class _Plan:
    """Chooses the kernels of one product and makes their calls."""

    def __init__(self, site: Site, p: Product):
        self.site, self.p, self.target = site, p, site.target
        self.a, self.b = p.a, p.b  # what the main kernel reads: packed, perhaps
        self.sum_dtype = accumulator(site.dtype)
        self.lanes = site.target.lanes(self.sum_dtype)
        self.packing: list[Call] = []
        self.combining: list[Call] = []
        # What the main kernel does with its sums, and where: replaced if parts of K are summed apart.
        self.finish = Finish.of(site.dtype, site.epilogue, site.operands, p.is_swapped)
        self.places = self.finish.values([place.ptr for place in site.results], site.operands)
        self.reads = [o.ptr.buffer for o in site.operands if isinstance(o, Place)]
        self.writes = [place.ptr.buffer for place in site.results]
        self.parts = 1

    def calls(self) -> list[Call]:
        p = self.p
        k, m = p.k, p.m
        if k <= LONGEST:
            main = self.thin()
        elif self.b.column != 1 and self.b.row == 1 and self.a.column == 1 and m <= max(4, min(k // _DOT_K, _DOT_ROWS)):
            main = self.dot()
        elif self.b.column == 1 and m == 1 and k * p.n * self.b.dtype.itemsize > self.target.l2:
            main = self.row()
        else:
            main = self.tile()
        return [*self.packing, main, *self.combining]

    # ------------------------------------------------------------ the main kernel

    def thin(self) -> Call:
        p = self.p
        vectors = widest(p.k, self.target.registers)
        width = vectors * self.lanes
        panel = width
        if p.k and self.b.column != 1:
            self.b, panel = self.pack_b(width)
        # With so few multiply-adds for each, it is the elements of C that take the time.
        m_block, n_block = blocks(p, max(p.k, 4), 1, width)
        kernel = Thin(self.a.dtype, self.b.dtype, p.k, vectors if p.n >= width else 0, self.edge(width), self.grid, self.finish)
        return self.call(kernel, m_block, n_block, {"a_row": self.a.row, "a_k": self.a.column, "b_k": self.b.row, "b_panel": panel})

    def dot(self) -> Call:
        p = self.p
        rows, columns = dot_shape(p.m, self.target)
        m_block, n_block = blocks(p, p.k, rows, columns * self.lanes)
        k = self.split_k(m_block, n_block, self.lanes)
        has_k_tail = p.k % self.lanes != 0
        kernel = Dot(self.a.dtype, self.b.dtype, rows, columns, p.m % rows != 0, p.n % self.lanes, has_k_tail, self.grid, self.finish)
        return self.call(kernel, m_block, n_block, {"a_row": self.a.row, "b_column": self.b.column}, k=k)

    def row(self) -> Call:
        p = self.p
        kernel = Row(self.a.dtype, self.b.dtype, p.n % self.lanes, self.grid, self.finish)
        n_block = min(kernel.width, -(-p.n // self.lanes) * self.lanes)
        k = self.split_k(1, n_block, self.lanes)
        kernel = replace(kernel, grid=self.grid, finish=self.finish)
        return self.call(kernel, 1, n_block, {"a_k": self.a.column, "b_k": self.b.row}, k=k)

    def tile(self) -> Call:
        p, target = self.p, self.target
        item = self.sum_dtype.itemsize
        rows, vectors = tile_shape(p.m, p.n, self.lanes, target)
        width = vectors * self.lanes
        values = {"b_panel": width * self.b.column, "b_column": self.b.column}
        packs = ""
        k_most = target.l2 // 4 // (width * item)  # a panel of B and the rows of A that meet it stay in the second cache
        if p.m >= _PACKED_ONCE_ROWS and p.k > _PACKED_K:
            self.b, values["b_panel"] = self.pack_b(width)
        elif self.b.column != 1 or p.m >= _PACKED_ROWS and p.k > _PACKED_K:
            packs = how_it_lies(self.b.column, self.b.row, self.lanes)
            k_most = min(k_most, gemm_tile.PACKED_BYTES // (width * item))
        if p.n >= _PACKED_COLUMNS and (
            self.a.column != 1 and (p.k > _PACKED_A_K or self.a.column * self.a.dtype.itemsize >= _PACKED_A_STRIDE)
            or self.a.dtype is not self.sum_dtype
        ):
            self.a, values["a_panel"] = self.pack_a(rows)
        else:
            values["a_panel"] = rows * self.a.row
        count = -(-p.k // k_most)
        k_block = -(-p.k // count)
        row_room = target.l2 // 2 // (k_block * item)
        m_block, n_block = blocks(p, p.k, rows, width, _PACKED_ONCE_ROWS if packs else min(max(row_room, 24), 120), 192)
        k = self.split_k(m_block, n_block, k_block)
        is_whole = k <= k_block
        in_result = self.finish.is_plain and self.finish.dtype is self.sum_dtype
        state = WHOLE if is_whole else IN_RESULT if in_result else IN_PARTIAL
        kernel = Tile(
            self.a.dtype, self.b.dtype, rows, vectors if p.n >= width else 0, self.edge(width), p.m % rows != 0,
            state, packs, self.grid, self.finish,
        )  # fmt: skip
        values.update(a_row=self.a.row, a_k=self.a.column, b_k=self.b.row, k_block=k_block)
        values.update(a_block=m_block // rows * values["a_panel"], b_block=n_block // width * values["b_panel"])
        scratch = []
        if state == IN_PARTIAL:
            scratch = [Buffer(prod(p.batch) * p.m * p.n * item, "partial sums")]
            values["partial"] = Ptr(scratch[0])
        return self.call(kernel, m_block, n_block, values, scratch, k)

    def edge(self, width: int) -> tuple[int, ...]:
        """The widths of the vectors of the last, narrower panel."""
        whole, rest = divmod(self.p.n % width, self.lanes)
        return (self.lanes,) * whole + ((rest,) if rest else ())

    @property
    def grid(self) -> Grid:
        return Grid(len(self.p.batch), self.parts > 1)

    def call(self, kernel: Thin | Dot | Row | Tile, m_block: int, n_block: int, values: dict, scratch: Sequence[Buffer] = (), k: int = 0) -> Call:
        """The call of the main kernel; `k` is the length of a part of K."""
        p, site = self.p, self.site
        m_blocks, n_blocks, batches = -(-p.m // m_block), -(-p.n // n_block), prod(p.batch)
        values = {
            **self.places, **values, "a": self.a.ptr, "b": self.b.ptr, "m": p.m, "n": p.n, "k": p.k,
            "m_block": m_block, "n_block": n_block, "m_blocks": m_blocks, "n_blocks": n_blocks,
            "k_part": k, "a_part": k * self.a.column, "b_part": k * self.b.row, "batches": batches,
        }  # fmt: skip
        for i, size in enumerate(p.batch):
            values.update({f"batch{i}": size, f"a_batch{i}": self.a.batch[i], f"b_batch{i}": self.b.batch[i]})
        places = [*site.inputs, *site.results, *(o for o in site.operands if isinstance(o, Place))]
        return Call(
            kernel.kernel(),
            kernel.words.args(values),
            units=self.parts * batches * m_blocks * n_blocks,
            reads=list(dict.fromkeys([self.a.ptr.buffer, self.b.ptr.buffer, *self.reads])),
            writes=list(dict.fromkeys(self.writes)),
            flops=2 * p.work,
            traffic=sum(place.dtype.itemsize * prod(place.shape) for place in places),
            scratch=list(scratch),
            label=f"gemm {'x'.join(map(str, (*p.batch, p.m, p.n, p.k)))}",
        )

    # ------------------------------------------------------------ calls before and after it

    def split_k(self, m_block: int, n_block: int, step: int) -> int:
        """Cuts a long K into parts where C alone gives too few units; gives the length of a part, a multiple of `step` (all of K: one part).

        The parts are summed apart, and a call of their own adds them up.
        """
        p = self.p
        units = prod(p.batch) * -(-p.m // m_block) * -(-p.n // n_block)
        parts = min(p.k // _PART_K, -(-_UNITS // units)) if units < _ENOUGH_UNITS and p.work > _SPLIT_WORK else 1
        if parts <= 1:
            return p.k
        length = -(-p.k // parts)
        length = -(-length // self.lanes) * self.lanes
        self.parts = -(-p.k // length)
        d, size = self.sum_dtype, prod(p.batch) * p.m * p.n
        buffer = Buffer(self.parts * size * d.itemsize, "parts of sums")
        combine = Combine(d, p.n % self.lanes, self.finish)
        values = {**self.places, "parts": Ptr(buffer), "m": p.m, "n": p.n, "count": self.parts, "distance": size}
        self.combining.append(
            Call(
                combine.kernel(), combine.words.args(values), prod(p.batch) * p.m, [buffer, *dict.fromkeys(self.reads)], list(dict.fromkeys(self.writes)),
                flops=self.parts * size, traffic=buffer.nbytes, label=f"add parts {self.parts}x{size}",
            )
        )  # fmt: skip
        self.finish = Finish.plain(d)
        self.places = self.finish.values([Ptr(buffer)], ())
        self.reads, self.writes = [], [buffer]
        return length

    def pack_b(self, width: int) -> tuple[Matrix, int]:
        """The packed operand and how many elements its panels lie apart."""
        return self.packed(self.b, self.p.n, width, "B")

    def pack_a(self, width: int) -> tuple[Matrix, int]:
        packed, panel = self.packed(self.a.transposed, self.p.m, width, "A")
        return packed.transposed, panel

    def packed(self, x: Matrix, count: int, width: int, name: str) -> tuple[Matrix, int]:
        """Adds the call that packs an operand, of `count` columns, K rows of it."""
        p, d = self.p, self.sum_dtype
        batch = [(size, step) for size, step in zip(p.batch, x.batch) if step]
        matrices = prod(size for size, _ in batch)
        panels = -(-count // width)
        matrix = panels * width * p.k
        buffer = Buffer(matrices * matrix * d.itemsize, f"packed {name}")
        lies = how_it_lies(x.column, x.row, self.lanes)
        pack = Pack(x.dtype, d, width, count % width, lies, len(batch))
        together = min(panels, max(4 if lies == ALONG_PANEL else 1, (1 << 14) // (width * p.k)))
        groups = -(-panels // together)
        values = {"source": x.ptr, "to": Ptr(buffer), "k": p.k, "count": count, "k_stride": x.row, "stride": x.column, "panels": together, "groups": groups}
        for i, (size, step) in enumerate(batch):
            values.update({f"batch{i}": size, f"stride{i}": step})
        self.packing.append(
            Call(
                pack.kernel(), pack.words.args(values), matrices * groups, [x.ptr.buffer], [buffer],
                traffic=matrices * count * p.k * (x.dtype.itemsize + d.itemsize), label=f"pack {name} {count}x{p.k}",
            )
        )  # fmt: skip
        steps, step = [], matrix
        for size, old in zip(reversed(p.batch), reversed(x.batch)):
            steps.append(step if old else 0)
            step *= size if old else 1
        return Matrix(Ptr(buffer), d, tuple(reversed(steps)), width, 1), width * p.k


def how_it_lies(column: int, row: int, lanes: int) -> str:
    """How an operand that is to be packed lies, by its strides along the panel and along K."""
    return ALONG_PANEL if column == 1 else ALONG_K if row == 1 and lanes <= 16 else STRIDED


# ---------------------------------------------------------------- sizes of tiles and blocks


def tile_shape(m: int, n: int, lanes: int, target: Target) -> tuple[int, int]:
    """(rows, vectors) of the tile with which an M × N product takes the fewest cycles."""
    best = None
    for rows in range(min(m, target.registers), 0, -1):
        for vectors in range(1, target.registers):
            if not gemm_tile.fits(rows, vectors, target.registers):
                break
            width = vectors * lanes
            row_tiles, whole, rest = -(-m // rows), n // width, -(-(n % width) // lanes)
            cost = whole * gemm_tile.cost(rows, vectors, lanes) + (gemm_tile.cost(rows, rest, lanes) if rest else 0)
            if best is None or row_tiles * cost < best[0]:
                best = (row_tiles * cost, rows, vectors)
    return best[1:]


def dot_shape(m: int, target: Target) -> tuple[int, int]:
    """(rows, columns) of a tile of dot products for M rows."""
    best = None
    for rows in range(1, min(m, target.registers) + 1):
        columns = max(c for c in range(1, 9) if c == 1 or gemm_tile.fits(rows, c, target.registers))
        cost = -(-m // rows) * max(rows * columns, rows + columns, 8) / columns
        if best is None or cost <= best[0]:
            best = (cost, rows, columns)
    return best[1:]


def blocks(p: Product, k: int, rows: int, width: int, most_rows: int = 1 << 30, most_columns: int = 1 << 30) -> tuple[int, int]:
    """(m_block, n_block): the rows and columns of C of a unit, whole tiles of rows × width; `k` is what an element of C costs."""
    target = max(_UNIT_WORK, prod(p.batch) * p.m * p.n * k // _UNITS)

    def even(size: int, block: int, tile: int) -> int:
        """At most about `block`, such that all blocks of `size` are about equally large."""
        count = -(-size // max(block, tile))
        return -(-size // (count * tile)) * tile

    m_block = even(p.m, min(most_rows, p.m), rows)
    n_block = even(p.n, min(most_columns, p.n, target // (m_block * k)), width)
    units = prod(p.batch) * -(-p.m // m_block) * -(-p.n // n_block)
    # Few panels: blocks of m give more units, as long as a panel is read for more than a few tiles.
    wanted = min(-(-_ENOUGH_UNITS // units), m_block * n_block * k // _UNIT_WORK, m_block // (8 * rows))
    if wanted > 1:
        m_block = even(p.m, m_block // wanted, rows)
    return m_block, n_block
