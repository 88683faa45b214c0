"""suiren in one file: record, differentiate, interpret, compile. Run it: `python docs/internals/tiny_core.py`. A test runs it too.

Every idea of the real thing is here in its smallest form; the names are those of suiren, so that each section leads to its folder.
"""

from __future__ import annotations

import numpy as np

# ---------------------------------------------------------------- 1. An op and its rules (suiren/trace/op.py, suiren/ops/)
#
# One operation is described in one place: its shape, what it means (`numpy`), what one element of it is in machine code (`lower`, here text),
# and its gradient, written in ops again, so that it can be recorded, compiled and differentiated like everything else.


class Op:
    def __init__(self, name, numpy, lower, grad):
        self.name, self.numpy, self.lower, self.grad = name, numpy, lower, grad

    def __call__(self, *inputs):
        return record(self, inputs)


def infer(op, shapes):
    return np.broadcast_shapes(*shapes)  # all ops of this file are pointwise


add = Op("add", np.add, "fadd double {0}, {1}", lambda g, out, x, y: (g, g))
mul = Op("mul", np.multiply, "fmul double {0}, {1}", lambda g, out, x, y: (mul(g, y), mul(g, x)))
neg = Op("neg", np.negative, "fneg double {0}", lambda g, out, x: (neg(g),))


# ---------------------------------------------------------------- 2. Tensors and the recording (suiren/trace/pending.py, recording.py, trie.py)
#
# An operation computes nothing. It moves a cursor along the trie of known traces; a new transition is made only for a program never seen.


class Tensor:
    def __init__(self, data=None, slot=None, shape=None, requires_grad=False):
        self.data = None if data is None else np.asarray(data, float)
        self.slot, self.shape = slot, self.data.shape if shape is None else shape
        self.requires_grad, self.grad, self.recording = requires_grad, None, None

    __add__ = lambda self, other: add(self, other)
    __mul__ = lambda self, other: mul(self, other)
    __neg__ = lambda self: neg(self)

    def numpy(self):
        if self.data is None:
            run()  # somebody looks
        return self.data

    def backward(self):
        backward(self)


class TrieNode:
    """What a recording is after one transition: a leaf read for the first time, or an op."""

    def __init__(self, parent, op, inputs, shape, requires_grad):
        self.parent, self.op, self.inputs, self.shape, self.requires_grad = parent, op, inputs, shape, requires_grad
        self.children, self.programs = {}, {}

    def path(self):
        return [] if self.parent is None else [*self.parent.path(), self]


ROOT = TrieNode(None, None, (), None, False)


class Recording:
    def __init__(self):
        self.node, self.slots = ROOT, []  # the cursor; every tensor in the order of its slot

    def step(self, key, make, tensor):
        child = self.node.children.get(key)
        if child is None:
            child = self.node.children[key] = make()
        self.node = child
        tensor.slot, tensor.recording = len(self.slots), self
        self.slots.append(tensor)
        return tensor

    def enter(self, t):
        """The slot of a tensor; one with data is a leaf, and gets its slot when it is first read: what aliases is part of the structure."""
        if t.recording is not self:
            node = self.node
            self.step(("leaf", t.shape, t.requires_grad), lambda: TrieNode(node, None, (), t.shape, t.requires_grad), t)
        return t.slot


current = Recording()


def record(op, inputs):
    rec = current
    slots = tuple(rec.enter(t) for t in inputs)
    node = rec.node

    def make():  # only for a program never seen: here wrong shapes are found, on the user's own line
        return TrieNode(node, op, slots, infer(op, [t.shape for t in inputs]), any(t.requires_grad for t in inputs))

    out = rec.step((op, slots), make, Tensor(slot=0, shape=()))
    out.shape, out.requires_grad = rec.node.shape, rec.node.requires_grad
    return out


# ---------------------------------------------------------------- 3. Gradients (suiren/autograd/engine.py)
#
# The path of the cursor is the graph already. Backward walks it from the end and records the gradient rules.


def backward(root):
    path, slots = current.node.path(), list(current.slots)
    gradients = {root.slot: Tensor(np.ones(root.shape))}
    for slot in range(root.slot, -1, -1):
        node, g = path[slot], gradients.get(slot)
        if g is None or not node.requires_grad:
            continue
        if node.op is None:
            slots[slot].grad = g if slots[slot].grad is None else slots[slot].grad + g
            continue
        for i, gi in zip(node.inputs, node.op.grad(g, slots[slot], *(slots[i] for i in node.inputs))):
            gradients[i] = gi if i not in gradients else gradients[i] + gi


# ---------------------------------------------------------------- 4. Running (suiren/trace/execution.py)
#
# The last transition and what is still wanted find the program. It is interpreted the first time and compiled the second.


def run():
    global current
    rec, current = current, Recording()
    wanted = tuple(t.slot for t in rec.slots if t.data is None)  # the real one asks who is still alive: liveness.py
    program = rec.node.programs.get(wanted)
    path = rec.node.path()
    leaves = [t.data for t in rec.slots if t.data is not None]
    if program is None:
        rec.node.programs[wanted] = "seen once"
        results = interpret(path, leaves, wanted)
    else:
        if program == "seen once":
            program = rec.node.programs[wanted] = compile_trace(path, wanted)
        results = program(leaves)
    for slot, data in zip(wanted, results):
        rec.slots[slot].data = data


# ---------------------------------------------------------------- 5. The interpreter (suiren/interpreter.py): what a trace means


def interpret(path, leaves, wanted):
    values, leaves = [], iter(leaves)
    for node in path:
        values.append(next(leaves) if node.op is None else node.op.numpy(*(values[i] for i in node.inputs)))
    return [values[slot] for slot in wanted]


# ---------------------------------------------------------------- 6. The compiler (suiren/compiler/, suiren/runtime/jit.py)
#
# All ops of this file are pointwise and all shapes of a program equal, so the whole trace is one fused loop.


def compile_trace(path, wanted):
    import ctypes

    shapes = {node.shape for node in path}
    if len(shapes) > 1:
        raise NotImplementedError("the tiny compiler fuses programs of one shape")
    leaves = [slot for slot, node in enumerate(path) if node.op is None]
    pointers = {slot: f"%p{k}" for k, slot in enumerate([*leaves, *wanted])}
    body = []
    for slot, node in enumerate(path):
        if node.op is None:
            body.append(f"  %a{slot} = getelementptr double, ptr {pointers[slot]}, i64 %i")
            body.append(f"  %v{slot} = load double, ptr %a{slot}")
        else:
            body.append(f"  %v{slot} = " + node.op.lower.format(*(f"%v{i}" for i in node.inputs)))
    for slot in wanted:
        body.append(f"  %a{slot} = getelementptr double, ptr {pointers[slot]}, i64 %i")
        body.append(f"  store double %v{slot}, ptr %a{slot}")
    arguments = ", ".join(f"ptr {p}" for p in pointers.values())
    text = "\n".join(
        [
            f"define void @program(i64 %n, {arguments}) {{",
            "start:",
            "  br label %head",
            "head:",
            "  %i = phi i64 [ 0, %start ], [ %next, %body ]",
            "  %more = icmp slt i64 %i, %n",
            "  br i1 %more, label %body, label %end",
            "body:",
            *body,
            "  %next = add i64 %i, 1",
            "  br label %head",
            "end:",
            "  ret void",
            "}",
        ]
    )
    engine = machine_code(text)
    function = ctypes.CFUNCTYPE(None, ctypes.c_int64, *[ctypes.c_void_p] * len(pointers))(engine.get_function_address("program"))
    shape = shapes.pop()

    def program(data):
        arrays = [np.ascontiguousarray(a) for a in data] + [np.empty(shape) for _ in wanted]
        function(int(np.prod(shape)), *(a.ctypes.data for a in arrays))
        return arrays[len(data) :]

    program.engine = engine  # the machine code lives as long as the program
    return program


def machine_code(text):
    import llvmlite.binding as llvm

    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    module = llvm.parse_assembly(text)
    target = llvm.Target.from_default_triple().create_target_machine(opt=2)
    engine = llvm.create_mcjit_compiler(module, target)
    engine.finalize_object()
    return engine


# ---------------------------------------------------------------- The same program three times: interpreted, compiled, recognised


def main():
    tiers = []
    for _ in range(3):
        a, x, y = (Tensor(np.linspace(1, 2, 5) * k, requires_grad=k == 1) for k in (1, 2, 3))
        out = a * x + y
        out.backward()
        end = current.node
        np.testing.assert_allclose(out.numpy(), np.linspace(1, 2, 5) ** 2 * 2 + np.linspace(1, 2, 5) * 3)
        np.testing.assert_allclose(a.grad.numpy(), x.numpy())
        (program,) = end.programs.values()
        tiers.append("interpreted" if program == "seen once" else "compiled")
    assert tiers == ["interpreted", "compiled", "compiled"], tiers
    assert len(ROOT.children) == 1, "the same program is the same path"
    print("a*x + y and its gradient:", ", ".join(tiers))


if __name__ == "__main__":
    main()
