"""ONNX and TFLite made into OpenVINO IR, in each precision."""

import os
import sysconfig
from pathlib import Path

import numpy as np

from benchmarks.conversions.case import Case
from benchmarks.conversions.minilm import minilm, words
from benchmarks.conversions.packages import in_package
from benchmarks.conversions.speech import spoken
from domain.model_format import ModelFormat
from domain.optimization_spec import Pass

SHARED = Path(
    os.environ.get("EDGEWISE_SHARED_DATA") or Path(__file__).parents[3] / "shared" / "data"
)
ENDS, PADDING = 1024, 256
"""Magika looks at so many bytes at either end of a file, and takes 256 for what is not there."""


def files_as_bytes(folder: Path) -> Path:
    """Files of Python's own library as Magika sees them: `bytes` [240, 2048] int32."""
    made = folder / "bytes.npz"
    library = Path(sysconfig.get_path("stdlib"))
    found = sorted(one for one in library.rglob("*") if one.is_file() and one.stat().st_size > 32)
    rows = [_seen(found[place]) for place in np.linspace(0, len(found) - 1, 240).astype(int)]
    np.savez(made, bytes=np.stack(rows))
    return made


def _seen(file: Path) -> np.ndarray:
    """White space around the content is left out, as Magika does."""
    content = file.read_bytes().strip()
    row = np.full(2 * ENDS, PADDING, np.int32)
    first, last = content[:ENDS], content[-ENDS:]
    row[: len(first)] = list(first)
    row[len(row) - len(last) :] = list(last)
    return row


def pictures(folder: Path) -> Path:
    """The first 480 test images of CIFAR-10 with their labels: `images` [480, 1, 32, 32, 3] float32
    from 0 to 255."""
    made = folder / "pictures.npz"
    with np.load(SHARED / "cifar10" / "test-480.npz") as found:
        images, labels = found["images"].astype(np.float32)[:, None], found["labels"]
    np.savez(made, images=images, labels=labels.astype(np.int64))
    return made


def resnet(folder: Path) -> Path:
    """MLPerf Tiny's ResNet8 in float."""
    return SHARED / "mlperf-tiny" / "pretrainedResnet.tflite"


MAGIKA = in_package("magika==1.0.3", "magika/models/standard_v3_3/model.onnx")
CLASSIFIER = in_package("rapidocr==3.10.0", "rapidocr/models/ch_ppocr_mobile_v2.0_cls_mobile.onnx")
DETECTOR = in_package("rapidocr==3.10.0", "rapidocr/models/PP-OCRv6_det_small.onnx")
SPEECH = in_package("silero-vad==6.2.3", "silero_vad/data/silero_vad_op18_ifless.onnx")
EMBEDDING = in_package("openwakeword==0.4.0", "openwakeword/resources/models/embedding_model.onnx")
IR = ModelFormat.OPENVINO_IR

CASES = (
    Case("magika onnx → openvino_ir", MAGIKA, IR, Pass.CONVERT, files_as_bytes),
    Case("magika onnx → openvino_ir fp16", MAGIKA, IR, Pass.FP16, files_as_bytes),
    Case("magika onnx → openvino_ir dynamic_int8", MAGIKA, IR, Pass.DYNAMIC_INT8, files_as_bytes),
    Case("magika onnx → openvino_ir static_int8", MAGIKA, IR, Pass.STATIC_INT8, files_as_bytes),
    Case("magika onnx → openvino_ir accuracy_int8", MAGIKA, IR, Pass.ACCURACY_INT8, files_as_bytes),
    Case("magika onnx → openvino_ir int4", MAGIKA, IR, Pass.INT4, files_as_bytes),
    Case("magika onnx → openvino_ir nf4", MAGIKA, IR, Pass.NF4, files_as_bytes),
    Case("magika onnx → openvino_ir fp8", MAGIKA, IR, Pass.FP8, files_as_bytes),
    Case("pp-ocr cls onnx → openvino_ir", CLASSIFIER, IR, Pass.CONVERT),
    Case("pp-ocr v6 det onnx → openvino_ir fp16", DETECTOR, IR, Pass.FP16),
    Case("minilm onnx → openvino_ir fp16", minilm, IR, Pass.FP16, words),
    Case("minilm onnx → openvino_ir dynamic_int8", minilm, IR, Pass.DYNAMIC_INT8, words),
    Case("silero-vad onnx → openvino_ir", SPEECH, IR, Pass.CONVERT, spoken),
    Case("openwakeword embedding onnx → openvino_ir fp16", EMBEDDING, IR, Pass.FP16),
    Case("resnet8 tflite → openvino_ir", resnet, IR, Pass.CONVERT, pictures),
    Case("resnet8 tflite → openvino_ir static_int8", resnet, IR, Pass.STATIC_INT8, pictures),
    Case("resnet8 tflite → openvino_ir accuracy_int8", resnet, IR, Pass.ACCURACY_INT8, pictures),
)
