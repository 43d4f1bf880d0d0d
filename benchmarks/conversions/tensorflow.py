"""Keras, SavedModel and TFLite made into TFLite and ONNX, by TensorFlow and tf2onnx."""

import tempfile
import zipfile
from pathlib import Path

import numpy as np

from benchmarks.conversions.case import Case, Made
from benchmarks.conversions.openvino import SHARED
from benchmarks.conversions.packages import in_package, wheel
from domain.model_format import ModelFormat
from domain.optimization_spec import Pass
from infrastructure.engine.bundle import pack

PITCH = "basic-pitch==0.4.0"
PITCH_FOLDER = "basic_pitch/saved_models/icassp_2022/nmp/"


def tiny(name: str) -> Made:
    """One of MLPerf Tiny's reference models."""
    return lambda folder: SHARED / "mlperf-tiny" / name


def pictures(folder: Path) -> Path:
    """The first 480 test images of CIFAR-10 with their labels: `images` [480, 32, 32, 3] float32
    from 0 to 255."""
    made = folder / "cifar.npz"
    with np.load(SHARED / "cifar10" / "test-480.npz") as found:
        images, labels = found["images"].astype(np.float32), found["labels"].astype(np.int64)
    np.savez(made, images=images, labels=labels)
    return made


def pitch(folder: Path) -> Path:
    """basic-pitch's SavedModel, which comes as a folder."""
    made = folder / "basic-pitch.savedmodel.zip"
    with tempfile.TemporaryDirectory() as unpacked, zipfile.ZipFile(wheel(PITCH, folder)) as found:
        for one in found.namelist():
            if one.startswith(PITCH_FOLDER):
                found.extract(one, unpacked)
        pack(Path(unpacked) / PITCH_FOLDER, made)
    return made


FACE = in_package(
    "mediapipe==0.10.14", "mediapipe/modules/face_detection/face_detection_short_range.tflite"
)
RESNET = tiny("pretrainedResnet.h5")
TFLITE, ONNX = ModelFormat.TFLITE, ModelFormat.ONNX

CASES = (
    Case("resnet8 keras → tflite", RESNET, TFLITE, Pass.CONVERT, pictures),
    Case("resnet8 keras → tflite fp16", RESNET, TFLITE, Pass.FP16, pictures),
    Case("resnet8 keras → tflite dynamic_int8", RESNET, TFLITE, Pass.DYNAMIC_INT8, pictures),
    Case("resnet8 keras → tflite static_int8", RESNET, TFLITE, Pass.STATIC_INT8, pictures),
    Case("resnet8 keras → tflite int16x8", RESNET, TFLITE, Pass.INT16X8, pictures),
    Case("resnet8 keras → onnx", RESNET, ONNX, Pass.CONVERT, pictures),
    Case("vww keras → tflite", tiny("vww_96.h5"), TFLITE, Pass.CONVERT),
    Case("ad keras → tflite", tiny("ad01.h5"), TFLITE, Pass.CONVERT),
    Case("basic-pitch saved_model → tflite", pitch, TFLITE, Pass.CONVERT),
    Case("basic-pitch saved_model → onnx", pitch, ONNX, Pass.CONVERT),
    Case("kws tflite → onnx", tiny("kws_ref_model_float32.tflite"), ONNX, Pass.CONVERT),
    Case("mediapipe face tflite → onnx", FACE, ONNX, Pass.CONVERT),
)
