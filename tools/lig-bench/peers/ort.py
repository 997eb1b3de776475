"""ONNX Runtime, CPU provider: all graph optimisations, weights prepacked (its
default), one intra-op pool of the given size, inputs and outputs bound once."""
import onnxruntime

VERSION_OF = "onnxruntime"


class Session:
    def __init__(self, artefact, threads):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.graph_optimization_level = (
            onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL)
        options.log_severity_level = 3
        self.session = onnxruntime.InferenceSession(
            artefact, options, providers=["CPUExecutionProvider"])

    def bind(self, feeds):
        self.binding = self.session.io_binding()
        for name, value in feeds.items():
            self.binding.bind_cpu_input(name, value)
        for output in self.session.get_outputs():
            self.binding.bind_output(output.name, "cpu")
        self.run = lambda: self.session.run_with_iobinding(self.binding)

    def outputs(self):
        names = [output.name for output in self.session.get_outputs()]
        return dict(zip(names, self.binding.copy_outputs_to_cpu()))
