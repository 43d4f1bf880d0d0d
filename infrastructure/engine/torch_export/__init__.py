"""PyTorch's exported programs (.pt2): what torch.export.save writes, and the only form of a PyTorch
model that is taken. TorchScript and pickled modules run code of their maker's when they are loaded.

    <root>/archive_format                         `pt2`
    <root>/models/<name>.json                     the program, as operators of ATen
    <root>/data/weights/<name>_weights_config.json, weight_0 …       raw numbers, or pickles
    <root>/data/constants/<name>_constants_config.json, tensor_0 …   raw numbers, or pickles
    <root>/data/sample_inputs/<name>.pt           a pickle
"""
