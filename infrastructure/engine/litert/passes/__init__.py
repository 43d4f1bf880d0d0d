"""The passes on TFLite files, by litert-quantizer."""
