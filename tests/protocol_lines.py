"""Questions to tensors, dtypes, devices and storages, and meetings with NumPy and Python: each line's answer is compared with PyTorch's.

`t` is torch or suiren. The answer is the result's repr, or the exception's type and first line.
"""

from __future__ import annotations

import copy
import pickle
import warnings

import numpy as np

LINES = [
    "np.ones((2,3))+x", "x+np.ones((2,3))", "np.float32(2)*x", "np.float64(2)*x", "np.int64(2)*x", "x*np.float64(2)", "np.array(2.0)*x",
    "np.ones(3)==x", "x==np.ones(3)", "np.sin(x)", "np.add(x,x)", "np.maximum(x,1)", "np.mean(x)", "np.sum(x)", "np.concatenate([x,x])",
    "np.asarray(x)", "np.array(x)", "np.array([t.tensor(1),t.tensor(2)])", "np.array(x,dtype=np.int32)", "np.isnan(x)", "np.allclose(x,x)",
    "np.ones(3)@t.ones(3,dtype=t.float64)", "np.ones(3)[t.tensor([0,1])]", "x[np.array([0])]", "np.arange(3)[t.tensor(1)]", "np.zeros(t.tensor(2))",
    "t.zeros(np.int64(2))", "np.exp(t.tensor(1.0))", "np.argmax(x)", "list(map(float,t.ones(2)))", "range(t.tensor(2))", "np.stack([x,x]).shape",
    "np.divide(1,t.tensor([2.]))", "np.float32(1)-t.ones(2,dtype=t.float64)", "np.dot(t.ones(3),t.ones(3))", "t.ones(2)<np.float32(3)",
    "np.ones(2)-t.ones(2,requires_grad=True)", "np.random.rand(2)*t.ones(2,dtype=t.int64)", "t.ones(2).__array__().dtype", "memoryview(t.ones(2))",
    "t.tensor(1.0)**np.float64(2)", "np.float64(2)**t.tensor([1.0])", "x.__reversed__()", "list(reversed(x))", "divmod(t.tensor(3),2)",
    "round(t.tensor(2.6))", "abs(t.tensor(-1))", "-x", "+x", "~t.tensor([True])", "t.tensor(1)<<2", "2<<t.tensor([1])", "pow(2,t.tensor([1.,2]))",
    "7//t.tensor([2])", "7%t.tensor([2.])", "t.tensor([1])&1", "1|t.tensor([2])", "True^t.tensor([True])", "t.tensor([2])@t.tensor([3])",
    "__import__('math').sqrt(t.tensor(4.))", "__import__('math').floor(t.tensor(4.5))", "__import__('math').trunc(t.tensor(4.5))",
    "int(t.tensor([3.7]))", "float(t.ones(2))", "complex(t.tensor(1))", "t.tensor(2).__index__()", "t.tensor(2.).__index__()", "hex(t.tensor(255))",
    "'%d'%t.tensor(3)", "'%.2f'%t.tensor(3.14159)", "f'{t.tensor(3)}'", "f'{t.tensor(3):5d}'", "f'{t.tensor(True)}'", "f'{t.tensor([1.])}'",
    "f'{t.tensor([1.]):.2f}'", "format(x,'')", "x.__contains__(1.0)", "t.ones(1) in x", "(t.tensor(1)==None)", "t.tensor(1)!=None",
    "t.tensor([1]) == 'a'", "t.tensor(1)<'a'", "sum([t.tensor(1),t.tensor(2)])", "max(t.tensor([1,3,2]))", "sorted(t.tensor([3,1,2]))",
    "any(t.tensor([0,1]))", "{t.tensor(1):1}.keys()", "len(x)", "list(x)", "tuple(t.tensor([1,2]))", "bool(t.tensor([]))", "bool(t.tensor([[5]]))",
    "x.item()", "t.tensor([[7]]).item()", "t.tensor(1).tolist()", "t.tensor([[1.5]]).tolist()", "t.tensor(True).item()", "x.__len__()",
    "t.tensor(1.5)//1", "t.tensor(1.5).is_integer()", "x.numpy(force=True)", "x.numpy().base is None", "t.zeros(0).numpy()", "x.T.numpy().strides",
    "t.tensor(1).numpy()", "t.ones(2,requires_grad=True)[0].item()", "np.ones(2)*t.ones(2,requires_grad=True)", "t.tensor(np.float32(1)).dtype",
    "t.tensor(np.ones(2,dtype='>f4')).dtype", "t.from_numpy(np.ones(2,dtype='>f4'))", "t.from_numpy(np.ones(3)[::-1])", "t.tensor(2**63)",
    "t.tensor(-2**63)", "t.tensor([1,2**70])", "t.tensor(None)", "t.tensor([None])", "t.tensor({1:2})", "t.tensor([[1,2],3])", "t.tensor(object())",
    "t.zeros(2,3).contiguous(memory_format=t.channels_last)", "x.to(memory_format=t.channels_last).stride()",
    "x.clone(memory_format=t.channels_last).stride()", "x.is_contiguous(memory_format=t.channels_last)",
    "t.zeros(1,1,3,3).is_contiguous(memory_format=t.channels_last)", "x.contiguous(memory_format=t.channels_last).is_contiguous()",
    "x.contiguous(memory_format=t.channels_last).is_contiguous(memory_format=t.channels_last)",
    "x.contiguous(memory_format=t.channels_last).contiguous().stride()", "t.channels_last", "t.strided", "x.type()", "t.FloatTensor(2,3).shape",
    "t.LongTensor([1,2])", "t.FloatTensor([1]).type('torch.DoubleTensor')", "isinstance(x,t.FloatTensor)", "isinstance(t.tensor(1),t.FloatTensor)",
    "t.FloatTensor.dtype", "t.IntTensor(t.zeros(2,dtype=t.int32))", "t.LongTensor()", "t.LongTensor(np.array([1,2]))", "t.Tensor()",
    "t.Tensor(3).shape", "t.Tensor([3])", "t.Tensor(t.Size([2])).shape", "t.ByteTensor(2).dtype", "t.BoolTensor([True])",
    "x.type(t.LongTensor).dtype", "t.arange(3.).storage()", "t.arange(3.).untyped_storage()", "t.is_storage(x.storage())",
    "x.untyped_storage().data_ptr()==x.data_ptr()", "t.arange(3).untyped_storage().tolist()", "t.typename(x)", "t.typename(3)",
    "t.typename(t.FloatTensor)", "t.get_device(x)", "x.get_device()", "x.__dlpack_device__()[1]", "t.can_cast(t.float,t.int)",
    "t.can_cast(t.int,t.float)", "t.can_cast(t.int,t.bool)", "t.can_cast(t.uint8,t.int8)", "t.result_type(x,1.0)", "t.result_type(t.tensor([1]),1.0)",
    "t.result_type(t.tensor([1]),t.tensor(1.0))", "t.result_type(1,2.5)", "t.is_nonzero(x)", "t.is_nonzero(t.tensor(1.))",
    "t.is_nonzero(t.tensor([]))", "t.finfo(t.float32)", "t.finfo(t.int32)", "t.iinfo(t.int8)", "t.iinfo(t.float32)", "t.iinfo(t.bool)",
    "t.finfo(t.float64).max", "t.finfo(t.float32).min", "t.arange(3.).apply_(lambda v:v+1)", "t.arange(3.).map_(t.ones(3),lambda a,b:a+b)",
    "g.apply_(abs)", "t.get_default_device()", "t.set_default_device('cpu')", "x.cuda()", "t.device('foo')", "t.device('cuda:0')",
    "t.zeros(2,device='cuda')", "x.to('cuda')", "x.to('mps')", "x.to('xpu')", "'a' in x", "len(t.tensor(1))", "iter(t.tensor(1))", "bool(x)",
    "int(x)", "x.__index__()", "t.tensor(True).__index__()", "float(t.tensor(1j))", "g.numpy()", "hash(x)==id(x)", "x.dim_order()",
    "x.permute(0,2,3,1).dim_order()", "x.__array_priority__", "t.zeros(3).set_(t.ones(4))", "t.zeros(3).set_(t.arange(6.).storage(),1,(2,2),(2,1))",
    "t.zeros(2,2).resize_(3).shape", "t.arange(4.).resize_(2,2)", "g.resize_(3)", "x.nbytes", "x.itemsize", "x.layout", "x.is_sparse",
    "x.to_dense().shape", "t.device('cpu').index", "t.device('cpu',0)", "t.device(type='cuda',index=1)", "t.device(3)", "t.device('cuda',-1)",
    "t.device('cuda:x')", "t.device('')", "x.element_size()", "x.storage().dtype", "x.storage().size()", "x.type('foo')", "x.to('foo')",
    "x.to(t.float64,copy=True).dtype", "x.to(x.double()).dtype", "x.to('cpu',t.float64).dtype", "x.to(device='cpu',dtype=t.int8).dtype",
    "x.to().dtype", "x.to(t.device('cpu'),non_blocking=True) is x", "x.to(x) is x", "x.to('cpu') is x", "x.to(t.float32) is x",
    "x.to(t.float32,copy=True) is x", "x.to(float).dtype", "x.cpu() is x", "x.float() is x", "x.cfloat().dtype",
    "copy.copy(x).data_ptr()==x.data_ptr()", "type(copy.copy(p)).__name__", "copy.copy(g).requires_grad", "copy.copy(g*2).is_leaf",
    "copy.deepcopy(g*2)", "copy.deepcopy(p)", "pickle.loads(pickle.dumps(p))", "pickle.loads(pickle.dumps(g)).requires_grad",
    "pickle.loads(pickle.dumps(t.float32)) is t.float32", "pickle.loads(pickle.dumps(t.device('cpu')))", "pickle.loads(pickle.dumps(t.Size([1,2])))",
    "pickle.loads(pickle.dumps(t.strided))", "copy.deepcopy(t.channels_last) is t.channels_last", "t.is_tensor(x)", "t.is_tensor(1)",
    "t.is_floating_point(x)", "t.is_complex(x)", "t.is_signed(t.tensor(1,dtype=t.uint8))", "t.numel(x)", "t.numel(3)", "x.nelement()",
    "x.ndimension()", "x.is_same_size(t.ones(2))", "x.is_set_to(x.view(1,2,3,4))", "x.is_set_to(x[0])", "x.new([1,2])", "x.new(2,3).shape",
    "x.new_tensor([1]).dtype", "t.from_dlpack(x).data_ptr()==x.data_ptr()", "t.from_dlpack(np.arange(3))", "t.from_dlpack(x.__dlpack__()).shape",
    "g.__dlpack__()", "t.utils.dlpack.from_dlpack(t.utils.dlpack.to_dlpack(x)).shape", "np.from_dlpack(x).shape", "x.T.shape if x.ndim==2 else 0",
    "x.device", "x.is_cuda", "x.is_cpu", "x.is_leaf", "x.grad", "x.requires_grad", "x.data.requires_grad", "x.retains_grad", "x.is_quantized",
    "x.is_meta", "x.is_mps", "x.is_xpu", "x.is_mkldnn", "x.is_sparse_csr", "x.is_nested", "x.name", "x.ndim", "x.is_pinned()", "x.is_shared()",
    "x.share_memory_().shape", "x.storage_offset()", "x[0,1].storage_offset()", "x.stride(1)", "x.stride(-1)", "x.stride(7)", "x.size(-1)",
    "x.size(9)", "x.shape.numel()", "t.Size([2,3])+(4,)", "t.Size([2,3])[0]", "t.Size([2,3])[:1]", "t.Size((1,2))==(1,2)", "t.Size(3)",
    "t.Size([1.5])", "t.Size(['a'])", "t.Size([t.tensor(1),2])", "t.Size([2])*2", "(1,)+t.Size([2])", "t.Size([2,3]).numel()",
    "hash(t.Size([1]))==hash((1,))", "repr(t.Size([]))", "t.Size([2,3]).index(3)", "t.Size()", "x.data_ptr()%4", "x.dtype",
    "t.float32.is_floating_point", "t.int8.is_signed", "t.uint8.is_signed", "t.float.to_complex()", "t.complex64.to_real()", "t.float16.itemsize",
    "t.dtype('x')", "t.half", "t.set_default_dtype(t.int32)", "t.set_default_dtype(3)", "t.get_default_dtype()", "t.promote_types(t.int8,t.uint8)",
    "t.promote_types(t.float16,t.bfloat16)", "t.promote_types(t.int64,t.float16)", "t.zeros(2,dtype=float).dtype", "t.zeros(2,dtype=int).dtype",
    "t.tensor([1,2],dtype=float)", "x.type_as(t.tensor(1)).dtype", "x.byte().dtype", "t.set_default_tensor_type('torch.DoubleTensor')",
    "t.set_default_tensor_type(t.FloatTensor)", "t.set_default_tensor_type('torch.IntTensor')", "t.inf", "t.nan", "t.pi", "t.e", "t.newaxis",
    "x.tolist()[0][0][0]", "t.FloatStorage([1,2])", "t.UntypedStorage(3).nbytes()", "t.TypedStorage([1,2],dtype=t.int64)",
    "t.arange(3.).storage()[1]", "t.arange(3.).storage().double()", "isinstance(x.storage(),t.FloatStorage)",
    "x.storage().data_ptr()==x.untyped_storage().data_ptr()", "x[0].storage().size()", "t.is_grad_enabled()", "x.names", "t.sparse_coo",
    "t.zeros(2,layout=t.strided).shape", "x.output_nr", "x.to(None)", "x.double().to(x).dtype", "t.Tensor(1,2,device='cpu').shape", "t.Tensor(1.5)",
    "t.FloatTensor(1.5)", "t.IntTensor([1.7])", "t.tensor(1).new_tensor(2.5)", "t.empty(1,2,3,4,memory_format=t.channels_last).stride()",
    "t.empty_like(x,memory_format=t.channels_last).stride()", "t.zeros_like(x,memory_format=t.channels_last).stride()",
    # what a build for the CPU alone answers
    "t.cuda.is_available()", "t.cuda.device_count()", "t.cuda.is_initialized()", "t.cuda.current_device()", "t.cuda.get_device_name()",
    "t.cuda.get_device_name(0)", "t.cuda.get_device_properties(0)", "t.cuda.get_device_capability()", "t.cuda.synchronize()", "t.cuda.empty_cache()",
    "t.cuda.manual_seed(3)", "t.cuda.manual_seed_all(3)", "t.cuda.seed()", "t.cuda.seed_all()", "t.cuda.initial_seed()", "t.cuda.memory_allocated()",
    "t.cuda.max_memory_allocated()", "t.cuda.memory_reserved()", "t.cuda.max_memory_reserved()", "t.cuda.mem_get_info()", "t.cuda.memory_stats()",
    "t.cuda.current_stream()", "t.cuda.Event()", "t.cuda.stream(None).__enter__()", "t.cuda.device(0).__class__.__name__",
    "t.cuda.is_bf16_supported()", "t.cuda.get_rng_state()", "t.cuda.get_rng_state_all()", "t.cuda.set_rng_state(t.get_rng_state())",
    "t.cuda.get_arch_list()", "t.cuda.init()", "t.cuda.ipc_collect()", "t.cuda.has_half", "t.cuda.FloatTensor(2)", "t.cuda.get_sync_debug_mode()",
    "t.cuda.set_sync_debug_mode(1)", "t.cuda.default_stream()", "t.cuda.can_device_access_peer(0,1)", "t.cuda.get_gencode_flags()",
    "t.cuda.set_per_process_memory_fraction(0.5)", "t.cuda.CUDAGraph()", "t.cuda.is_tf32_supported()", "t.cuda.default_generators",
    "t.backends.cudnn.enabled", "t.backends.cudnn.benchmark", "t.backends.cudnn.deterministic", "t.backends.cudnn.allow_tf32",
    "t.backends.cudnn.is_available()", "t.backends.cudnn.version()", "t.backends.cudnn.benchmark_limit", "t.backends.cudnn.is_acceptable(x)",
    "t.backends.cudnn.flags().__class__.__name__", "t.backends.mkldnn.enabled", "t.backends.mkldnn.flags().__class__.__name__",
    "t.backends.mps.is_available()", "t.backends.mps.is_built()", "t.backends.cuda.is_built()", "t.backends.cuda.matmul.allow_tf32",
    "t.backends.cuda.matmul.allow_fp16_reduced_precision_reduction", "t.backends.cuda.flash_sdp_enabled()", "t.backends.cuda.math_sdp_enabled()",
    "t.backends.cuda.mem_efficient_sdp_enabled()", "t.backends.cuda.cufft_plan_cache.size",
    "t.backends.cpu.get_cpu_capability() in ('AVX2','AVX512','DEFAULT','NO AVX','NEON')", "t.backends.opt_einsum.is_available()",
    "t.distributed.is_initialized()", "t.distributed.get_rank()", "t.distributed.get_world_size()", "t.distributed.barrier()",
    "t.distributed.all_reduce(x)", "t.distributed.is_nccl_available()", "t.distributed.is_mpi_available()",
    "t.distributed.is_torchelastic_launched()", "t.xpu.is_available()", "t.xpu.device_count()", "t.xpu.synchronize()", "t.xpu.empty_cache()",
    "t.xpu.manual_seed(1)", "t.xpu.is_initialized()", "t.mps.device_count()", "t.mps.is_available()", "t.mps.empty_cache()", "t.mps.synchronize()",
    "t.mps.manual_seed(1)", "t.mtia.is_available()", "t.mtia.device_count()", "t.mtia.is_initialized()", "t.accelerator.is_available()",
    "t.accelerator.current_accelerator()", "t.accelerator.device_count()", "t.accelerator.current_device_index()", "t.accelerator.synchronize()",
    "t.cpu.is_available()", "t.cpu.device_count()", "t.cpu.current_device()", "t.cpu.synchronize()", "t.cpu.current_stream().__class__.__name__",
    "t.cpu.set_device(0)", "t.cpu.is_initialized()", "t.jit.script(f)(x)", "t.jit.trace(f,x)(x)", "t.jit.ignore(f) is f", "t.jit.unused(f) is f",
    "t.jit.export(f) is f", "t.jit.is_scripting()", "t.jit.is_tracing()", "t.jit.annotate(int,3)", "t.jit.script(t.nn.ReLU())(x)",
    "t.jit.isinstance(3,int)", "t.jit.fork(f,x).wait()", "t.jit.wait(t.jit.fork(f,x))", "t.jit.script_if_tracing(f)(x)", "t.jit.Final[int]",
    "t.jit.freeze(t.jit.script(t.nn.ReLU().eval()))(x)", "t.jit.optimize_for_inference(t.jit.script(t.nn.ReLU().eval()))(x)", "t.compile(f)(x)",
    "t.compile(t.nn.ReLU())(x)", "t.compile(mode='reduce-overhead')(f)(x)", "t.compiler.is_compiling()", "t.compiler.disable(f)(x)",
    "t.compiler.reset()", "t.get_num_threads()>0", "t.set_num_threads(0)", "t.set_num_threads('a')", "t.get_num_interop_threads()>0",
    "t.is_warn_always_enabled()", "t.__version__>='2.0'", "t.__version__.split('.')[0]", "t.version.cuda", "t.version.hip",
    "t.version.__version__==t.__version__", "t.version.debug", "isinstance(t.__version__,str)",
    "tuple(int(p) for p in t.__version__.split('+')[0].split('.')[:2])>=(2,0)", "t.get_device_module().__name__.split('.')[-1]",
    "t.compiled_with_cxx11_abi()", "t.is_vulkan_available()", "t.is_autocast_enabled()", "t.is_autocast_cpu_enabled()", "t.get_autocast_dtype('cpu')",
    "t.get_autocast_gpu_dtype()", "t.is_autocast_cache_enabled()", "t.cuda.amp.custom_fwd(f)(x)",
    "x._base", "x[0]._base is x", "x.view(-1)[1:]._base is x", "(x*2)._base", "x._is_view()", "x[0]._is_view()", "g.detach()._is_view()", "x.clone()._is_view()",
    "t.set_grad_enabled(True)", "g.view(2).detach_()", "setattr(g,'requires_grad','a')", "setattr(g,'grad',t.ones(3))", "setattr(g,'grad',t.ones(2).double())",
    "setattr(g,'grad',g)", "setattr(t.ones(2,dtype=t.int64),'grad',t.ones(2))", "t.Tensor(t.arange(3))", "t.Tensor(t.ones(1).double())",
    "(lambda h:h.set_state(t.Generator().manual_seed(3).get_state()) is h)(t.Generator())", "t.linspace(0,1j,3)", "t.linspace(1+1j,2,2,dtype=t.complex128)",
    "t.logspace(0,1j,3)", "t.manual_seed(1) and t.randint(high=3,size=(2,))", "t.manual_seed(1) and t.randint(3,size=[2])", "t.manual_seed(1) and t.randint(low=1,high=3,size=(2,))",
]  # fmt: skip


def _twice(a):
    return a * 2


def names(t) -> dict:
    """What the lines speak of."""
    x = t.arange(24.0).reshape(1, 2, 3, 4)
    return {
        "t": t, "np": np, "copy": copy, "pickle": pickle, "x": x, "m": t.arange(6.0).reshape(2, 3), "p": t.nn.Parameter(t.ones(2)),
        "g": t.ones(2, requires_grad=True), "f": _twice,
    }  # fmt: skip


def answer(line: str, t) -> str:
    """What the line says, an exception's text cut after its first line."""
    found = full_answer(line, t)
    kind, _, text = found.partition(": ")
    if not kind.endswith(("Error", "Exception", "Iteration")):
        return found
    return f"{kind}: {text.splitlines()[0] if text else ''}"


def full_answer(line: str, t) -> str:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return repr(eval(line, names(t)))
        except Exception as error:
            return f"{type(error).__name__}: {error}"
