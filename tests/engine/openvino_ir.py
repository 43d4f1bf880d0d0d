"""An OpenVINO model written by hand, as OpenVINO itself writes it: x [?, 4] times w [4, 2]."""

from pathlib import Path

import numpy as np

from infrastructure.engine.bundle import pack

XML = """<?xml version="1.0"?>
<net name="hand" version="11">
	<layers>
		<layer id="0" name="x" type="Parameter" version="opset1">
			<data shape="?,4" element_type="f32" />
			<output>
				<port id="0" precision="FP32" names="x\\,y"><dim>-1</dim><dim>4</dim></port>
			</output>
		</layer>
		<layer id="1" name="Constant_731" type="Const" version="opset1">
			<data element_type="f32" shape="4, 2" offset="0" size="32" />
			<output><port id="0" precision="FP32"><dim>4</dim><dim>2</dim></port></output>
		</layer>
		<layer id="2" name="Conv_12" type="MatMul" version="opset1">
			<data transpose_a="false" transpose_b="false" />
			<input><port id="0" /><port id="1" /></input>
			<output>
				<port id="2" precision="FP32" names="scores,b"><dim>-1</dim><dim>2</dim></port>
			</output>
		</layer>
		<layer id="3" name="Result_9" type="Result" version="opset1">
			<input><port id="0" /></input>
		</layer>
	</layers>
	<edges>
		<edge from-layer="0" from-port="0" to-layer="2" to-port="0" />
		<edge from-layer="1" from-port="0" to-layer="2" to-port="1" />
		<edge from-layer="2" from-port="2" to-layer="3" to-port="0" />
	</edges>
	<rt_info>
		<Runtime_version value="2026.4.1" />
		<conversion_parameters>
			<input_model value="DIR/source.onnx" />
		</conversion_parameters>
	</rt_info>
</net>
"""


def bundle(target: Path, xml: str = XML) -> Path:
    """The zip of both files, beside a folder of them."""
    folder = target.with_suffix(".folder")
    folder.mkdir()
    (folder / "m.xml").write_text(xml)
    (folder / "m.bin").write_bytes(np.ones(8, np.float32).tobytes())
    pack(folder, target)
    return target
