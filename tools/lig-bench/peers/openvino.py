"""OpenVINO, CPU plugin: latency hint, one stream, f32 arithmetic (the plugin
would use bf16 on machines that have it), tensors set once."""
import openvino

VERSION_OF = "openvino"


class Session:
    def __init__(self, artefact, threads):
        self.model = openvino.Core().compile_model(artefact, "CPU", {
            "PERFORMANCE_HINT": "LATENCY", "INFERENCE_NUM_THREADS": threads,
            "NUM_STREAMS": 1, "INFERENCE_PRECISION_HINT": "f32"})
        self.request = self.model.create_infer_request()

    def bind(self, feeds):
        self.feeds = feeds
        for name, value in feeds.items():
            self.request.set_tensor(name, openvino.Tensor(value, shared_memory=True))
        start, wait = self.request.start_async, self.request.wait

        def run():
            start()
            wait()
        self.run = run

    def outputs(self):
        return {output.get_any_name(): self.request.get_tensor(output).data.copy()
                for output in self.model.outputs}
