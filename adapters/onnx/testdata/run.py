# Runs ONNX models: a JSON list of {model, inputs} on standard input becomes a
# list of {output name: array} on standard output; an array is {shape, data}.
import json
import sys

import numpy as np
import onnxruntime as ort

BATCH = 512
options = ort.SessionOptions()
options.intra_op_num_threads = 1
results = []
for run in json.load(sys.stdin):
    session = ort.InferenceSession(run["model"], options, providers=["CPUExecutionProvider"])
    names = [o.name for o in session.get_outputs()]
    inputs = {k: np.array(v["data"], np.float32).reshape(v["shape"]) for k, v in run["inputs"].items()}
    samples = len(next(iter(inputs.values())))
    parts = [
        session.run(names, {k: v[i : i + BATCH] for k, v in inputs.items()})
        for i in range(0, samples, BATCH)
    ]
    outputs = [np.concatenate(p) for p in zip(*parts)]
    results.append({n: {"shape": o.shape, "data": [float(x) for x in o.ravel()]} for n, o in zip(names, outputs)})
json.dump(results, sys.stdout)
