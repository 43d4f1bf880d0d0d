"""TensorRT engines: built for one GPU and one version of TensorRT."""
