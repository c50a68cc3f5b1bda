"""Photos as they are: large, turned, transparent, broken."""

from __future__ import annotations

import io

import numpy as np
import pillow_heif
import pytest
from PIL import Image

from querist.core.errors import DataError
from querist.pool import images
from querist.pool.images import MAX_SIDE, ImagePayloads, decoded
from querist.pool.sources import open_pool


def _save(path, size=(8, 6), colour=(200, 30, 30), mode="RGB", **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new(mode, size, colour).save(path, **options)
    return path


@pytest.fixture(scope="module")
def photo(tmp_path_factory):
    """12 megapixels, landscape in the file, to be turned a quarter clockwise; its upper edge is white."""
    pixels = np.zeros((3024, 4032, 3), np.uint8)
    pixels[:300] = 255
    exif = Image.Exif()
    exif[0x0112] = 6
    path = tmp_path_factory.mktemp("phone") / "IMG_1.jpg"
    Image.fromarray(pixels).save(path, quality=85, exif=exif)
    return path


def test_a_phone_photo_is_upright_and_small(photo) -> None:
    image = decoded(photo.read_bytes(), "photo")
    assert image.shape == (MAX_SIDE, MAX_SIDE * 3 // 4, 3)
    # The white upper edge of the file is the right edge of what was seen.
    assert image[:, -10:].mean() > 250
    assert image[:, :10].mean() < 5


def test_a_phone_photo_is_never_decoded_large(photo, monkeypatch) -> None:
    sizes = []
    load = Image.Image.load

    def spy(image):
        sizes.append(image.size)
        return load(image)

    monkeypatch.setattr(Image.Image, "load", spy)
    decoded(photo.read_bytes(), "photo")
    assert max(max(size) for size in sizes) <= 4 * MAX_SIDE


def test_small_images_keep_their_pixels(tmp_path) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (5, 7, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "a.png")
    assert (decoded((tmp_path / "a.png").read_bytes(), "a") == pixels).all()


def test_deep_greys_keep_their_high_bits(tmp_path) -> None:
    deep = np.array([[0, 256 * 7], [256 * 255, 256 * 128]], np.uint16)
    Image.fromarray(deep).save(tmp_path / "scan.png")
    assert decoded((tmp_path / "scan.png").read_bytes(), "scan").tolist() == [[0, 7], [255, 128]]


@pytest.mark.parametrize(("mode", "colour"), [("RGBA", (0, 0, 0, 0)), ("LA", (0, 0))])
def test_transparency_is_white(tmp_path, mode, colour) -> None:
    path = _save(tmp_path / "logo.png", mode=mode, colour=colour)
    image = decoded(path.read_bytes(), "logo")
    assert (image == 255).all()
    assert image.ndim == (3 if mode == "RGBA" else 2)


def test_one_coloured_image_makes_all_coloured(tmp_path) -> None:
    grey = _save(tmp_path / "a.png", mode="L", colour=9)
    assert ImagePayloads([grey], ["a"]).take(np.array([0])).shape == (1, 6, 8)
    both = ImagePayloads([grey, _save(tmp_path / "b.png")], ["a", "b"])
    assert both.take(np.array([0, 1])).shape == (2, 6, 8, 3)
    assert both.take(np.array([0])).tolist() == np.full((1, 6, 8, 3), 9).tolist()


def test_the_cache_is_bounded_and_gives_the_same(tmp_path) -> None:
    paths = [_save(tmp_path / f"{value}.png", size=(300, 300), colour=(value, 0, 0)) for value in range(9)]
    column = ImagePayloads(paths, [path.name for path in paths], cache_mb=1)
    for order in ([0, 1, 2, 3], [8, 0, 8], list(range(9))):
        assert column.take(np.array(order))[:, 0, 0, 0].tolist() == order
        held = sum(image.nbytes for image in column._cache.values())
        assert 0 < held <= 2**20
        assert held + column._room == 2**20


def test_threads_keep_the_order(photo, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(images, "_threads_for", lambda sources: 3)
    paths = [_save(tmp_path / f"{value}.png", colour=(value, 0, 0)) for value in range(20)]
    column = ImagePayloads(paths, [path.name for path in paths], cache_mb=0)
    assert column.take(np.arange(20))[:, 0, 0, 0].tolist() == list(range(20))


def _folder(tmp_path, names):
    for value, name in enumerate(names):
        _save(tmp_path / name, colour=(value * 9, 0, 0))
    return tmp_path


@pytest.mark.parametrize(
    ("names", "classes", "splits"),
    [
        (["cat/1.png", "cat/old/2.png", "dog/1.png"], ("cat", "dog"), ["train"] * 3),
        (["train/cat/1.png", "train/dog/1.png", "test/cat/2.png"], ("cat", "dog"), ["test", "train", "train"]),
        (["all/train/cat/1.png", "all/Val/cat/2.png"], ("cat",), ["validation", "train"]),
        (["bus/1.png", "train/1.png"], ("bus", "train"), ["train", "train"]),
        (["cat/1.png", "cat/2.png"], ("cat",), ["train", "train"]),
    ],
)
def test_folders_say_classes_and_splits(tmp_path, names, classes, splits) -> None:
    pool = open_pool(f"images:{_folder(tmp_path, names)}")
    assert pool.keys() == sorted(names)
    assert pool.suggest_task() == ("classification", classes)
    if len(names) == len(set(splits)) or set(splits) == {"train", "test"}:
        assert [pool.split(row) for row in range(len(pool))] == splits


def test_a_flat_folder_has_no_labels(tmp_path) -> None:
    pool = open_pool(f"images:{_folder(tmp_path, ['1.png', '2.JPG', '.hidden.png'])}")
    assert pool.keys() == ["1.png", "2.JPG"]
    assert not pool.known(pool.rows()).any()
    assert pool.notes == []


def test_photos_beside_class_folders_are_unlabelled(tmp_path) -> None:
    pool = open_pool(f"images:{_folder(tmp_path, ['new.png', 'cat/1.png', 'dog/1.png', 'notes.bmp'])}")
    (tmp_path / "Thumbs.db").write_text("")
    assert pool.known([0, 1, 2, 3]).tolist() == [True, True, False, False]
    assert "2 images lie in no class folder and have no label" in pool.notes


def test_files_added_later_get_new_ids(tmp_path) -> None:
    folder = _folder(tmp_path, [f"{kind}/{at}.png" for kind in ("cat", "dog") for at in range(10)])
    before = open_pool(f"images:{folder}")
    assert len(before.rows("test")) == 4
    for name in ("cat/00.png", "ape/1.png", "dog/zz.png"):
        _save(folder / name, colour=(0, 99, len(name)))
    again = open_pool(f"images:{folder}")
    assert again.keys() != before.keys()
    keys, splits = before.keys(), [before.split(row) for row in range(len(before))]
    aligned = again.align(keys, splits)
    assert aligned.keys()[: len(before)] == keys
    assert [aligned.split(row) for row in range(len(before))] == splits
    assert set(aligned.keys()[len(before) :]) == {"cat/00.png", "ape/1.png", "dog/zz.png"}
    assert aligned.suggest_task()[1] == ("ape", "cat", "dog")
    assert all((aligned[row] == before[row]).all() for row in range(len(before)))


def test_a_broken_image_is_named_or_skipped(tmp_path) -> None:
    folder = _folder(tmp_path, ["cat/1.png", "dog/1.png"])
    whole = _save(tmp_path / "x.jpg", size=(200, 200)).read_bytes()
    (tmp_path / "x.jpg").unlink()
    (folder / "dog" / "cut.jpg").write_bytes(whole[: len(whole) // 2])
    (folder / "dog" / "empty.jpg").write_bytes(b"")
    with pytest.raises(DataError, match=r"dog/cut\.jpg cannot be read as an image: .*\(and 1 more\).*--skip-bad"):
        open_pool(f"images:{folder}")
    pool = open_pool(f"images:{folder}", skip_bad=True)
    assert pool.keys() == ["cat/1.png", "dog/1.png"]
    assert [note.split(":")[0] for note in pool.notes[:2]] == ["skipped", "skipped"]
    assert "empty.jpg cannot be read as an image: the file is empty" in pool.notes[1]
    for path in folder.rglob("1.png"):
        path.unlink()
    with pytest.raises(DataError, match="none of the 2 images"):
        open_pool(f"images:{folder}", skip_bad=True)


def test_heic_needs_its_extra(tmp_path, monkeypatch) -> None:
    pillow_heif.register_heif_opener()
    buffer = io.BytesIO()
    Image.new("RGB", (64, 48), (10, 200, 10)).save(buffer, "HEIF")
    (tmp_path / "cat").mkdir()
    (tmp_path / "cat" / "IMG_7.HEIC").write_bytes(buffer.getvalue())
    assert open_pool(f"images:{tmp_path}")[0].shape == (48, 64, 3)
    monkeypatch.setattr(images, "installed", lambda package: False)
    with pytest.raises(DataError, match=r"IMG_7\.HEIC is a HEIC image.*pip install 'querist\[heic\]'"):
        open_pool(f"images:{tmp_path}")


def test_folders_without_images(tmp_path) -> None:
    with pytest.raises(DataError, match="holds no images: it is empty"):
        open_pool(f"images:{tmp_path}")
    (tmp_path / "notes.txt").write_text("x")
    with pytest.raises(DataError, match=r"holds no images: only notes\.txt"):
        open_pool(f"images:{tmp_path}")
    with pytest.raises(DataError, match="there is no folder"):
        open_pool(f"images:{tmp_path}/nowhere")
    with pytest.raises(DataError, match="is a file, and a folder is needed"):
        open_pool(f"images:{tmp_path}/notes.txt")


def test_a_photo_that_vanishes_is_named(tmp_path) -> None:
    path = _save(tmp_path / "a.png")
    column = ImagePayloads([path], [str(path)], cache_mb=0)
    path.unlink()
    with pytest.raises(DataError, match=r"a\.png cannot be read: No such file"):
        column.take(np.array([0]))
