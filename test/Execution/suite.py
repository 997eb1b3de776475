"""Writes a model with one data set in the layout of the ONNX backend suite, so
that test/Conformance/run.py --data=FOLDER runs it."""
from onnx import helper, numpy_helper, save_model


def write_case(folder, nodes, inputs, outputs, opset=13, weights={}):
    """`inputs`, `outputs` and `weights` are {name: array}; for run.py FOLDER is
    FAMILY/test_CASE."""
    def info(name, array):
        return helper.make_tensor_value_info(
            name, numpy_helper.from_array(array).data_type, array.shape)

    graph = helper.make_graph(nodes, folder.name, [info(*item) for item in inputs.items()],
                              [info(*item) for item in outputs.items()],
                              [numpy_helper.from_array(array, name)
                               for name, array in weights.items()])
    data = folder / "test_data_set_0"
    data.mkdir(parents=True)
    save_model(helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)]),
               str(folder / "model.onnx"))
    for kind, tensors in (("input", inputs), ("output", outputs)):
        for i, (name, array) in enumerate(tensors.items()):
            tensor = numpy_helper.from_array(array, name)
            (data / f"{kind}_{i}.pb").write_bytes(tensor.SerializeToString())
