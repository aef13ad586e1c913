"""The Python entrants of the benchmarks, as a child that lives as long as they do (see python.ts).

Reads requests, one JSON object a line, from standard input, followed by `bytes` raw bytes where it says so; answers each
with one JSON object a line, followed by `bytes` raw bytes where it says so. Every time is taken here, around the call
alone, with the data in place.
"""

import contextlib
import importlib.util
import io
import json
import sys
import time

ARRAYS = {}
BASELINE = {}


def versions(_request):
    import numpy
    import scipy

    answer = {"python": sys.version.split()[0], "numpy": numpy.__version__, "scipy": scipy.__version__}
    return {**answer, "blas": blas_name(numpy)}


def blas_name(numpy):
    """The BLAS library that is mapped into this process, by its file name."""
    numpy.ones((2, 2)) @ numpy.ones((2, 2))
    try:
        with open("/proc/self/maps", encoding="utf8") as maps:
            paths = {line.split()[-1] for line in maps if "blas" in line.lower()}
    except OSError:
        return "unknown"
    names = sorted({path.rsplit("/", 1)[-1] for path in paths})
    return ", ".join(name for name in names if "openblas" in name.lower()) or ", ".join(names) or "unknown"


def put(request):
    import numpy

    raw = sys.stdin.buffer.read(request["bytes"])
    ARRAYS[request["name"]] = numpy.frombuffer(raw, numpy.float32).reshape(request["shape"])
    return {}


def forget(_request):
    ARRAYS.clear()
    return {}


def matmul(request):
    """c = a @ b.T into an array that exists already, as the other entrants' outputs do."""
    import numpy

    a, b = ARRAYS["a"], ARRAYS["b"]
    if "c" not in ARRAYS:
        ARRAYS["c"] = numpy.zeros((a.shape[0], b.shape[0]), numpy.float32)
    c = ARRAYS["c"]
    start = time.perf_counter()
    for _ in range(request["calls"]):
        numpy.matmul(a, b.T, out=c)
    return {"seconds": time.perf_counter() - start}


def product(_request):
    raw = ARRAYS["c"].tobytes()
    return {"bytes": len(raw)}, raw


def assign(request):
    import numpy
    from scipy.optimize import linear_sum_assignment

    cost = ARRAYS["cost"]
    start = time.perf_counter()
    for _ in range(request["calls"]):
        columns = linear_sum_assignment(cost, maximize=True)[1]
    seconds = time.perf_counter() - start
    raw = columns.astype(numpy.int32).tobytes()
    return {"seconds": seconds, "bytes": len(raw)}, raw


def baseline(request):
    """Loads the baseline script as a module, and a pair as its `pair` command does; answers the identity's objective."""
    import numpy

    spec = importlib.util.spec_from_file_location("weight_matching", request["script"])
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    with open(request["spec"], encoding="utf8") as file:
        described = json.load(file)
    a, b = module.load(request["a"]), module.load(request["b"])
    for name, shape in described.get("reshape", {}).items():
        a[name], b[name] = a[name].reshape(shape), b[name].reshape(shape)
    axes = described["axes"]
    BASELINE.update(module=module, axes=axes, a=a, b=b)
    where = module.occurrences(axes).items()
    identity = {p: numpy.arange(a[places[0][0]].shape[places[0][1]]) for p, places in where}
    return {"objective": module.objective(axes, a, b, identity)}


def baseline_seed(request):
    """One seed of the pair: what the script's own `report` measures and prints."""
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        BASELINE["module"].report(BASELINE["axes"], BASELINE["a"], BASELINE["b"], request["seed"])
    return json.loads(printed.getvalue())


def baseline_objective(request):
    """What the baseline says permutations of ours are worth."""
    import numpy

    perm = {name: numpy.array(order) for name, order in request["permutations"].items()}
    module, axes = BASELINE["module"], BASELINE["axes"]
    return {"objective": module.objective(axes, BASELINE["a"], BASELINE["b"], perm)}


REQUESTS = {
    "versions": versions,
    "put": put,
    "forget": forget,
    "matmul": matmul,
    "product": product,
    "assign": assign,
    "baseline": baseline,
    "baseline-seed": baseline_seed,
    "baseline-objective": baseline_objective,
}


def main():
    for line in iter(sys.stdin.buffer.readline, b""):
        request = json.loads(line)
        try:
            answer = REQUESTS[request["request"]](request)
        except Exception as error:  # reported on the other side, which decides
            answer = {"error": f"{type(error).__name__}: {error}"}
        head, raw = answer if isinstance(answer, tuple) else (answer, b"")
        sys.stdout.buffer.write(json.dumps(head).encode() + b"\n" + raw)
        sys.stdout.buffer.flush()


main()
