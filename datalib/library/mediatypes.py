"""Media types by the extension of a file's name: a fixed table, as the operating system's differs between machines.

Source: IANA media type registry, and for formats without an entry what their projects recommend.
"""

from collections.abc import Mapping
from typing import Final

UNKNOWN: Final = "application/octet-stream"

_BY_EXTENSION: Final[Mapping[str, str]] = {
    extension: mediatype
    for mediatype, extensions in {
        "text/plain": "txt text log readme lst conf ini",
        "text/markdown": "md markdown",
        "text/html": "html htm",
        "text/css": "css",
        "text/csv": "csv",
        "text/tab-separated-values": "tsv tab",
        "text/javascript": "js mjs",
        "text/x-python": "py",
        "text/x-rst": "rst",
        "text/x-c": "c h",
        "text/vtt": "vtt",
        "text/turtle": "ttl",
        "application/json": "json geojson",
        "application/jsonl": "jsonl ndjson",
        "application/ld+json": "jsonld",
        "application/yaml": "yaml yml",
        "application/toml": "toml",
        "application/xml": "xml xsd rdf",
        "application/sql": "sql",
        "application/pdf": "pdf",
        "application/rtf": "rtf",
        "application/msword": "doc",
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document": "docx",
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": "xlsx",
        "application/vnd.openxmlformats-officedocument.presentationml.presentation": "pptx",
        "application/vnd.ms-excel": "xls",
        "application/vnd.ms-powerpoint": "ppt",
        "application/vnd.oasis.opendocument.text": "odt",
        "application/vnd.oasis.opendocument.spreadsheet": "ods",
        "application/epub+zip": "epub",
        "application/vnd.apache.parquet": "parquet pq",
        "application/vnd.apache.arrow.file": "arrow feather",
        "application/vnd.apache.arrow.stream": "arrows",
        "application/vnd.apache.avro+binary": "avro",
        "application/x-hdf5": "h5 hdf5 hdf",
        "application/x-netcdf": "nc",
        "application/x-npy": "npy npz",
        "application/vnd.sqlite3": "sqlite sqlite3 db",
        "application/warc": "warc",
        "application/gzip": "gz tgz",
        "application/zip": "zip",
        "application/zstd": "zst",
        "application/x-bzip2": "bz2",
        "application/x-xz": "xz",
        "application/x-tar": "tar",
        "application/x-7z-compressed": "7z",
        "application/vnd.rar": "rar",
        "application/x-subrip": "srt",
        "application/x-ipynb+json": "ipynb",
        "application/onnx": "onnx",
        "application/vnd.safetensors": "safetensors",
        "image/jpeg": "jpg jpeg jpe jfif",
        "image/png": "png",
        "image/gif": "gif",
        "image/webp": "webp",
        "image/avif": "avif",
        "image/heic": "heic heif",
        "image/bmp": "bmp",
        "image/tiff": "tif tiff",
        "image/svg+xml": "svg",
        "image/jp2": "jp2",
        "image/vnd.djvu": "djvu djv",
        "application/dicom": "dcm",
        "audio/wav": "wav",
        "audio/mpeg": "mp3",
        "audio/flac": "flac",
        "audio/ogg": "ogg oga opus",
        "audio/mp4": "m4a",
        "audio/aac": "aac",
        "audio/aiff": "aif aiff",
        "audio/AMR": "amr",
        "video/mp4": "mp4 m4v",
        "video/webm": "webm",
        "video/quicktime": "mov",
        "video/matroska": "mkv",
        "video/mpeg": "mpg mpeg",
        "video/x-msvideo": "avi",
        "video/3gpp": "3gp",
        "application/geopackage+sqlite3": "gpkg",
        "application/vnd.google-earth.kml+xml": "kml",
        "application/vnd.shp": "shp",
        "application/pgp-signature": "asc sig",
    }.items()
    for extension in extensions.split()
}


def extension_of(path: str) -> str:
    """Give the lower-case extension of the last segment, or an empty text."""
    stem, dot, extension = path.rpartition("/")[2].rpartition(".")
    return extension.lower() if stem and dot else ""


def mediatype_of(path: str) -> str:
    """Give the media type that the extension of ``path`` stands for, `UNKNOWN` if it stands for none."""
    return _BY_EXTENSION.get(extension_of(path), UNKNOWN)
