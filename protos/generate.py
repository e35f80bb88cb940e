"""Regenerate gen/ from protos/, offline: `make proto`.

Field rules come from protovalidate, whose wheel carries the descriptor of
`buf/validate/validate.proto` but not its source. It goes, with the Google types that we import,
into one descriptor set that protoc reads beside our own files. `--image FILE` writes the image
that buf lints and compares.
"""

import argparse
import importlib.resources
import os
import shutil
import sys
import tempfile
from pathlib import Path

from google.api import field_behavior_pb2, resource_pb2
from google.protobuf import descriptor_pb2, duration_pb2, struct_pb2, timestamp_pb2
from grpc_tools import protoc
from protovalidate._gen.buf.validate import validate_pb

PROTOS = Path(__file__).resolve().parent
GENERATED = PROTOS.parent / "gen"
VALIDATE = "buf/validate/validate.proto"


def dependencies() -> descriptor_pb2.FileDescriptorSet:
    """Every file that ours import and that is not ours, in dependency order."""
    files = descriptor_pb2.FileDescriptorSet()
    modules = (descriptor_pb2, duration_pb2, struct_pb2, timestamp_pb2)
    for module in (*modules, field_behavior_pb2, resource_pb2):
        module.DESCRIPTOR.CopyToProto(files.file.add())
    files.file.add().ParseFromString(validate_pb._DESC.proto.to_binary())
    return files


def run_protoc(*arguments: str) -> None:
    """Call protoc with its own include folder; exit with its status when it fails."""
    bundled = str(importlib.resources.files("grpc_tools") / "_proto")
    status = protoc.main(["protoc", f"-I{bundled}", *arguments])
    if status:
        sys.exit(status)


def main() -> None:
    """Write gen/, or with --image only the descriptor image of our files."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--image", type=Path, help="write a buf image there and generate nothing")
    parser.add_argument("--protos", type=Path, default=PROTOS, help="folder of the sources")
    parser.add_argument("--out", type=Path, default=GENERATED, help="folder of the generated code")
    arguments = parser.parse_args()
    # protoc looks for its mypy plugins on the PATH; they stand beside this interpreter.
    os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    with tempfile.TemporaryDirectory() as scratch:
        known = Path(scratch) / "dependencies.binpb"
        known.write_bytes(dependencies().SerializeToString())
        found = arguments.protos.rglob("*.proto")
        ours = sorted(str(path.relative_to(arguments.protos)) for path in found)
        inputs = [f"--descriptor_set_in={known}", f"-I{arguments.protos}"]
        if arguments.image:
            run_protoc(
                *inputs,
                f"--descriptor_set_out={arguments.image}",
                "--include_imports",
                "--include_source_info",
                *ours,
            )
            return
        out = Path(scratch) / "gen"
        out.mkdir()
        run_protoc(*inputs, f"--python_out={out}", f"--mypy_out=quiet:{out}", *ours, VALIDATE)
        served = [name for name in ours if "\nservice " in (arguments.protos / name).read_text()]
        run_protoc(*inputs, f"--grpc_python_out={out}", f"--mypy_grpc_out=quiet:{out}", *served)
        for package in ("kefu", "buf"):
            shutil.rmtree(arguments.out / package, ignore_errors=True)
            shutil.copytree(out / package, arguments.out / package)


if __name__ == "__main__":
    main()
