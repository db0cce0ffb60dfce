"""Windows that slide over images: where they lie, how they are cut, how they are put back.

Owns: Windows. Does not own what is computed of a window (see `convolution` and `pooling`).
Place: a leaf under both. Letters: B = images, C = channels, H, W = rows and columns of an image,
Ho, Wo = rows and columns of windows, Kh, Kw = rows and columns of one window.
"""

from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from .arrays import Array

Pair = tuple[int, int]  # rows first, then columns


@dataclass(frozen=True)
class Windows:
    """The size of a window and the places where it is put; every pair is (rows, columns).

    Parameters
    ----------
    size : pair of int
        Entries of a window, >= 1.
    stride : pair of int
        Steps from a window to the next, >= 1. Smaller than the size, windows overlap.
    padding : pair of int
        Entries added on each side of the image, >= 0.
    dilation : pair of int
        Steps from an entry of a window to the next, >= 1.

    Raises
    ------
    ValueError
        Where a setting is no pair of whole numbers, or too small.

    Examples
    --------
    >>> Windows((3, 3), stride=(2, 2), padding=(1, 1)).count(5, 7)
    (3, 4)
    """

    size: Pair
    stride: Pair = (1, 1)
    padding: Pair = (0, 0)
    dilation: Pair = (1, 1)

    def __post_init__(self) -> None:
        for name, least in (("size", 1), ("stride", 1), ("padding", 0), ("dilation", 1)):
            _require_pair(name, getattr(self, name), least)

    @property
    def reach(self) -> Pair:
        """Rows and columns from the first entry of a window to its last, both counted."""
        (kh, kw), (dh, dw) = self.size, self.dilation
        return dh * (kh - 1) + 1, dw * (kw - 1) + 1

    def count(self, rows: int, columns: int) -> Pair:
        """Return (Ho, Wo) on an image of (H, W); ValueError where no window fits into it."""
        (ph, pw), (sh, sw) = self.padding, self.stride
        free_rows, free_columns = (
            rows + 2 * ph - self.reach[0],
            columns + 2 * pw - self.reach[1],
        )
        if free_rows < 0 or free_columns < 0:
            raise ValueError(
                f"size={self.size} with dilation={self.dilation} reaches over {self.reach}, but "
                f"the image is {(rows, columns)} with padding={self.padding}; use a smaller "
                "window or more padding"
            )
        return free_rows // sh + 1, free_columns // sw + 1

    def pad(self, x: Array, filling: float = 0.0) -> Array:
        """Return x (B, C, H, W) in a frame: (B, C, H + 2 ph, W + 2 pw)."""
        ph, pw = self.padding
        return np.pad(x, ((0, 0), (0, 0), (ph, ph), (pw, pw)), constant_values=filling)

    def cut(self, padded: Array) -> Array:
        """Return a read-only view of all windows: (B, C, Ho, Wo, Kh, Kw)."""
        (sh, sw), (dh, dw) = self.stride, self.dilation
        windows = sliding_window_view(padded, self.reach, axis=(2, 3))  # at every place, undilated
        return windows[:, :, ::sh, ::sw, ::dh, ::dw]

    def put_back(self, dwindows: Array, rows: int, columns: int) -> Array:
        """Compute dx (B, C, H, W) from dwindows (B, C, Ho, Wo, Kh, Kw): back through cut and pad.

        An entry that lies in several windows gets the sum of theirs; what fell on the frame is
        left out.
        """
        (ph, pw), (sh, sw), (dh, dw) = self.padding, self.stride, self.dilation
        b, c, ho, wo, kh, kw = dwindows.shape
        dpadded = np.zeros((b, c, rows + 2 * ph, columns + 2 * pw), dtype=dwindows.dtype)
        for i, j in np.ndindex(kh, kw):  # forward: windows[..., i, j] = padded[these places]
            down = slice(i * dh, i * dh + sh * ho, sh)
            along = slice(j * dw, j * dw + sw * wo, sw)
            dpadded[:, :, down, along] += dwindows[..., i, j]  # (B, C, Ho, Wo)
        return dpadded[:, :, ph : ph + rows, pw : pw + columns].copy()  # forward: pad


def require_images(x: Array) -> None:
    """Raise ValueError unless x has the shape (B, C, H, W)."""
    if np.ndim(x) != 4:
        raise ValueError(
            f"x has shape {np.shape(x)}, but images are (B, C, H, W); "
            "give a single grey image as x[None, None]"
        )


def _require_pair(name: str, value: object, least: int) -> None:
    whole = isinstance(value, tuple) and all(isinstance(n, (int, np.integer)) for n in value)
    if not isinstance(value, tuple) or not whole or len(value) != 2 or min(value) < least:
        raise ValueError(
            f"{name}={value!r}, but it is (rows, columns), two whole numbers of at least {least}; "
            f"write for example {name}=({max(least, 1)}, {max(least, 1)})"
        )
