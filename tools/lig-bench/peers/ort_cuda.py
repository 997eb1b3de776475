"""ONNX Runtime's CUDA provider, inputs and outputs bound on the device. A model in
f32 is computed in f32 or, where it may, in tf32."""
import onnxruntime

VERSION_OF = "onnxruntime"
PROVIDER = "CUDAExecutionProvider"


class Session:
    def __init__(self, artefact, threads, precision="f32"):
        if PROVIDER not in onnxruntime.get_available_providers():
            raise RuntimeError("this onnxruntime has no CUDA provider")
        if precision not in ("f32", "tf32"):
            raise RuntimeError(f"no {precision} of a model in f32")
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        provider = (PROVIDER, {"use_tf32": str(int(precision == "tf32"))})
        self.session = onnxruntime.InferenceSession(artefact, options, providers=[provider])

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
