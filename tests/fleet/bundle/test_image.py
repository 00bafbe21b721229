"""The image of a RAUC bundle, by the real rauc."""

import pytest

from fleet.bundle import Kind
from fleet.bundle.image import verify_image
from fleet.errors import RefusedError
from tests.fleet.bundle.conftest import members_of


@pytest.fixture
def image(make, tmp_path):
    import io
    import tarfile

    payload = members_of(make(Kind.RAUC).path)["payload.tar"]
    with tarfile.open(fileobj=io.BytesIO(payload)) as tar:
        path = tmp_path / "image.raucb"
        path.write_bytes(tar.extractfile("image/image.raucb").read())
    return path


def test_rauc_itself_finds_the_image_whole(image, workspace):
    shown = verify_image(image, key=workspace.keys / "bundle_image")

    assert "Compatible: \t'tablet'" in shown
    assert "Version:    \t'1.0'" in shown


@pytest.mark.parametrize("where", [0.1, 0.5, 0.9])
def test_rauc_refuses_an_image_with_a_changed_byte(image, workspace, where):
    content = bytearray(image.read_bytes())
    content[int(len(content) * where)] ^= 1
    image.write_bytes(content)

    with pytest.raises(RefusedError, match="not as it was signed"):
        verify_image(image, key=workspace.keys / "bundle_image")
