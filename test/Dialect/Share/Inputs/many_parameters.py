"""Prints a module of N parameters in which M matrices occur again and again,
every third time transposed, each read once.

  many_parameters.py N M
"""
import sys

import numpy as np

count, distinct = (int(word) for word in sys.argv[1:])
random = np.random.default_rng(1)
matrices = random.standard_normal((distinct, 24, 32)).astype("f4")
print("module {")
for i in range(count):
    matrix = matrices[i % distinct]
    if i % 3 == 2:
        matrix = np.ascontiguousarray(matrix.T)
    kind = f"tensor<{matrix.shape[0]}x{matrix.shape[1]}xf32>"
    text = matrix.tobytes().hex().upper()
    print(f'share.param @p{i} : {kind} = dense<"0x{text}"> : {kind}')
    print(f"func.func @f{i}() -> {kind} {{\n%0 = share.get @p{i} : {kind}\nreturn %0 : {kind}\n}}")
print("}")
