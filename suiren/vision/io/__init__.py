"""Images from and to files, by Pillow."""

from suiren.vision.io.image import ImageReadMode as ImageReadMode
from suiren.vision.io.image import decode_gif as decode_gif
from suiren.vision.io.image import decode_image as decode_image
from suiren.vision.io.image import decode_jpeg as decode_jpeg
from suiren.vision.io.image import decode_png as decode_png
from suiren.vision.io.image import decode_webp as decode_webp
from suiren.vision.io.image import encode_jpeg as encode_jpeg
from suiren.vision.io.image import encode_png as encode_png
from suiren.vision.io.image import read_file as read_file
from suiren.vision.io.image import read_image as read_image
from suiren.vision.io.image import write_file as write_file
from suiren.vision.io.image import write_jpeg as write_jpeg
from suiren.vision.io.image import write_png as write_png
