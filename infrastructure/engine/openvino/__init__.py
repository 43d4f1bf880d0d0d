"""OpenVINO IR, an .xml and a .bin in one zip: read, run by OpenVINO, and compressed by NNCF.

Both libraries report their use to their maker through `openvino_telemetry`; importing OpenVINO is
enough for that. Where that package cannot be imported they go without, so it is made unimportable
here, before any module of this package imports them.
"""

import sys

sys.modules["openvino_telemetry"] = None  # type: ignore[assignment]
