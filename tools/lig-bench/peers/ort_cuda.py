"""ONNX Runtime's CUDA provider, inputs and outputs bound on the device."""
import onnxruntime

VERSION_OF = "onnxruntime"
PROVIDER = "CUDAExecutionProvider"


class Session:
    def __init__(self, artefact, threads):
        if PROVIDER not in onnxruntime.get_available_providers():
            raise RuntimeError("this onnxruntime has no CUDA provider")
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        self.session = onnxruntime.InferenceSession(artefact, options, providers=[PROVIDER])

    def bind(self, feeds):
        self.binding = self.session.io_binding()
        for name, value in feeds.items():
            self.binding.bind_ortvalue_input(
                name, onnxruntime.OrtValue.ortvalue_from_numpy(value, "cuda", 0))
        for output in self.session.get_outputs():
            self.binding.bind_output(output.name, "cuda")

        def run():
            self.session.run_with_iobinding(self.binding)
            self.binding.synchronize_outputs()
        self.run = run

    def outputs(self):
        names = [output.name for output in self.session.get_outputs()]
        return dict(zip(names, self.binding.copy_outputs_to_cpu()))
